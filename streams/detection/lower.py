"""Typed lowering of a rule's expressions to Python source, from the tree alone: no text of the user enters the code.

Numbers are exact: a value is an integer over a power of ten (``scale``), so ``90% of x`` is ``9 * x`` over 10 and a comparison
multiplies crosswise.
"""

from dataclasses import dataclass, field
from difflib import get_close_matches

from streams.detection.expression import ExpressionError, Node
from streams.detection.rule import MoneyParam
from streams.detection.words import FIELDS, Type


@dataclass(frozen=True, slots=True)
class Code:
    """Source of a value, its type, and what its integer has to be divided by."""

    source: str
    type: Type
    scale: int = 1


@dataclass(slots=True)
class Scope:
    """Names an expression may use, and what it was seen to use."""

    names: dict[str, Code]
    params: dict[str, MoneyParam | int]
    used: set[str] = field(default_factory=set)
    limits: list[tuple[str, str, Code]] = field(default_factory=list)
    """Comparisons with a plain name on the left: name, operator, right side."""
    texts: set[str] = field(default_factory=set)
    """Leg fields that leave the rule undecided when they are missing."""


def lower(node: Node, scope: Scope) -> Code:  # noqa: PLR0911  one return per kind of node
    """Give the source of a node; raises ``ExpressionError`` at the node at fault."""
    match node.kind:
        case "number":
            whole, _, decimals = node.value.partition(".")
            return Code(str(int(whole + decimals)), Type.COUNT, 10 ** len(decimals))
        case "name":
            return _name(node, scope)
        case "percent":
            return _percent(node, scope)
        case "and" | "or" | "not":
            return _logic(node, scope)
        case "in" | "not in":
            return _membership(node, scope)
        case "missing" | "given":
            return _presence(node, scope)
        case "+" | "-" | "*":
            return _arithmetic(node, scope)
        case _:
            return _comparison(node, scope)


def _name(node: Node, scope: Scope) -> Code:
    name = node.value
    scope.used.add(name)
    if name in scope.names:
        return scope.names[name]
    if name in scope.params:
        param = scope.params[name]
        return Code(f"p_{name}", Type.MONEY if isinstance(param, MoneyParam) else Type.COUNT)
    if name in FIELDS:
        attribute, kind = FIELDS[name]
        if kind is Type.TEXT:
            scope.texts.add(name)
        return Code(f"x.{attribute}", kind)
    near = get_close_matches(name, [*scope.names, *scope.params, *FIELDS], 1)
    advice = f"did you mean {near[0]!r}?" if near else "define it under 'let' or 'params'"
    raise ExpressionError(node.column, f"unknown name {name!r}", advice)


def _percent(node: Node, scope: Scope) -> Code:
    inner = lower(node.parts[0], scope)
    _number(node.parts[0], inner)
    whole, _, decimals = node.value.partition(".")
    return Code(f"({int(whole + decimals)} * {inner.source})", inner.type, inner.scale * 10 ** (2 + len(decimals)))


def _number(node: Node, code: Code) -> None:
    if code.type not in {Type.MONEY, Type.COUNT}:
        raise ExpressionError(node.column, f"a {code.type} is not a number", "use an amount or a count")


def _logic(node: Node, scope: Scope) -> Code:
    sources = []
    for part in node.parts:
        code = lower(part, scope)
        if code.type is not Type.BOOL:
            raise ExpressionError(part.column, f"a {code.type} is not a condition", "compare it: >=, <=, =, in")
        sources.append(code.source)
    if node.kind == "not":
        return Code(f"(not {sources[0]})", Type.BOOL)
    return Code("(" + f" {node.kind} ".join(sources) + ")", Type.BOOL)


def _membership(node: Node, scope: Scope) -> Code:
    left, right = (lower(part, scope) for part in node.parts)
    if left.type is not Type.TEXT or right.type is not Type.SET:
        raise ExpressionError(node.column, f"cannot look for a {left.type} in a {right.type}", "write: text in set")
    return Code(f"({left.source} != '' and {left.source} {node.kind} {right.source})", Type.BOOL)


def _presence(node: Node, scope: Scope) -> Code:
    """A field that may be missing is asked about, so it does not leave the rule undecided."""
    known = set(scope.texts)
    code = lower(node.parts[0], scope)
    scope.texts &= known
    if code.type is not Type.TEXT:
        raise ExpressionError(node.column, f"a {code.type} is never missing", "ask about a field of the leg")
    return Code(f"({code.source} {'==' if node.kind == 'missing' else '!='} '')", Type.BOOL)


def _arithmetic(node: Node, scope: Scope) -> Code:
    left, right = (lower(part, scope) for part in node.parts)
    for part, code in zip(node.parts, (left, right), strict=True):
        _number(part, code)
    if node.kind == "*":
        if Type.MONEY is left.type is right.type:
            raise ExpressionError(node.column, "money times money has no meaning")
        kind = Type.MONEY if Type.MONEY in {left.type, right.type} else Type.COUNT
        return Code(f"({left.source} * {right.source})", kind, left.scale * right.scale)
    _alike(node, left, right)
    first, second, scale = _common(left, right)
    return Code(f"({first} {node.kind} {second})", left.type, scale)


def _common(left: Code, right: Code) -> tuple[str, str, int]:
    scale = max(left.scale, right.scale)
    return _times(left.source, scale // left.scale), _times(right.source, scale // right.scale), scale


def _times(source: str, factor: int) -> str:
    return source if factor == 1 else f"{factor} * {source}"


def _alike(node: Node, left: Code, right: Code) -> None:
    if left.type is not right.type:
        advice = "put money limits under 'params', one per currency" if Type.MONEY in {left.type, right.type} else ""
        raise ExpressionError(node.column, f"cannot compare {left.type} with {right.type}", advice)


def _comparison(node: Node, scope: Scope) -> Code:
    left, right = (lower(part, scope) for part in node.parts)
    _alike(node, left, right)
    sign = {"=": "=="}.get(node.kind, node.kind)
    if left.type is Type.TEXT:
        if node.kind not in {"=", "!="}:
            raise ExpressionError(node.column, f"text has no order for {node.kind!r}", "use = or !=")
        return Code(f"({left.source} != '' != {right.source} and {left.source} {sign} {right.source})", Type.BOOL)
    if left.type not in {Type.MONEY, Type.COUNT}:
        raise ExpressionError(node.column, f"a {left.type} cannot be compared", "combine conditions with and / or")
    if node.parts[0].kind == "name":
        scope.limits.append((node.parts[0].value, node.kind, right))
    first, second, _ = _common(left, right)
    return Code(f"({first} {sign} {second})", Type.BOOL)
