"""What the code must not say. Each check takes one module and yields its faults; scopes are part of the check."""

import ast
from collections.abc import Iterator

from tests.tidy.source import FUNCTIONS, Check, Finding, Function, Module

CORE = tuple(
    f"streams/{name}" for name in ("money", "events", "legs", "state", "flow", "detection", "alerts", "pipeline")
)

# Where a time zone stands among the positional arguments, by call.
ZONE_POSITION = {
    "datetime.datetime": 7,
    "datetime.datetime.now": 0,
    "datetime.datetime.fromtimestamp": 1,
}
ALWAYS_NAIVE = {
    "datetime.datetime.utcnow",
    "datetime.datetime.utcfromtimestamp",
    "datetime.datetime.today",
    "datetime.date.today",
    "datetime.date.fromtimestamp",
}
CLOCKS = {
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.perf_counter_ns",
    "time.localtime",
    "time.sleep",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
}
CHANCE = {"uuid.uuid1", "uuid.uuid4", "os.urandom", "random.SystemRandom"}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.unsetenv"}
APPS = {"faust.App", "starlette.applications.Starlette", "sqlalchemy.create_engine", "typer.Typer"}


def naive_datetimes(module: Module) -> Iterator[Finding]:
    """A moment without a zone means something else on the next machine."""
    called = {id(node.func) for node, _ in module.nodes() if isinstance(node, ast.Call)}
    for node, where in module.nodes():
        name = module.full_name(node)
        if name in ALWAYS_NAIVE:
            yield module.finding(node, where, f"{name} knows no time zone; give a zone or use integer milliseconds")
        elif name in ZONE_POSITION and name != "datetime.datetime" and id(node) not in called:
            yield module.finding(node, where, f"{name} handed on as a function is called without a zone")
        elif isinstance(node, ast.Call) and _without_zone(module, node):
            yield module.finding(node, where, f"{module.full_name(node.func)} without a time zone")


def _without_zone(module: Module, call: ast.Call) -> bool:
    position = ZONE_POSITION.get(module.full_name(call.func))
    if position is None:
        return False
    given = [word.value for word in call.keywords if word.arg in {"tz", "tzinfo"}] + call.args[position : position + 1]
    unpacked = any(word.arg is None for word in call.keywords) or any(isinstance(arg, ast.Starred) for arg in call.args)
    return not unpacked and all(isinstance(zone, ast.Constant) and zone.value is None for zone in given)


def floats_near_money(module: Module) -> Iterator[Finding]:
    """`float` by name, as a literal or as the result of `/`.

    To ask `isinstance(x, float)` is fine: that is how one refuses it.
    """
    if not module.inside(*CORE):
        return
    asked = {
        id(inner)
        for node, _ in module.nodes()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"
        for argument in node.args[1:]
        for inner in ast.walk(argument)
    }
    for node, where in module.nodes():
        if isinstance(node, ast.Name) and node.id == "float" and id(node) not in asked:
            yield module.finding(node, where, "float; amounts are integers in minor units")
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield module.finding(node, where, f"float literal {node.value}; use integers, or a ratio of integers")
        elif isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
            yield module.finding(node, where, "/ gives a float; use // and say where the remainder goes")
        elif isinstance(node, (*FUNCTIONS, ast.AnnAssign)):
            for quoted in _annotations(node):
                if isinstance(quoted, ast.Constant) and _names(quoted, "float"):
                    yield module.finding(node, where, "float in a quoted annotation; amounts are integers")


def _annotations(node: Function | ast.AnnAssign) -> list[ast.expr]:
    if isinstance(node, ast.AnnAssign):
        return [node.annotation]
    found = [argument.annotation for argument in _parameters(node)] + [node.returns]
    return [annotation for annotation in found if annotation is not None]


def _parameters(node: Function) -> list[ast.arg]:
    listed = node.args
    rest = [argument for argument in (listed.vararg, listed.kwarg) if argument is not None]
    return [*listed.posonlyargs, *listed.args, *listed.kwonlyargs, *rest]


