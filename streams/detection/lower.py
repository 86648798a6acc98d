"""Typed lowering of a rule's expressions to Python source, from the tree alone: no text of the user enters the code.

Numbers are exact: a value is an integer over a power of ten (``scale``), so ``90% of x`` is ``9 * x`` over 10 and a comparison
multiplies crosswise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from streams.clock import parse_span
from streams.detection.expression import ExpressionError, Node
from streams.detection.rule import MoneyParam, Param, Words
from streams.detection.words import CODES, FIELDS, MISSING, PAIR_MS, TEXTS, Type


@dataclass(frozen=True, slots=True)
class Code:
    """Source of a value, its type, and what its integer has to be divided by."""

    source: str
    type: Type
    scale: int = 1
    of: Type | None = None
    """A list: what its keys name."""
    missing: str = ""
    """Source that tells whether the value is missing."""
    optional: bool = False
    """That it is missing is an answer: the rule is not undecided."""
    reason: str = ""
    """Why the rule is undecided when the value is missing, if that says more than its name."""


@dataclass(slots=True)
class Scope:
    """Names an expression may use, and what it was seen to use.

    In a ``filter`` (after ``where``) a missing field is in no list and equal to nothing, and limits are those of the leg's own
    currency. Elsewhere a missing field leaves the rule undecided.
    """

    names: dict[str, Code]
    params: dict[str, Param]
    lists: Mapping[str, Type] = field(default_factory=dict)
    limits_of: str = ""
    """Start of the names under which the generated code holds this rule's limits and sets of codes."""
    filter: bool = False
    used: set[str] = field(default_factory=set)
    limits: list[tuple[str, str, Code]] = field(default_factory=list)
    """Comparisons with a plain name on the left: name, operator, right side."""
    missing: dict[str, str] = field(default_factory=dict)
    """Source that tells whether something was missing, and the reason to be given."""
    money: set[str] = field(default_factory=set)
    """Limits per currency that were used."""
    watch: Callable[[Node, str], str] | None = None
    """Makes of a comparison's source one that also notes how it came out; asked only when no value is missing."""

    def watched(self, node: Node, source: str) -> str:
        """Give the source of a comparison, watched if that is wanted."""
        return source if self.watch is None else self.watch(node, source)


def lower(node: Node, scope: Scope) -> Code:  # noqa: PLR0911  one return per kind of node
    """Give the source of a node; raises ``ExpressionError`` at the node at fault."""
    match node.kind:
        case "number":
            whole, _, decimals = node.value.partition(".")
            return Code(str(int(whole + decimals)), Type.COUNT, 10 ** len(decimals))
        case "name":
            return _name(node, scope)
        case "span":
            return Code(str(parse_span(node.value)), Type.SPAN)
        case "code":
            return Code(repr(node.value), Type.TEXT)
        case "percent":
            return _percent(node, scope)
        case "and" | "or" | "not" | "least":
            return _logic(node, scope)
        case "in" | "not in":
            return _membership(node, scope)
        case "missing" | "given":
            return _presence(node, scope)
        case "new":
            return _new(node, scope)
        case "multiple":
            return _multiple(node, scope)
        case "+" | "-" | "*":
            return _arithmetic(node, scope)
        case _:
            return _comparison(node, scope)


def _name(node: Node, scope: Scope) -> Code:
    name = node.value
    scope.used.add(name)
    if name in scope.names:
        found = scope.names[name]
        if found.missing and not found.optional:
            scope.missing[found.missing] = found.reason or f"no {name}"
        return found
    if name in scope.params:
        return _param(name, scope, node.column)
    if name in scope.lists:
        return Code(f"K_{name.replace('-', '_')}", Type.SET, of=scope.lists[name])
    if name in FIELDS:
        source, kind = FIELDS[name]
        if kind in TEXTS:
            scope.missing[f"{source} == ''"] = f"no {name}"
        if name in MISSING:
            scope.missing[MISSING[name]] = f"no {name}"
        return Code(source, kind, missing=MISSING.get(name, ""))
    near = get_close_matches(name, [*scope.names, *scope.params, *FIELDS, *scope.lists], 1)
    advice = f"did you mean {near[0]!r}?" if near else "define it under 'let' or 'params'"
    if any(name.upper() in codes for codes in CODES.values()):
        advice = f"codes are in capitals: write {name.upper()}"
    unknown = ExpressionError(node.column, f"unknown name {name!r}", advice)
    unknown.unknown = name
    raise unknown


def _param(name: str, scope: Scope, column: int) -> Code:
    param = scope.params[name]
    if isinstance(param, MoneyParam):
        if scope.filter and param.segments:
            advice = "name a limit per currency only"
            raise ExpressionError(
                column, f"{name!r} differs by account holder, which a counted leg does not tell", advice
            )
        scope.money.add(name)
        return Code(f"{scope.limits_of}{name}[x.currency]" if scope.filter else f"p_{name}", Type.MONEY)
    if isinstance(param, Words):
        return Code(f"{scope.limits_of}{name}", Type.SET)
    return Code(str(param), Type.COUNT)


def _percent(node: Node, scope: Scope) -> Code:
    inner = lower(node.parts[0], scope)
    _number(node.parts[0], inner)
    whole, _, decimals = node.value.partition(".")
    scale = inner.scale * 10 ** (2 + len(decimals))
    return Code(f"({int(whole + decimals)} * {inner.source})", inner.type, scale, missing=inner.missing)


def _number(node: Node, code: Code) -> None:
    if code.type not in {Type.MONEY, Type.COUNT, Type.SPAN}:
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
    if node.kind == "least":
        return Code("(" + " + ".join(f"bool({source})" for source in sources) + f" >= {int(node.value)})", Type.BOOL)
    return Code("(" + f" {node.kind} ".join(sources) + ")", Type.BOOL)


