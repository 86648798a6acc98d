"""What state needs to know of the rules: windows and the functions that change running values.

State stands below detection; these types are its side of the agreement.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from streams.legs import Leg
from streams.state.history import Panes

Groups = dict[str, list[object]]
Pairs = dict[str, tuple[int, int]]
"""By counterparty: time of the last leg with it, and since when it is known."""
Change = Callable[[Groups, Pairs, Leg], None]


class Told(NamedTuple):
    """A payment about which its other end was told: event, other account, time, and the accounts that were named."""

    event_id: str
    other: str
    time: int
    names: tuple[str, ...] = ()


class WindowProgram(Protocol):
    """Running windows of one kind of subject under one ruleset; ``windows`` ascending, in milliseconds."""

    @property
    def windows(self) -> tuple[int, ...]:
        """Spans in milliseconds, ascending."""

    @property
    def remember(self) -> Callable[[Pairs, Leg], None] | None:
        """What stays known of a leg that is let go; None when nothing does."""

    @property
    def memory_ms(self) -> int:
        """For how long it stays known."""

    @property
    def fold(self) -> Callable[[Panes, Leg], None] | None:
        """Puts a leg into the panes of its day; None when no rule asks for history."""

    @property
    def history_ms(self) -> int:
        """How far before a leg its history may begin."""

    @property
    def asked(self) -> frozenset[int]:
        """Kinds of legs at which a rule looks at the windows."""

    @property
    def enter(self) -> Change:
        """A leg joins all windows."""

    @property
    def undo(self) -> Change:
        """The newest leg leaves all windows."""

    @property
    def add(self) -> tuple[Change, ...]:
        """Per window: a leg comes back at its old end."""

    @property
    def sub(self) -> tuple[Change, ...]:
        """Per window: a leg leaves at its old end."""


class HitKey(NamedTuple):
    """What hits of one alert have in common: rule, currency where money is summed, and bucket or settlement."""

    rule_id: str
    version: int
    currency: str
    bucket_start: int
    bucket_ms: int
    about: str


class Hit(NamedTuple):
    """A rule said yes to a leg, could not decide, or failed.

    ``values`` are the measured values; a text instead names why it was not decided, an empty tuple with ``error`` a failure.
    """

    leg: Leg
    key: HitKey
    rule: object
    values: tuple[int | str, ...]
    held_by: str = ""
    undecided: str = ""
    error: str = ""
    asked: bool = False
    """It is a plain yes, and some rule of the same subject counts those of this rule."""
