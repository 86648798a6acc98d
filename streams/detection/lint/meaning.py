"""A rule's conditions as cases of facts: all that has to hold for a condition to be so, or not to be so.

It says of every comparison what the code of ``lower`` makes of it, a missing value included: in ``when`` a comparison with
something missing is not so; its ``not`` then is.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, product
from math import lcm
from typing import Final, NamedTuple

from streams.clock import parse_span
from streams.detection.aggregate import VERDICTS, Aggregate, Chain, NamedIn, Since
from streams.detection.baseline import HUNDREDTHS
from streams.detection.codegen import uses_money
from streams.detection.expression import Node
from streams.detection.lint.refute import Case, Fact, Flag, Row, Within
from streams.detection.lint.unknowns import Bounds, Unknowns, Window, bounds_of, field_bounds
from streams.detection.rule import MoneyParam, Param, ReferenceWord, Rule, Value, Words
from streams.detection.verdicts import POINT_PARTS
from streams.detection.words import FIELDS, LEGS, MISSING, TEXTS, Kinds, Type

CASES_MAX: Final = 1_000
"""Cases of one condition; of what has more, nothing is proven, and ``conditions`` says so."""
_NONE: Final = frozenset({""})
_COMPARED: Final = frozenset({">=", "<=", ">", "<", "=", "!="})
_SWAPPED: Final = {">=": "<", "<=": ">", ">": "<=", "<": ">=", "=": "!=", "!=": "="}
_LOGIC: Final = frozenset({"and", "or", "not", "least"})


class TooManyCases(Exception):
    """A condition has more cases than are looked at."""


class Form(NamedTuple):
    """A number as a sum: raw unknowns times factors, and a constant; ``given`` are the flags that nothing in it is missing."""

    terms: dict[int, Fraction]
    constant: Fraction
    given: frozenset[int] = frozenset()


@dataclass(slots=True)
class Meaning:
    """Reads the conditions of one rule; with ``legs``, those after ``where``, about a counted leg of these kinds."""

    rule: Rule
    unknowns: Unknowns
    legs: Kinds | None = None
    values: dict[str, Value] = field(default_factory=dict)
    limits: dict[int, str] = field(default_factory=dict)
    """Unknowns that are limits per currency, and their names."""
    _forms: dict[str, Form] = field(default_factory=dict)
    _atoms: dict[tuple[int, bool], list[Case]] = field(default_factory=dict)
    """Cases of comparisons, by the identity of the rule's own nodes, which live as long as the rule."""

    def __post_init__(self) -> None:
        """Know the rule's values; a condition on counted legs has none."""
        if self.legs is None:
            self.values = {let.name: let.value for let in self.rule.lets}

    def cases(self, node: Node, *, truth: bool = True) -> list[Case]:
        """Give the cases in which a condition is so, or is not; raises ``TooManyCases``."""
        if node.kind == "not":
            return self.cases(node.parts[0], truth=not truth)
        if node.kind in _LOGIC:
            needed = {"and": len(node.parts), "or": 1}.get(node.kind) or int(node.value)
            if not truth:
                needed = len(node.parts) - needed + 1
            parts = [self.cases(part, truth=truth) for part in node.parts]
            return _some(parts, needed)
        inner = self.values.get(node.value) if node.kind == "name" else None
        if isinstance(inner, Node):
            return self.cases(inner, truth=truth)
        found = self._atoms.get((id(node), truth))
        if found is None:
            found = self._atoms[id(node), truth] = self._atom(node, truth=truth)
        return found

    def _atom(self, node: Node, *, truth: bool) -> list[Case]:
        if node.kind in _COMPARED and all(self.is_number(part) for part in node.parts):
            return self._numbers(node, truth=truth)
        facts = self._text(node, truth=truth)
        if facts is None and node.kind in {"missing", "given"}:
            given = self._given(node.parts[0])
            if given and truth is (node.kind == "given"):
                return [tuple(Flag(each, truth=True) for each in sorted(given))]
            if given:
                return [(Flag(each, truth=False),) for each in sorted(given)]
        return [facts if facts is not None else (Flag(self.unknowns.number(self.canon(node)), truth),)]

    def _numbers(self, node: Node, *, truth: bool) -> list[Case]:
        form = self.form(Node("-", node.column, parts=node.parts))
        given = tuple(Flag(each, truth=True) for each in sorted(form.given))
        if truth:
            return [(*rows, *given) for rows in _rows(form, node.kind)]
        return [*_rows(form, _SWAPPED[node.kind]), *((Flag(each.unknown, truth=False),) for each in given)]

    def _text(self, node: Node, *, truth: bool) -> Case | None:
        """Give what a condition on a text says, when it is one with codes: a missing text is the empty one."""
        strict = self.legs is None
        unknown = self._text_of(node.parts[0]) if node.parts else None
        if unknown is None:
            return None
        if node.kind in {"missing", "given"}:
            return (Within(unknown, _NONE, truth is (node.kind == "missing")),)
        texts: frozenset[str] | None = None
        if node.kind in {"=", "!="} and node.parts[1].kind == "code":
            texts = frozenset({node.parts[1].value})
        elif node.kind in {"in", "not in"} and node.parts[1].kind == "name":
            param = self.rule.params.get(node.parts[1].value) if node.parts[1].value not in self.values else None
            texts = param.codes if isinstance(param, Words) else None
        if texts is None:
            return None
        inside = node.kind in {"=", "in"}
        if strict:
            texts = texts - _NONE if inside else texts | _NONE
        return (Within(unknown, texts, truth is inside),)

    def _text_of(self, node: Node) -> int | None:
        if node.kind != "name":
            return None
        value = self.values.get(node.value)
        if isinstance(value, ReferenceWord):
            return self.unknowns.number(("registered", value.word)) if value.word != "payout_accounts" else None
        if value is None and node.value not in self.rule.params and FIELDS.get(node.value, ("", None))[1] in TEXTS:
            return self.unknowns.number(("text", self.legs is None, FIELDS[node.value][0]))
        return None

    def is_number(self, node: Node) -> bool:
        """Tell whether an expression is a number; the checker has seen to it that its parts fit."""
        if node.kind in {"number", "span", "percent", "+", "-", "*"}:
            return True
        if node.kind != "name":
            return False
        value = self.values.get(node.value)
        if isinstance(value, Node):
            return self.is_number(value)
        if value is not None:
            return isinstance(value, Aggregate | Since)
        if node.value in self.rule.params:
            return not isinstance(self.rule.params[node.value], Words)
        return node.value in FIELDS and FIELDS[node.value][1] in {Type.MONEY, Type.COUNT, Type.SPAN}

    def form(self, node: Node) -> Form:
        """Give a number as a sum."""
        if node.kind == "name":
            if node.value not in self._forms:
                self._forms[node.value] = self._named(node)
            return self._forms[node.value]
        if node.kind in {"number", "span"}:
            return Form({}, Fraction(node.value if node.kind == "number" else parse_span(node.value)))
        if node.kind == "percent":
            return _times(self.form(node.parts[0]), Fraction(node.value) * Fraction(1, 100))
        left, right = (self.form(part) for part in node.parts)
        if node.kind == "*":
            return self._product(node, left, right)
        if node.kind == "-":
            right = _times(right, Fraction(-1))
        terms = dict(left.terms)
        for each, factor in right.terms.items():
            terms[each] = terms.get(each, Fraction(0)) + factor
        return Form(terms, left.constant + right.constant, left.given | right.given)

    def _product(self, node: Node, left: Form, right: Form) -> Form:
        given = left.given | right.given
        if not left.terms:
            return _times(right, left.constant)._replace(given=given)
        if not right.terms:
            return _times(left, right.constant)._replace(given=given)
        return Form({self.unknowns.number(self.canon(node)): Fraction(1)}, Fraction(0), given)

    def _named(self, node: Node) -> Form:
        name, value = node.value, self.values.get(node.value)
        if isinstance(value, Node):
            return self.form(value)
        if value is None and name in self.rule.params:
            param = self.rule.params[name]
            if not isinstance(param, MoneyParam):
                return Form({}, Fraction(param if isinstance(param, int) else 0))
            unknown = self.unknowns.number(("limit", self.rule.id, name))
            self.limits[unknown] = name
            return Form({unknown: Fraction(1)}, Fraction(0))
        scale = 1
        if isinstance(value, Aggregate):
            scale = _scale(value)
            kinds = LEGS[self.rule.per].get(value.legs, ())
            unknown = self.unknowns.number(self.aggregate(value), bounds_of(value, kinds), self._window(value))
        elif isinstance(value, Since):
            unknown = self.unknowns.number(_since(value), Bounds(0))
        else:
            bounds = field_bounds(name, self.legs if self.legs is not None else self.rule.on)
            unknown = self.unknowns.number(("field", self.legs is None, name, bounds), bounds)
        return Form({unknown: Fraction(1, scale)}, Fraction(0), self._given(node))

    def _given(self, node: Node) -> frozenset[int]:
        """Name the flags that say that a number is not missing."""
        return frozenset(self.unknowns.number(("given", key)) for key in self._missing(node))

    def _missing(self, node: Node) -> set[Hashable]:
        if node.kind != "name":
            return set[Hashable]().union(*map(self._missing, node.parts))
        value = self.values.get(node.value)
        if isinstance(value, Node):
            return self._missing(value)
        if isinstance(value, Since):
            return {_since(value)}
        if isinstance(value, Aggregate):
            missing = value.how == "pause" or value.past is not None or _verb(value) == "dwell"
            return {self.aggregate(value)} if missing else set()
        if value is None and node.value in MISSING and node.value not in self.rule.params:
            return {(self.legs is None, node.value)}
        return set()

    def _window(self, value: Aggregate) -> Window | None:
        """Say which legs a value is made of, where that tells how it stands to others."""
        how = _verb(value) or value.how
        if (
            value.past is not None
            or value.sweep is not None
            or how in {"pause", "dwell", "deviation"}
            or value.how in VERDICTS
        ):
            return None
        return Window(
            how, value.what, LEGS[self.rule.per][value.legs], parse_span(value.span), uses_money(self.rule), value.new,
            value.one_off, frozenset(value.senders), frozenset(value.marked), self._asked(value.where),
        )  # fmt: skip

    def _asked(self, where: Node | None) -> frozenset[Hashable]:
        if where is None:
            return frozenset()
        inner = Meaning(self.rule, self.unknowns, legs=())
        return frozenset(inner.canon(part) for part in (where.parts if where.kind == "and" else (where,)))

    def aggregate(self, value: Aggregate) -> Hashable:
        """Name a value for what it is."""
        chain, past, sweep = value.chain, value.past, value.sweep
        return (
            self.rule.per, uses_money(self.rule), value.how, value.what, LEGS[self.rule.per].get(value.legs, ()),
            parse_span(value.span), value.new, value.one_off, tuple(sorted(value.senders)), tuple(sorted(value.marked)),
            self._asked(value.where), value.share, value.near, self._chain(chain) if chain is not None else None,
            past and (parse_span(past.before), past.days_min, past.deviations, past.active),
            value.points and (value.senders, value.points.weights, parse_span(value.points.half)),
            sweep and (sweep.share, self.canon(sweep.floor), sweep.pocket and self.canon(sweep.pocket)),
        )  # fmt: skip

    def _chain(self, chain: Chain) -> Hashable:
        return (
            chain.verb, LEGS[self.rule.per][chain.legs], self._asked(chain.where), parse_span(chain.span), chain.low, chain.high,
            chain.alike, chain.new, chain.others,
        )  # fmt: skip

    def canon(self, node: Node) -> Hashable:
        """Name an expression for what it asks: values, fields and limits instead of the rule's own names for them."""
        if node.kind == "name":
            return self._canon_name(node)
        if node.kind == "span":
            return "span", parse_span(node.value)
        parts: Iterable[Hashable] = map(self.canon, node.parts)
        if node.kind in {"and", "or"}:
            return node.kind, frozenset(parts)
        return node.kind, node.value, *parts

    def _canon_name(self, node: Node) -> Hashable:
        value, param = self.values.get(node.value), self.rule.params.get(node.value)
        if isinstance(value, Node):
            # What may be missing is read as something else through a name than in place, so only what is never missing is the same.
            return self.canon(value) if self._plain(value) else ("let", self.rule.id, node.value)
        if isinstance(value, Aggregate):
            return self.aggregate(value)
        if isinstance(value, NamedIn):
            return "named in", self.aggregate(self.rule.naming(value))
        if value is not None:
            return value if isinstance(value, ReferenceWord) else _since(value)
        if param is None:
            return "name", self.legs is None, FIELDS.get(node.value, (node.value,))[0]
        return "limit", _limit(param)

    def _plain(self, node: Node) -> bool:
        """Tell whether a value is a number and never missing."""
        return self.is_number(node) and not self._missing(node)


