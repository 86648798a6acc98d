"""How big things may be, what they may be called, and where they may stand."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from tests.tidy.source import FUNCTIONS, Check, Finding, Function, Module

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 5
HAND_WRITTEN = {".py", ".sql", ".mako", ".toml", ".yaml", ".yml"}

TOP_LEVEL = {
    "streams",
    "rules",
    "schemas",
    "deploy",
    "tests",
    "pyproject.toml",
    "README.md",
    "Makefile",
    "requirements.lock",
    "LICENSE",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
}
NAMELESS = {"util", "utils", "common", "helper", "helpers", "misc"}
WITHOUT_PYTHON = ("rules", "schemas", "deploy")

# Written in pieces, so that this file does not name what it forbids.
REGISTRY_HOSTS = tuple(
    ".".join(pieces)
    for pieces in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("repo", "maven", "apache", "org"),
        ("repo1", "maven", "org"),
        ("registry", "npmjs", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("deb", "debian", "org"),
    )
)


def long_file(path: PurePosixPath, text: str) -> Iterator[Finding]:
    """Hand-written files only: lock files, data and vendored scripts are as long as they are."""
    lines = text.count("\n")
    if path.suffix in HAND_WRITTEN and lines > FILE_LINES_MAX:
        yield Finding(
            str(path), lines, "", f"{lines} lines, at most {FILE_LINES_MAX}; split it by what changes together"
        )


def long_functions(module: Module) -> Iterator[Finding]:
    """From `def` to the last line, docstring included, decorators not."""
    for node, where in module.nodes():
        if isinstance(node, FUNCTIONS):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                text = f"{node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"
                yield module.finding(node, f"{where}.{node.name}".strip("."), text)


def many_parameters(module: Module) -> Iterator[Finding]:
    """Beyond five, a dataclass says it better.

    `self` and `cls` do not count. Keyword-only parameters count, except where they are the fields of the object being
    made. Commands in `streams/cli` are exempt: Typer reads a command's options from its parameters.
    """
    owners = {
        id(child)
        for node, _ in module.nodes()
        if isinstance(node, ast.ClassDef)
        for child in ast.iter_child_nodes(node)
    }
    for node, where in module.nodes():
        if not isinstance(node, FUNCTIONS) or (module.inside("streams/cli") and _is_command(node)):
            continue
        count = _count(node, method=id(node) in owners)
        if count > PARAMETERS_MAX:
            text = f"{node.name} has {count} parameters, at most {PARAMETERS_MAX}; use a dataclass"
            yield module.finding(node, f"{where}.{node.name}".strip("."), text)


def _decorators(node: Function) -> set[str]:
    names: set[str] = set()
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        names.add(target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", ""))
    return names


def _is_command(node: Function) -> bool:
    return bool(_decorators(node) & {"command", "callback"})


def _count(node: Function, *, method: bool) -> int:
    listed = node.args
    count = len(listed.posonlyargs) + len(listed.args) + (listed.vararg is not None) + (listed.kwarg is not None)
    if method and "staticmethod" not in _decorators(node):
        count -= 1
    makes_object = method and node.name in {"__init__", "__new__", "__replace__"}
    return count if makes_object else count + len(listed.kwonlyargs)


def nameless_modules(module: Module) -> Iterator[Finding]:
    """A drawer without a label fills up with everything."""
    for part in module.path.with_suffix("").parts:
        if part.strip("_") in NAMELESS:
            yield Finding(str(module.path), 1, "", f"a module called {part} says nothing; name it after what it holds")


def python_where_none_belongs(path: PurePosixPath, text: str) -> Iterator[Finding]:
    """Compliance, integrators and operators own these folders; they hold data and text."""
    if path.parts[0] not in WITHOUT_PYTHON:
        return
    first_line = text.partition("\n")[0]
    if path.suffix in {".py", ".pyi", ".ipynb"} or (first_line.startswith("#!") and "python" in first_line):
        yield Finding(str(path), 1, "", f"Python in {path.parts[0]}/; it belongs into streams/ or tests/")


def registry_hosts(path: PurePosixPath, text: str) -> Iterator[Finding]:
    """Where packages come from is the business of whoever builds, with a mirror or without."""
    for number, line in enumerate(text.splitlines(), start=1):
        for host in REGISTRY_HOSTS:
            if host in line.lower():
                yield Finding(str(path), number, "", f"names the package registry {host}")


def strangers_at_the_top(paths: Iterable[PurePosixPath]) -> Iterator[Finding]:
    """The top level is the table of contents; dot-files are customary."""
    for name in sorted({path.parts[0] for path in paths}):
        if name not in TOP_LEVEL and not name.startswith("."):
            yield Finding(name, 1, "", "does not belong to the top level; see the layout in CONTRIBUTING.md")


SHAPE: dict[str, Check] = {check.__name__: check for check in (long_functions, many_parameters, nameless_modules)}
