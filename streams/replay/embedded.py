"""The embedded run: the same pipeline as the live workers over an in-process log, without a broker."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.alerts.model import DeadLetter, Outcome
from streams.detection.program import Programs
from streams.legs import APPROVED, FORMAT_VERSION, Control, Leg, Mark, Packed, Terms, partition_of
from streams.pipeline import Intake, PartitionState, RawRecord, SourceState, step

Sink = Callable[[list[Outcome]], None]
Marks = dict[int, list[Mark]]
"""Marks by the partition that they are for."""


class Share(NamedTuple):
    """One of several processes that run the same together: each takes all records in, and keeps one partition."""

    number: int
    of: int
    exchange: Callable[[Marks], Marks]
    """Gives marks to all, and what all have for this partition; empty when nobody had any for anybody. Waits for all."""


@dataclass(slots=True)
class Embedded:
    """A whole Payweir in one process, or one share of it. ``sink`` gets the outcomes of every chunk, in order."""

    programs: Programs
    sources: tuple[str, ...]
    sink: Sink
    partitions: int = 1
    terms: Terms = APPROVED
    share: Share | None = None
    """With it there are as many partitions as shares, and all of them have to be given the same records and controls."""
    intake: Intake = field(init=False)
    states: list[PartitionState] = field(init=False)
    rulesets: dict[str, Programs] = field(init=False)

    def __post_init__(self) -> None:
        """Put the set of sources and the ruleset into every partition's log."""
        own: Sequence[int] = range(self.partitions)
        if self.share is not None:
            own, self.partitions = (self.share.number,), self.share.of
        self.intake = Intake(partitions=self.partitions, kinds=self.programs.kinds)
        self.states = [PartitionState(partition=p, lateness_ms=self.intake.lateness_ms) for p in own]
        self.rulesets = {self.programs.ruleset.digest: self.programs}
        self.control(Control("sources", names=self.sources))
        self.control(Control("ruleset", self.programs.ruleset.digest, 0, terms=self.terms))

    def feed(self, source: SourceState, records: Sequence[RawRecord]) -> list[DeadLetter]:
        """Take a chunk of one source through the whole path; gives what was refused."""
        taken = self.intake.take(source, records)
        watermarks = {source.name: source.watermark}
        outcomes: list[Outcome] = []
        if self.states[0].partition == 0:
            outcomes += [*taken.dead_letters, source.told(self.states[0].epoch)]
        self._apply(
            [
                Packed(FORMAT_VERSION, source.name, taken.legs.get(state.partition, _NO_LEGS), [], watermarks)
                for state in self.states
            ],
            outcomes,
        )
        self.sink(outcomes)
        return taken.dead_letters

    def end(self) -> None:
        """End history: what is due fires, what is provisional stands."""
        self.control(Control("end"))

    def control(self, control: Control) -> None:
        """Put a control record into every partition's log."""
        outcomes: list[Outcome] = []
        self._apply([Packed(FORMAT_VERSION, "run", [], [], {}, control) for _ in self.states], outcomes)
        self.sink(outcomes)

    def _apply(self, records: list[Packed], outcomes: list[Outcome]) -> None:
        """Apply a record to each partition, and then, round by round, the marks of all to all until nothing is left to say.

        So a subject hears the same in the same rounds and the same order however many partitions and shares there are.
        """
        while records:
            marks: Marks = {}
            for state, record in zip(self.states, records, strict=True):
                out = step(state, record, self.rulesets)
                outcomes += out.outcomes
                for mark in out.marks:
                    target = partition_of(mark.subject_kind, mark.subject, self.partitions)
                    marks.setdefault(target, []).append(mark)
            if self.share is not None:
                marks = self.share.exchange(marks)
            records = [
                Packed(FORMAT_VERSION, "detect", [], sorted(marks.get(state.partition, ()), key=_place), {})
                for state in (self.states if marks else ())
            ]


_NO_LEGS: list[Leg] = []


def _place(mark: Mark) -> tuple[int | str, ...]:
    """Order the marks of a round; positions only tell those of one sender apart, so they come last."""
    said = (mark.said.rule_id, mark.said.sender) if mark.said is not None else ("", "")
    return (mark.subject_kind, mark.subject, mark.key, mark.void, *said, *mark.position)
