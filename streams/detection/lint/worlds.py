"""Whether cases can happen, in each currency and for each kind of account holder that a rule has limits for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import gcd
from typing import Final, NamedTuple

from streams.detection.lint.refute import Case, Effort, Fact, Row, refuted
from streams.detection.lint.unknowns import Bounds, Unknowns
from streams.detection.rule import MoneyParam, Rule
from streams.detection.words import OTHERS, Kinds

_SCALE: Final = "the scale of limits"
_PAIRS_A_ROW: Final = 8
"""So many looks at how two unknowns stand to each other take as long as making a row."""


class Place(NamedTuple):
    """A currency and a kind of account holder."""

    currency: str
    segment: str

    def __str__(self) -> str:
        """In words, to follow a sentence."""
        return f"{self.currency} for {self.segment}" if self.segment != OTHERS else self.currency


@dataclass(frozen=True, slots=True)
class World:
    """Places whose limits are the same multiples of ``parts``; what is proven for every scale in between holds at all of them."""

    places: tuple[Place, ...]
    parts: Mapping[int, int]
    """The unknown that a limit is, and its part."""
    least: int
    most: int

    def settle(self, row: Row, scale: int) -> Row:
        """Put limits in place of their unknowns; ``scale`` is the unknown that stands for what the parts are multiplied with."""
        times = sum(factor * self.parts[each] for each, factor in row.terms if each in self.parts)
        terms = tuple(term for term in row.terms if term[0] not in self.parts)
        if not times or self.least == self.most:
            return Row(terms, row.least - times * self.least)
        return Row(tuple(sorted((*terms, (scale, times)))), row.least)


def segments_of(rule: Rule) -> set[str]:
    """Name the kinds of account holder that a rule has limits of their own for, and all others."""
    money = (param for param in rule.params.values() if isinstance(param, MoneyParam))
    return {OTHERS}.union(*(param.segments for param in money))


def limits_at(
    rule: Rule, names: Iterable[str] | None = None, segments: Iterable[str] = ()
) -> dict[Place, dict[str, int]]:
    """Give a rule's limits, or those of these names, in minor units, wherever none of them is missing.

    ``segments`` are looked at besides those that the rule tells apart.
    """
    money = {name: param for name, param in rule.params.items() if isinstance(param, MoneyParam)}
    wanted = money if names is None else {name: money[name] for name in names}
    found: dict[Place, dict[str, int]] = {}
    for segment in sorted(segments_of(rule).union(segments)):
        there = {name: param.of(segment) for name, param in wanted.items()}
        for currency in sorted(set.intersection(*(set(amounts) for amounts in there.values()))) if there else ("",):
            found[Place(currency, segment)] = {name: amounts[currency] for name, amounts in there.items()}
    return found


def worlds(limits: Mapping[Place, Mapping[int, int]]) -> tuple[World, ...]:
    """Put places together whose limits differ by one factor only."""
    found: dict[tuple[tuple[int, int], ...], list[tuple[int, Place]]] = {}
    for place, amounts in limits.items():
        scale = gcd(*amounts.values()) or 1
        parts = tuple(sorted((unknown, amount // scale) for unknown, amount in amounts.items()))
        found.setdefault(parts, []).append((scale, place))
    return tuple(
        World(tuple(place for _, place in scaled), dict(parts), min(scaled)[0], max(scaled)[0])
        for parts, scaled in found.items()
    )


@dataclass(slots=True)
class Prover:
    """Proves that cases never happen at a leg of the kinds ``on``; without any, nothing is taken to be in its window."""

    unknowns: Unknowns
    on: Kinds
    amount: int | None = None
    """The unknown that is the amount of the leg itself."""
    effort: Effort = field(default_factory=Effort)

    def never(self, cases: Iterable[Case], world: World) -> bool:
        """Tell whether none of the cases can be in a world."""
        scale = self.unknowns.number(_SCALE)
        self.unknowns.bounds[scale] = Bounds(world.least, world.most)
        return all(self._impossible(case, world, scale) for case in cases)

    def _impossible(self, case: Case, world: World, scale: int) -> bool:
        if self.effort.left < 0:
            return False
        facts: list[Fact] = [world.settle(fact, scale) if isinstance(fact, Row) else fact for fact in case]
        numbers = sorted({unknown for fact in facts if isinstance(fact, Row) for unknown, _ in fact.terms})
        self.effort.left -= len(case) + len(numbers) ** 2 // _PAIRS_A_ROW
        facts += self.unknowns.known(numbers, self.on, self.amount if self.amount in numbers else None)
        return refuted(facts, self.effort)
