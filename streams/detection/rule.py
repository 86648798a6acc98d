"""A rule and a ruleset as checked data, before they become code."""

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import Final

from streams.detection.aggregate import VERDICTS, Aggregate, NamedIn, Since
from streams.detection.comparisons import Comparison
from streams.detection.document import Text
from streams.detection.expression import ExpressionError, Node
from streams.detection.findings import Spot
from streams.detection.words import Type
from streams.legs import LegKind, SubjectKind


@dataclass(frozen=True, slots=True)
class ReferenceWord:
    """``reference owner``: a registered fact at the time of the leg."""

    word: str


STORM_ALERTS: Final = 100
"""Open alerts of one rule and hour that people see one by one, unless the rule says how many."""

Value = Aggregate | ReferenceWord | NamedIn | Since | Node


@dataclass(frozen=True, slots=True)
class Let:
    """A named value of a rule."""

    name: str
    value: Value
    spot: Spot


@dataclass(frozen=True, slots=True)
class MoneyParam:
    """A limit per currency, in minor units; ``segments`` holds those of kinds of account holder, ``minor`` those of all others."""

    minor: dict[str, int]
    segments: dict[str, dict[str, int]] = field(default_factory=dict)
    spot: Spot | None = field(default=None, compare=False)

    def of(self, segment: str) -> dict[str, int]:
        """Give the limits of a kind of account holder."""
        return self.segments.get(segment, self.minor)


@dataclass(frozen=True, slots=True)
class Words:
    """Codes a field is compared with: purposes, merchant categories."""

    codes: frozenset[str]


Param = MoneyParam | Words | int


@dataclass(frozen=True, slots=True)
class RuleTest:
    """A test inside a rule: events in short form, and what is expected of them."""

    name: str
    events: tuple[str, ...]
    expect: str
    """``alert`` or ``none``."""
    subject: str
    spot: Spot
    on_list: dict[str, tuple[str, ...]] = field(default_factory=dict)
    values: dict[str, Text] = field(default_factory=dict)
    """What the alert must have measured, by name of the value, as people read it: ``back: 2,000 CNY``."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``cool_down_ms`` 0 means one alert for each triggering payment or settlement."""

    id: str
    version: int
    title: str
    typology: str
    severity: str
    state: str
    owner: str
    legal_basis: str
    per: SubjectKind
    on: tuple[LegKind, ...]
    wait_ms: int
    lets: tuple[Let, ...]
    when: Node
    comparisons: tuple[Comparison, ...]
    """Those of ``when``, and of the values it is made of."""
    params: dict[str, Param]
    unless: tuple[str, ...]
    say: str
    cool_down_ms: int
    tests: tuple[RuleTest, ...]
    spot: Spot
    review_by: int = 0
    """Day by which its owner looks at it again, in milliseconds; 0 when there is none."""
    storm: int = STORM_ALERTS
    """Open alerts of one hour from which on the others are shown as one line; 0 when each is shown always."""
    texts: MappingType[str, Text] = field(default_factory=dict, compare=False, repr=False)
    """The texts of its values by name, and of ``when`` by the empty name, for the places of what they say."""

    def aggregates(self) -> list[Aggregate]:
        """All windows the rule looks at."""
        return [let.value for let in self.lets if isinstance(let.value, Aggregate)]

    def senders(self) -> set[str]:
        """Rules about subjects of another kind whose marks this one counts."""
        return {each for value in self.aggregates() if value.how not in VERDICTS for each in value.senders}

    def asks(self) -> set[str]:
        """Rules whose verdicts on the same subject this one counts."""
        return {each for value in self.aggregates() if value.how in VERDICTS for each in value.senders}

    def counts_on(self) -> set[str]:
        """Rules without whose word this one cannot decide."""
        return self.senders() | self.asks() | self.marked_by()

    def marked_by(self) -> set[str]:
        """Rules whose verdicts at the other end of a payment this one counts."""
        return {each for value in self.aggregates() for each in value.marked}

    def naming(self, value: NamedIn) -> Aggregate:
        """Give the value whose payments name an account; raises ``ExpressionError`` when there is none of that name."""
        for let in self.lets:
            if let.name == value.let and isinstance(let.value, Aggregate) and let.value.how == "naming":
                return let.value
        error = ExpressionError(
            value.column,
            f"{value.let!r} is no value whose payments name an account",
            "name one like: count of one-off debits marked by rule-id naming the same account over 5d",
        )
        error.unknown = value.let
        raise error

    def named_by(self) -> set[str]:
        """Those of them of which it asks whom they counted."""
        return {each for value in self.aggregates() if value.how == "naming" for each in value.marked}


@dataclass(frozen=True, slots=True)
class ListEntry:
    """Someone who is left out, by whom, why and until when (milliseconds; the end does not belong to it)."""

    key: str
    reason: str
    added_by: str
    approved_by: str
    valid_from: int
    expires: int


@dataclass(frozen=True, slots=True)
class ReferenceList:
    """A list a rule may name under ``unless`` or in a condition; ``kind`` is what its keys name."""

    id: str
    kind: Type
    owner: str
    entries: dict[str, tuple[ListEntry, ...]]
    spot: Spot


@dataclass(frozen=True, slots=True)
class Ruleset:
    """All rules and lists under one digest (SHA-256 over the files' names and texts)."""

    digest: str
    text: str
    rules: tuple[Rule, ...]
    lists: dict[str, ReferenceList]
