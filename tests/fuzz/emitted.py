"""What the code that is made from rules may hold: an own small language of Python, with nothing in it that reaches outside.

Names are those of the program it belongs to and its own; whatever a rule's author wrote stands in it as a text between quotes or
as the end of a name. The compiler itself keeps to that by making code from checked trees and by running it without built-ins; this
looks at what came of it.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

from streams.legs import Leg

NODES: Final = (
    ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AugAssign, ast.Delete, ast.Expr, ast.If, ast.IfExp,
    ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript, ast.Slice, ast.Starred, ast.Name, ast.List, ast.Tuple, ast.Dict,
    ast.Set, ast.boolop, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context,
)  # fmt: skip
"""Besides attributes, calls and constants, which are looked at."""
ATTRIBUTES: Final = frozenset(Leg.__struct_fields__) | {
    "groups", "references", "reference_at", "since", "get", "append", "partition",
    "count", "enter", "leave", "met_again", "alone_again",
}  # fmt: skip
"""Of a leg; of a subject; of containers and texts; of one-off payments."""
CALLED: Final = frozenset(
    {"reference_at", "since", "get", "append", "partition", "enter", "leave", "met_again", "alone_again"}
)
AT_TOP: Final = frozenset({"NO_C", "NO_A"})
_SHORT: Final = frozenset("LOPRSacdgkmnoprsxz")
_LOCAL: Final = re.compile(r"[vp]_[A-Za-z_][A-Za-z0-9_]*|x_[a-z_]+|often_[0-9]")
CONSTANTS: Final = (str, int, type(None))


def faults(source: str, space: Mapping[str, object]) -> list[str]:
    """Say what generated source holds that it may not; ``space`` are the names it was given. Raises SyntaxError."""
    return [*_faults(ast.parse(source), space)]


def _faults(tree: ast.Module, space: Mapping[str, object]) -> Iterator[str]:
    for statement in tree.body:
        nodes = [*ast.walk(statement)]
        yield from _strange(nodes)
        if isinstance(statement, ast.FunctionDef):
            yield from _of_function(statement, nodes, space)
        elif not (isinstance(statement, ast.Assign) and {ast.unparse(each) for each in statement.targets} <= AT_TOP):
            yield f"at the top: {ast.unparse(statement)}"


def _strange(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Attribute):
            if node.attr not in ATTRIBUTES:
                yield f"attribute {node.attr}"
        elif isinstance(node, ast.Call):
            if not _may_call(node):
                yield f"call of {ast.unparse(node.func)}"
        elif isinstance(node, ast.Constant):
            if not isinstance(node.value, CONSTANTS):
                yield f"constant {node.value!r}"
        elif not isinstance(node, NODES):
            yield f"{type(node).__name__}: {ast.unparse(node)}"


def _may_call(node: ast.Call) -> bool:
    """A function of the program by its name, or one of the few methods."""
    named = isinstance(node.func, ast.Name) or (isinstance(node.func, ast.Attribute) and node.func.attr in CALLED)
    return named and not node.keywords


def _of_function(function: ast.FunctionDef, nodes: list[ast.AST], space: Mapping[str, object]) -> Iterator[str]:
    given = function.args
    if (
        function.decorator_list
        or given.defaults
        or given.vararg
        or given.kwarg
        or given.kwonlyargs
        or given.kw_defaults
    ):
        yield f"{function.name} is no plain function"
    if sum(isinstance(node, ast.FunctionDef) for node in nodes) > 1:
        yield f"a function within {function.name}"
    names = [node for node in nodes if isinstance(node, ast.Name)]
    made = {argument.arg for argument in given.args} | {node.id for node in names if isinstance(node.ctx, ast.Store)}
    yield from (f"a local name {name!r}" for name in sorted(made) if name not in _SHORT and not _LOCAL.fullmatch(name))
    strange = {node.id for node in names} - made
    yield from (f"a name {name!r} of nobody" for name in sorted(strange) if name not in space or name.startswith("__"))
