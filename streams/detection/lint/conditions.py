"""Conditions that can never be so, or always are: of a rule, of a part of it, and of what follows ``where``."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from streams.clock import span_text
from streams.detection.aggregate import Aggregate
from streams.detection.comparisons import start_of, words_of
from streams.detection.expression import Node
from streams.detection.findings import Findings, Spot
from streams.detection.lint.meaning import CASES_MAX, Meaning, TooManyCases
from streams.detection.lint.refute import Case
from streams.detection.lint.unknowns import field_bounds
from streams.detection.lint.worlds import Place, Prover, World, limits_at, worlds
from streams.detection.rule import ReferenceWord, Words
from streams.detection.words import CODES, LEGS, ROLE_OF, Kinds

_WHOLE = frozenset({"and", "or", "not", "least"})
_SPANS = frozenset({"pause", "dwell"})
_SIDES = 2
"""Of a comparison."""


class RuleLint:
    """Looks at the conditions of one rule."""

    def __init__(self, meaning: Meaning, findings: Findings) -> None:
        """Take the rule as it was read."""
        rule, unknowns = meaning.rule, meaning.unknowns
        self.rule, self.unknowns, self.meaning, self.findings = rule, unknowns, meaning, findings
        self.prover = prover_of(meaning)
        self.places = limits_at(rule)
        self.worlds: dict[int, tuple[World, ...]] = {}
        """By how many limits were met so far."""
        self.too_many: set[Spot] = set()
        """Conditions that have more cases than are looked at."""

    def look(self) -> None:
        """Add what is found."""
        self._codes(self.rule.when, "")
        for let in self.rule.lets:
            if isinstance(let.value, Aggregate):
                self._filters(let.value, let.name)
            elif isinstance(let.value, Node):
                self._codes(let.value, let.name)
        if self.places:
            self._when(self.rule.when)
        self._not_looked()

    def _not_looked(self) -> None:
        """Say where silence means nothing: what was not looked at, or not to the end."""
        for spot in sorted(self.too_many):
            told = f"this was not looked at as a whole: there are more than {CASES_MAX:,} ways in which it comes out"
            advice = "its parts were, and it was not compared with other rules; tests and a backtest show the rest"
            self.findings.hint(spot, told, advice)
        if self.prover.effort.left < 0:
            told = "this was not looked at to the end: it asks too much at once"
            self.findings.hint(self._spot(self.rule.when), told, "tests and a backtest show the rest")

    def _when(self, when: Node) -> None:
        never = self._proven(when, truth=True)
        always = [] if never else self._proven(when, truth=False)
        if len(never) == len(self.places):
            self._never(when)
        elif len(always) == len(self.places):
            kinds = " and ".join(ROLE_OF[int(kind)] for kind in self.rule.on)
            told = f"the rule says yes to every {kinds}: its condition is always so"
            self.findings.warn(self._spot(when), told, "ask for something that can come out otherwise")
        elif never or always:
            where = ", ".join(map(str, never or always))
            told = f"the rule can never fire in {where}" if never else f"the condition is always so in {where}"
            self.findings.warn(self._spot(when), told, "mend the limits there")
        else:
            before = len(self.findings)
            self._parts(when, "", top=True)
            if len(self.findings) == before:
                self._said_twice(when)

    def _proven(self, node: Node, *, truth: bool) -> list[Place]:
        """Give the places where a condition is never so (``truth``), or never not so."""
        found = self._cases(self.meaning, node, truth=truth)
        return [place for world in self._worlds() for place in world.places if self.prover.never(found, world)]

    def _everywhere(self, node: Node, *, truth: bool) -> bool:
        """Tell whether a condition is never so, or never not so, wherever the rule can be decided."""
        found = self._cases(self.meaning, node, truth=truth)
        return all(self.prover.never(found, world) for world in self._worlds())

    def _cases(self, meaning: Meaning, node: Node, *, truth: bool, spot: Spot | None = None) -> list[Case]:
        """Give the cases of a condition; one that cannot be disproven when there are too many."""
        try:
            return meaning.cases(node, truth=truth)
        except TooManyCases:
            self.too_many.add(spot or self._spot(self.rule.when))
            return [()]

    def _worlds(self) -> tuple[World, ...]:
        known = self.meaning.limits
        if len(known) not in self.worlds:
            by_unknown = {place: _by_unknown(known, amounts) for place, amounts in self.places.items()}
            self.worlds[len(known)] = worlds(by_unknown)
        return self.worlds[len(known)]

    def _spot(self, node: Node, let: str = "") -> Spot:
        text = self.rule.texts.get(let)
        return text.at(start_of(node)) if text is not None else self.rule.spot

    def _never(self, when: Node) -> None:
        """Name the least that cannot be: one part of the condition, or two that exclude each other."""
        parts = when.parts if when.kind == "and" else (when,)
        for part in parts:
            if self._everywhere(part, truth=True):
                told = f"the rule can never fire: '{words_of(part)}' is never so"
                self.findings.warn(self._spot(part), told, self._why(part) or "ask for something that can happen")
                return
        for one, other in combinations(parts, 2):
            if self._everywhere(Node("and", one.column, parts=(one, other)), truth=True):
                told = f"the rule can never fire: '{words_of(other)}' is never so together with '{words_of(one)}'"
                self.findings.warn(self._spot(other), told, "change one of the two")
                return
        told = "the rule can never fire: the parts of its condition exclude one another"
        self.findings.warn(self._spot(when), told, "ask for something that can happen")

    def _parts(self, node: Node, let: str, *, top: bool = False) -> None:
        """Name the largest parts that always come out alike."""
        inner = self.meaning.values.get(node.value) if node.kind == "name" else None
        if isinstance(inner, Node):
            self._parts(inner, node.value)
            return
        for truth, said in ((True, "never"), (False, "always")):
            if not top and self._everywhere(node, truth=truth):
                advice = self._why(node) or ("what it is joined to by 'or' decides" if truth else "take it out")
                self.findings.warn(self._spot(node, let), f"'{words_of(node)}' is {said} so", advice)
                return
        for part in node.parts if node.kind in _WHOLE else ():
            self._parts(part, let)

    def _said_twice(self, when: Node) -> None:
        """Name the parts that the others imply."""
        left = list(when.parts) if when.kind == "and" else []
        for part in reversed(left.copy()):
            others = tuple(each for each in left if each is not part)
            against = Node("and", part.column, parts=(*others, Node("not", part.column, parts=(part,))))
            if others and self._everywhere(against, truth=True):
                told = f"'{words_of(part)}' says nothing that the other conditions do not say"
                self.findings.hint(self._spot(part), told, "take it out")
                left.remove(part)

    def _why(self, node: Node) -> str:
        """Say what is known of the value that is compared with a constant; nothing where it is compared with another value."""
        if len(node.parts) != _SIDES or not all(self.meaning.is_number(part) for part in node.parts):
            return ""
        value, other = (self.meaning.form(part).terms for part in node.parts)
        if len(value) != 1 or any(other.values()) or node.parts[0].kind != "name":
            return ""
        (unknown, factor), name = *value.items(), node.parts[0].value
        bounds, window = self.unknowns.bounds.get(unknown), self.unknowns.windows.get(unknown)
        if window is not None and self.prover.on and window.holds(self.prover.on):
            return f"what triggers the rule is counted in {name} itself"
        if bounds is None or bounds.low is None:
            return ""
        if bounds.high is None:
            return f"{name} is always above 0" if bounds.low else f"{name} is never below 0"
        most = int(bounds.high * factor)
        let = self.meaning.values.get(name)
        is_span = isinstance(let, Aggregate) and (let.chain.verb if let.chain is not None else let.how) in _SPANS
        return f"{name} is {bounds.low} to {span_text(most) if is_span else most}"

    def _filters(self, value: Aggregate, let: str) -> None:
        """Look at what is asked of counted legs."""
        chain = value.chain
        asked = [(value.where, value.legs)] + ([(chain.where, chain.legs)] if chain is not None else [])
        for where, legs in asked:
            if where is not None:
                self._codes(where, let)
                self._filter(where, LEGS[self.rule.per].get(legs, ()), let)

    def _filter(self, where: Node, kinds: Kinds, let: str) -> None:
        meaning, words = Meaning(self.rule, self.unknowns, legs=kinds), words_of(where)
        prover, spot = Prover(self.unknowns, ()), self._spot(where, let)
        asked, not_asked = (self._cases(meaning, where, truth=each, spot=spot) for each in (True, False))
        places = limits_at(self.rule, meaning.limits.values())
        known = worlds({place: _by_unknown(meaning.limits, amounts) for place, amounts in places.items()})
        if all(prover.never(asked, world) for world in known):
            self.findings.warn(spot, f"no leg fits 'where {words}'", "the value counts nothing; mend it")
        elif not meaning.limits and all(prover.never(not_asked, world) for world in known):
            self.findings.warn(spot, f"every leg fits 'where {words}'", "take it out")

    def _codes(self, node: Node, let: str) -> None:
        """Find codes under ``params`` that a field of a closed set never has; in the condition itself they are errors."""
        for part in _memberships(node):
            name, codes = part.parts[0].value, self.rule.params.get(part.parts[1].value)
            value = self.meaning.values.get(name)
            word = value.word if isinstance(value, ReferenceWord) else name if value is None else ""
            known = CODES.get(word)
            if known is not None and isinstance(codes, Words) and (strange := sorted(codes.codes - known)):
                told = f"'{name}' is never {', '.join(strange)}, which '{part.parts[1].value}' names"
                self.findings.warn(self._spot(part, let), told, "write codes of: " + ", ".join(sorted(known)))


def _memberships(node: Node) -> Iterator[Node]:
    if node.kind in {"in", "not in"} and all(part.kind == "name" for part in node.parts):
        yield node
    for part in node.parts:
        yield from _memberships(part)


def _by_unknown(known: Mapping[int, str], amounts: Mapping[str, int]) -> dict[int, int]:
    return {unknown: amounts[name] for unknown, name in known.items()}


def prover_of(meaning: Meaning) -> Prover:
    """Make the prover for a rule's own conditions."""
    rule, unknowns = meaning.rule, meaning.unknowns
    bounds = field_bounds("amount", rule.on)
    amount = unknowns.number(("field", True, "amount", bounds), bounds)
    return Prover(unknowns, () if rule.wait_ms else rule.on, amount)
