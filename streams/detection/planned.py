"""What the planner notes of a rule, and of all rules of a program, before their code is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from streams.detection.aggregate import Aggregate
from streams.detection.baseline import Baseline
from streams.detection.codegen import Gate
from streams.detection.naming import Asked
from streams.detection.rule import Rule
from streams.detection.selection import Legs
from streams.detection.slots import Slots
from streams.detection.words import Type
from streams.legs import Leg
from streams.state.subject import Subject

Values = tuple[int | str, ...]
Judge = Callable[[Subject, Leg], "Values | str | None"]


@dataclass(frozen=True, slots=True)
class Measure:
    """What a rule's function returns at one place of its tuple."""

    name: str
    type: Type
    scale: int
    operator: str = ""
    """Empty for a measured value; for a limit, the comparison it stands in."""


@dataclass(slots=True)
class Shared:
    """What the rules of a program have in common: running values, chains of legs, conditions on legs, memories."""

    lists: Mapping[str, Type] = field(default_factory=dict)
    slots: Slots = field(default_factory=Slots)
    fits: list[str] = field(default_factory=list)
    links: dict[str, tuple[Aggregate, str, str, bool]] = field(default_factory=dict)
    memories: dict[str, str] = field(default_factory=dict)
    series: dict[str, tuple[Legs, bool]] = field(default_factory=dict)
    """Legs of which days are remembered, and whether per currency."""
    baselines: dict[str, Baseline] = field(default_factory=dict)
    looks: list[tuple[str, str, int, Fraction]] = field(default_factory=list)
    """What else is looked for: function, condition on legs, span, share."""
    namings: list[Asked] = field(default_factory=list)
    """Payments whose other ends name the same account."""
    watched: bool = False
    """Every comparison notes how it came out (``comparisons.Seen``)."""

    def look(self, wanted: tuple[str, str, int, Fraction]) -> str:
        """Give the name of what is looked for."""
        if wanted not in self.looks:
            self.looks.append(wanted)
        return f"look_{self.looks.index(wanted)}"

    def naming(self, wanted: Asked) -> str:
        """Give the name of payments that are asked whom their other ends name."""
        if wanted not in self.namings:
            self.namings.append(wanted)
        return f"naming_{self.namings.index(wanted)}"

    def fit(self, legs: Legs) -> str:
        """Give the name of the function that tells whether a leg is meant."""
        source = legs.source()
        if source not in self.fits:
            self.fits.append(source)
        return f"fits_{self.fits.index(source)}"


@dataclass(slots=True)
class Plan:
    """What is known of one rule before the code is written."""

    rule: Rule
    money: bool
    gate: Gate
    source: list[str] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    looks_at: list[Legs] = field(default_factory=list)
    """What its values are made of."""
    evidence: list[Legs] = field(default_factory=list)
    """What an alert cites, whole windows of it of at most ``evidence_ms``: what the rule wants to be much or many.

    Where a rule singles out legs (``picks``), of its windows only those of marked payments.
    """
    evidence_ms: int = 0
    picks: list[str] = field(default_factory=list)
    """Source of single legs that an alert cites."""
    asks: bool = False
    """It counts verdicts of other rules about the same subject."""
    needs_verdict: bool = False
    """And is silent without any."""
    reach_ms: int = 0
    """The longest window."""
    memory_ms: int = 0
    """How long counterparties, or the last leg before a pause, must be known beyond that."""
    history_ms: int = 0
    """How far back the days go."""
    remembered: list[Legs] = field(default_factory=list)
    """Legs of the days."""