def _membership(node: Node, scope: Scope) -> Code:
    left, right = (lower(part, scope) for part in node.parts)
    if left.type not in TEXTS or right.type is not Type.SET:
        raise ExpressionError(node.column, f"cannot look for a {left.type} in a {right.type}", "write: text in set")
    if right.of is not None:
        if left.type is not right.of:
            raise ExpressionError(node.column, f"the list names {right.of}s, not what stands here")
        known = f"({left.source} in {right.source} and listed({right.source}[{left.source}], x.time))"
        negated = f"(not {known})" if node.kind == "not in" else known
    else:
        negated = f"{left.source} {node.kind} {right.source}"
    if scope.filter:
        return Code(f"({negated})", Type.BOOL)
    negated = scope.watched(node, negated)
    guard = f" and not ({right.missing})" if right.missing else ""
    return Code(f"({left.source} != ''{guard} and {negated})", Type.BOOL)


def _presence(node: Node, scope: Scope) -> Code:
    """A field that may be missing is asked about, so it does not leave the rule undecided."""
    known = dict(scope.missing)
    code = lower(node.parts[0], scope)
    scope.missing = known
    missing = code.missing or (f"{code.source} == ''" if code.type in TEXTS else "")
    if not missing:
        raise ExpressionError(node.column, f"a {code.type} is never missing", "ask about a field of the leg")
    source = f"({missing})" if node.kind == "missing" else f"(not ({missing}))"
    return Code(scope.watched(node, source), Type.BOOL)


def _new(node: Node, scope: Scope) -> Code:
    if node.parts[0].kind != "name" or node.parts[0].value != "counterparty":
        raise ExpressionError(node.column, "only a counterparty is new", "write 'counterparty is new'")
    return Code(scope.watched(node, f"(x.other != '' and x.previous <= x.time - {PAIR_MS})"), Type.BOOL)


def _multiple(node: Node, scope: Scope) -> Code:
    """No amount is a multiple of nothing."""
    left, right = (lower(part, scope) for part in node.parts)
    _alike(node, left, right)
    for part, code in zip(node.parts, (left, right), strict=True):
        _number(part, code)
    first, second, _ = _common(left, right)
    guards = "".join(f"not ({each.missing}) and " for each in (left, right) if each.missing)
    source = scope.watched(node, f"{second} != 0 == {first} % ({second})")
    return Code(f"({guards}{source})", Type.BOOL)


def _arithmetic(node: Node, scope: Scope) -> Code:
    left, right = (lower(part, scope) for part in node.parts)
    for part, code in zip(node.parts, (left, right), strict=True):
        _number(part, code)
    missing = " or ".join(dict.fromkeys(each.missing for each in (left, right) if each.missing))
    if node.kind == "*":
        if Type.COUNT not in {left.type, right.type}:
            raise ExpressionError(node.column, f"{left.type} times {right.type} has no meaning")
        kind = right.type if left.type is Type.COUNT else left.type
        return Code(f"({left.source} * {right.source})", kind, left.scale * right.scale, missing=missing)
    _alike(node, left, right)
    first, second, scale = _common(left, right)
    return Code(f"({first} {node.kind} {second})", left.type, scale, missing=missing)


def _common(left: Code, right: Code) -> tuple[str, str, int]:
    scale = max(left.scale, right.scale)
    return _times(left.source, scale // left.scale), _times(right.source, scale // right.scale), scale


def _times(source: str, factor: int) -> str:
    return source if factor == 1 else f"{factor} * {source}"


def _alike(node: Node, left: Code, right: Code) -> None:
    if left.type is not right.type and not (left.type in TEXTS and right.type in TEXTS):
        advice = "put money limits under 'params', one per currency" if Type.MONEY in {left.type, right.type} else ""
        raise ExpressionError(node.column, f"cannot compare {left.type} with {right.type}", advice)


def _comparison(node: Node, scope: Scope) -> Code:
    left, right = (lower(part, scope) for part in node.parts)
    _alike(node, left, right)
    sign = {"=": "=="}.get(node.kind, node.kind)
    if left.type in TEXTS:
        return _same_text(node, scope, left, right)
    if left.type not in {Type.MONEY, Type.COUNT, Type.SPAN}:
        raise ExpressionError(node.column, f"a {left.type} cannot be compared", "combine conditions with and / or")
    if node.parts[0].kind == "name":
        scope.limits.append((node.parts[0].value, node.kind, right))
    first, second, _ = _common(left, right)
    guards = "".join(f"not ({each.missing}) and " for each in (left, right) if each.missing)
    return Code(f"({guards}{scope.watched(node, f'{first} {sign} {second}')})", Type.BOOL)


def _same_text(node: Node, scope: Scope, left: Code, right: Code) -> Code:
    if node.kind not in {"=", "!="}:
        raise ExpressionError(node.column, f"text has no order for {node.kind!r}", "use = or !=")
    for name, code in (node.parts, node.parts[::-1]):
        known = CODES.get(name.value) if name.kind == "name" else None
        if known is not None and code.kind == "code" and code.value not in known:
            near = get_close_matches(code.value, known, 1)
            advice = f"did you mean {near[0]}?" if near else "write one of: " + ", ".join(sorted(known))
            raise ExpressionError(code.column, f"{name.value!r} is never {code.value}", advice)
    sign = "==" if node.kind == "=" else "!="
    if scope.filter:
        return Code(f"({left.source} {sign} {right.source})", Type.BOOL)
    alike = scope.watched(node, f"{left.source} {sign} {right.source}")
    return Code(f"({left.source} != '' != {right.source} and {alike})", Type.BOOL)
