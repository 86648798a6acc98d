"""Which ruleset is in force at which event time."""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final, NamedTuple

from streams.detection.program import Program, Programs
from streams.legs import APPROVED, LegKind, Terms

ALWAYS: Final = frozenset(map(int, (LegKind.REFERENCE, LegKind.STATUS, LegKind.REPORT, LegKind.PAYMENT)))
"""Kinds of legs kept whatever the rules look at: a later ruleset, or the payment's accounts (``flow/matching.py``), need them."""


class Entry(NamedTuple):
    """A ruleset, the event time from which it is in force, and on what terms."""

    time: int
    programs: Programs
    terms: Terms


class Schedule:
    """Rulesets by the event time from which they are in force; a leg is judged by the ruleset of its time."""

    def __init__(self) -> None:
        """Start without a ruleset: legs are kept, nothing is judged."""
        self.entries: list[Entry] = []
        self.times: list[int] = []
        """Of the entries."""
        self.reach_ms = 0
        self.kept: dict[int, frozenset[int]] = {}
        self.newest: Mapping[int, Program] = {}
        """Programs of the newest ruleset, in force from ``newest_from``: almost every leg is judged by it."""
        self.newest_from = 1 << 60
        self.shadow_end = 0
        """No ruleset is in shadow from this event time on."""

    def add(self, time: int, programs: Programs, terms: Terms = APPROVED) -> bool:
        """Take a ruleset in force from ``time``; one with the same time is replaced. False when it is known already."""
        entry = Entry(time, programs, terms)
        at = bisect_right(self.times, time)
        if at and self.times[at - 1] == time:
            before = self.entries[at - 1]
            if before.programs.ruleset.digest == programs.ruleset.digest and before.terms == terms:
                return False
            self.entries[at - 1] = entry
        else:
            self.times.insert(at, time)
            self.entries.insert(at, entry)
        sets = [each.programs for each in self.entries]
        self.reach_ms = max(each.reach_ms for each in sets)
        kinds = {kind for each in sets for kind in each.by_kind}
        self.kept = {
            kind: ALWAYS.union(*(each.by_kind[kind].kept for each in sets if kind in each.by_kind)) for kind in kinds
        }
        self.newest, self.newest_from = sets[-1].by_kind, self.times[-1]
        self.shadow_end = max(each.terms.shadow_until for each in self.entries)
        return True

    def at(self, time: int) -> Entry | None:
        """Give what is in force at an event time, or None before the first."""
        found = bisect_right(self.times, time)
        return self.entries[found - 1] if found else None

    def shadows(self, time: int) -> bool:
        """Tell whether what happens at an event time only makes shadow alerts, whatever the state of its rule."""
        if time >= self.shadow_end:
            return False
        entry = self.at(time)
        return entry is not None and time < entry.terms.shadow_until

    def program(self, kind: int, time: int) -> Program | None:
        """Give the program of a kind of subject at an event time."""
        if time >= self.newest_from:
            return self.newest.get(kind)
        entry = self.at(time)
        return entry.programs.by_kind.get(kind) if entry is not None else None

    @property
    def kept_kinds(self) -> Mapping[int, frozenset[int]] | None:
        """By kind of subject the kinds of legs any ruleset of the schedule looks at (else ``ALWAYS``); None: all are kept."""
        return self.kept if self.entries else None
