"""What a tidy check reads: one parsed module, names resolved through its imports, and the files of the tree."""

import ast
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, order=True)
class Finding:
    """One fault. `where` is the qualified name of the function or class around it, empty at module level."""

    path: str
    line: int
    where: str
    text: str

    def __str__(self) -> str:
        """Read like a compiler's message, so that an editor can jump to it."""
        return f"{self.path}:{self.line}: {self.text}" + (f" (in {self.where})" if self.where else "")


@dataclass(frozen=True)
class Module:
    """A Python file as checks see it: `path` is relative to the root, with forward slashes."""

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree; raises SyntaxError as `ast.parse` does."""
        return ast.parse(self.text, filename=str(self.path))

    @cached_property
    def imported(self) -> dict[str, str]:
        """Local name to full name, from every import in the file, wherever it stands."""
        names: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    local = alias.asname or alias.name.partition(".")[0]
                    names[local] = alias.name if alias.asname else local
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return names

    def full_name(self, node: ast.AST) -> str:
        """`dt.datetime.now` as `datetime.datetime.now`; empty if the node is no dotted name or starts at no import."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.imported:
            return ""
        return ".".join([self.imported[node.id], *reversed(parts)])

    @cached_property
    def _nodes(self) -> list[tuple[ast.AST, str]]:
        found: list[tuple[ast.AST, str]] = []
        stack: list[tuple[ast.AST, str]] = [(self.tree, "")]
        while stack:
            node, where = stack.pop()
            found.append((node, where))
            inside = where
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                inside = f"{where}.{node.name}" if where else node.name
            stack.extend((child, inside) for child in ast.iter_child_nodes(node))
        return found

    def nodes(self) -> list[tuple[ast.AST, str]]:
        """Every node with the qualified name of what encloses it."""
        return self._nodes

    def finding(self, node: ast.AST, where: str, text: str) -> Finding:
        """Place a fault at a node."""
        return Finding(str(self.path), getattr(node, "lineno", 1), where, text)

    def inside(self, *folders: str) -> bool:
        """Tell whether the file lies in one of these folders (written from the root)."""
        return any(self.path.is_relative_to(folder) for folder in folders)


Check = Callable[[Module], Iterator[Finding]]


def tree_files() -> list[PurePosixPath]:
    """Files that are or would be committed, from the root.

    Without git (a source archive) all files that no tool made.
    """
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        command = [git, "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        if done.returncode == 0:
            names = sorted(name for name in set(done.stdout.split("\0")) if name and (ROOT / name).is_file())
            return [PurePosixPath(name) for name in names]
    made = {".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "__pycache__"}
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return sorted(PurePosixPath(path.as_posix()) for path in found if not made & set(path.parts))


def tree_modules() -> list[Module]:
    """Every Python file of the tree. A file that vanishes meanwhile is left out."""
    return [
        Module(path, (ROOT / path).read_text("utf-8"))
        for path in tree_files()
        if path.suffix == ".py" and (ROOT / path).exists()
    ]
