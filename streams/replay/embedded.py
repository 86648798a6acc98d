"""The embedded run: the same pipeline as the live workers over an in-process log, without a broker."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streams.alerts.model import DeadLetter, Outcome
from streams.detection.program import Programs
from streams.legs import APPROVED, FORMAT_VERSION, Control, Leg, Mark, Packed, Terms, partition_of
from streams.pipeline import Intake, PartitionState, RawRecord, SourceState, step

Sink = Callable[[list[Outcome]], None]


@dataclass(slots=True)
class Embedded:
    """A whole Payweir in one process. ``sink`` gets the outcomes of every chunk, in order."""

    programs: Programs
    sources: tuple[str, ...]
    sink: Sink
    partitions: int = 1
    terms: Terms = APPROVED
    intake: Intake = field(init=False)
    states: list[PartitionState] = field(init=False)
    rulesets: dict[str, Programs] = field(init=False)

    def __post_init__(self) -> None:
        """Put the set of sources and the ruleset into every partition's log."""
        self.intake = Intake(partitions=self.partitions, kinds=self.programs.kinds)
        self.states = [PartitionState(partition=p, lateness_ms=self.intake.lateness_ms) for p in range(self.partitions)]
        self.rulesets = {self.programs.ruleset.digest: self.programs}
        self.control(Control("sources", names=self.sources))
        self.control(Control("ruleset", self.programs.ruleset.digest, 0, terms=self.terms))

    def feed(self, source: SourceState, records: Sequence[RawRecord]) -> list[DeadLetter]:
        """Take a chunk of one source through the whole path; gives what was refused."""
        taken = self.intake.take(source, records)
        watermarks = {source.name: source.watermark}
        batches = {
            p: Packed(FORMAT_VERSION, source.name, taken.legs.get(p, _NO_LEGS), [], watermarks)
            for p in range(self.partitions)
        }
        outcomes: list[Outcome] = [*taken.dead_letters, source.told(self.states[0].epoch)]
        self._apply(batches, outcomes)
        self.sink(outcomes)
        return taken.dead_letters

    def end(self) -> None:
        """End history: what is due fires, what is provisional stands."""
        self.control(Control("end"))

    def control(self, control: Control) -> None:
        """Put a control record into every partition's log."""
        outcomes: list[Outcome] = []
        self._apply({p: Packed(FORMAT_VERSION, "run", [], [], {}, control) for p in range(self.partitions)}, outcomes)
        self.sink(outcomes)

    def _apply(self, batches: dict[int, Packed], outcomes: list[Outcome]) -> None:
        """Apply records to their partitions, and the marks they lead to, until nothing is left to say."""
        queue = deque(batches.items())
        while queue:
            place, record = queue.popleft()
            out = step(self.states[place], record, self.rulesets)
            outcomes += out.outcomes
            marks: dict[int, list[Mark]] = {}
            for mark in out.marks:
                marks.setdefault(partition_of(mark.subject_kind, mark.subject, self.partitions), []).append(mark)
            for target, several in sorted(marks.items()):
                queue.append((target, Packed(FORMAT_VERSION, f"detect/{place}", [], several, {})))


_NO_LEGS: list[Leg] = []