def _limit(param: Param) -> Hashable:
    if not isinstance(param, MoneyParam):
        return param
    segments = sorted((each, tuple(sorted(limits.items()))) for each, limits in param.segments.items())
    return tuple(sorted(param.minor.items())), tuple(segments)


def _since(value: Since) -> Hashable:
    """Name a length of time; the place of its words in a text is not part of it."""
    return "since", value.field, value.word


def _verb(value: Aggregate) -> str:
    return value.chain.verb if value.chain is not None else ""


def _scale(value: Aggregate) -> int:
    if value.points is not None:
        return POINT_PARTS
    return HUNDREDTHS if value.past is not None and value.past.deviations is not None and value.how == "count" else 1


def _times(form: Form, factor: Fraction) -> Form:
    return Form({each: has * factor for each, has in form.terms.items()}, form.constant * factor, form.given)


def _rows(form: Form, sign: str) -> list[Case]:
    """Give the cases in which a number has this sign against 0; unknowns are whole numbers."""
    if sign in {"=", "!="}:
        above, below = (">=", "<=") if sign == "=" else (">", "<")
        first, second = _rows(form, above), _rows(form, below)
        return _joined([first, second]) if sign == "=" else first + second
    if sign in {"<=", "<"}:
        return _rows(_times(form, Fraction(-1)), ">=" if sign == "<=" else ">")
    common = lcm(form.constant.denominator, *(factor.denominator for factor in form.terms.values()))
    terms = tuple(sorted((each, int(factor * common)) for each, factor in form.terms.items() if factor))
    least = -int(form.constant * common) + (sign == ">")
    if terms:
        return [(Row(terms, least),)]
    return [()] if least <= 0 else []


def _joined(parts: list[list[Case]]) -> list[Case]:
    """Give the cases in which all of these hold."""
    total = 1
    for cases in parts:
        total *= len(cases)
        if total > CASES_MAX:
            raise TooManyCases
    found: list[Case] = []
    for chosen in product(*parts):
        facts: list[Fact] = [fact for case in chosen for fact in case]
        found.append(tuple(facts))
    return found


def _some(parts: list[list[Case]], needed: int) -> list[Case]:
    """Give the cases in which at least so many of these hold."""
    possible = [cases for cases in parts if cases]
    found: list[Case] = []
    for chosen in combinations(possible, needed):
        found += _joined(list(chosen))
        if len(found) > CASES_MAX:
            raise TooManyCases
    return found
