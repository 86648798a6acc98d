"""Which ruleset is in force at which event time."""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

from streams.detection.program import Program, Programs
from streams.legs import LegKind

ALWAYS: Final = frozenset({int(LegKind.REFERENCE), int(LegKind.STATUS), int(LegKind.REPORT)})
"""Kinds of legs kept whatever the rules look at: a later ruleset, or the payment's accounts, need them."""


class Schedule:
    """Rulesets by the event time from which they are in force; a leg is judged by the ruleset of its time."""

    def __init__(self) -> None:
        """Start without a ruleset: legs are kept, nothing is judged."""
        self.times: list[int] = []
        self.sets: list[Programs] = []
        self.reach_ms = 0
        self.kept: dict[int, frozenset[int]] = {}
        self.newest: Mapping[int, Program] = {}
        """Programs of the newest ruleset, in force from ``newest_from``: almost every leg is judged by it."""
        self.newest_from = 1 << 60

    def add(self, time: int, programs: Programs) -> bool:
        """Take a ruleset in force from ``time``; one with the same time is replaced. False when it is known already."""
        at = bisect_right(self.times, time)
        if at and self.times[at - 1] == time:
            if self.sets[at - 1].ruleset.digest == programs.ruleset.digest:
                return False
            self.sets[at - 1] = programs
        else:
            self.times.insert(at, time)
            self.sets.insert(at, programs)
        self.reach_ms = max(each.reach_ms for each in self.sets)
        kinds = {kind for each in self.sets for kind in each.by_kind}
        self.kept = {
            kind: ALWAYS.union(*(each.by_kind[kind].kept for each in self.sets if kind in each.by_kind))
            for kind in kinds
        }
        self.newest, self.newest_from = self.sets[-1].by_kind, self.times[-1]
        return True

    def at(self, time: int) -> Programs | None:
        """Give the ruleset of an event time, or None before the first."""
        found = bisect_right(self.times, time)
        return self.sets[found - 1] if found else None

    def program(self, kind: int, time: int) -> Program | None:
        """Give the program of a kind of subject at an event time."""
        if time >= self.newest_from:
            return self.newest.get(kind)
        programs = self.at(time)
        return programs.by_kind.get(kind) if programs is not None else None

    @property
    def kept_kinds(self) -> Mapping[int, frozenset[int]] | None:
        """By kind of subject the kinds of legs any ruleset of the schedule looks at (else ``ALWAYS``); None: all are kept."""
        return self.kept if self.sets else None