def _names(annotation: ast.expr, wanted: str) -> bool:
    """Whether a name occurs in an annotation, quoted parts included."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name) and node.id == wanted:
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                quoted = ast.parse(node.value, mode="eval").body
            except SyntaxError:
                continue
            if _names(quoted, wanted):
                return True
    return False


def environment_outside_settings(module: Module) -> Iterator[Finding]:
    """Configuration is typed once; a variable read elsewhere is one that nobody documents."""
    if not module.inside("streams") or module.inside("streams/settings"):
        return
    for node, where in module.nodes():
        name = module.full_name(node)
        if name in ENVIRONMENT:
            yield module.finding(node, where, f"{name} outside streams/settings; take a setting as an argument")


def print_outside_cli(module: Module) -> Iterator[Finding]:
    """Workers log; only the command line talks to a person."""
    if not module.inside("streams") or module.inside("streams/cli"):
        return
    for node, where in module.nodes():
        plain = isinstance(node, ast.Name) and node.id == "print" and "print" not in module.imported
        if plain or module.full_name(node) in {"builtins.print", "rich.print"}:
            yield module.finding(node, where, "print outside streams/cli; return the text or log it")


def any_in_public_signatures(module: Module) -> Iterator[Finding]:
    """`Any` in a signature switches mypy off for every caller.

    Private functions and functions inside functions may use it.
    """
    if not module.inside("streams"):
        return
    spellings = [name for name, full in module.imported.items() if full in {"typing.Any", "typing_extensions.Any"}]
    for function, where in _public_functions(module.tree.body, ""):
        for annotation in _annotations(function):
            dotted = any(module.full_name(node) == "typing.Any" for node in ast.walk(annotation))
            if dotted or any(_names(annotation, spelling) for spelling in spellings):
                yield module.finding(
                    annotation, where, "Any in a public signature; use object, a Protocol or a type variable"
                )


def _public_functions(body: list[ast.stmt], where: str) -> Iterator[tuple[Function, str]]:
    for node in body:
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            continue
        dunder = node.name.startswith("__") and node.name.endswith("__")
        if node.name.startswith("_") and not dunder:
            continue
        inside = f"{where}.{node.name}" if where else node.name
        if isinstance(node, ast.ClassDef):
            yield from _public_functions(node.body, inside)
        else:
            yield node, inside


def clock_or_chance_in_the_core(module: Module) -> Iterator[Finding]:
    """Between bytes and alert the same log gives the same result: time is in the record, chance is nowhere."""
    if not module.inside(*CORE):
        return
    unseeded = {
        id(node.func)
        for node, _ in module.nodes()
        if isinstance(node, ast.Call) and not node.args and not node.keywords
    }
    for node, where in module.nodes():
        name = module.full_name(node)
        if name in CLOCKS:
            yield module.finding(node, where, f"{name} below the rim; take the time from the log record")
        elif name in CHANCE or name.startswith("secrets."):
            yield module.finding(node, where, f"{name} below the rim; derive the value from the record")
        elif name.startswith("random.") and (name != "random.Random" or id(node) in unseeded):
            yield module.finding(node, where, f"{name} draws from an unseeded source; pass a seeded random.Random")


def app_objects_at_module_level(module: Module) -> Iterator[Finding]:
    """Importing a module must start nothing.

    The command line is exempt: Typer's own way is an app per file of commands.
    """
    if not module.inside("streams"):
        return
    for statement in module.tree.body:
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or not isinstance(statement.value, ast.Call):
            continue
        name = module.full_name(statement.value.func)
        if name in APPS and not (name == "typer.Typer" and module.inside("streams/cli")):
            yield module.finding(statement, "", f"{name} at module level; build it in a function")


BANS: dict[str, Check] = {
    check.__name__: check
    for check in (
        naive_datetimes,
        floats_near_money,
        environment_outside_settings,
        print_outside_cli,
        any_in_public_signatures,
        clock_or_chance_in_the_core,
        app_objects_at_module_level,
    )
}
