"""``payweir run``: files through the whole pipeline, with an account of every record."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol

from streams.alerts.model import Alert, IngestCount, Outcome, RuleCount
from streams.detection.program import Programs
from streams.legs import APPROVED, Control, Terms
from streams.pipeline import RawRecord, SourceState
from streams.replay.embedded import Embedded, Share

CHUNK: Final = 1_000
_TOLD_ANEW: Final = 9
"""Tenths of the sources last named that may be left before the set is named anew: one by one costs squares for many files."""
Write = Callable[[Sequence[Outcome]], object]
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Summary:
    """What became of every record: ``found`` = accepted + duplicate + refused."""

    found: int = 0
    counts: dict[tuple[str, int], IngestCount] = field(default_factory=dict)
    rules: dict[tuple[str, int], RuleCount] = field(default_factory=dict)
    alerts: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Alert id to rule and state."""

    def take(self, outcomes: Sequence[Outcome]) -> None:
        """Note the newest of each outcome."""
        for each in outcomes:
            if isinstance(each, Alert):
                self.alerts[each.alert_id] = each.rule_id, each.state.value
            elif isinstance(each, IngestCount):
                self.counts[each.source, each.partition] = each
            elif isinstance(each, RuleCount):
                self.rules[each.rule_id, each.partition] = each

    def add(self, other: "Summary") -> None:
        """Take in what became of the records of another partition."""
        self.found += other.found
        self.counts |= other.counts
        self.rules |= other.rules
        self.alerts |= other.alerts

    def total(self, name: str) -> int:
        """Add up ``accepted``, ``late``, ``duplicate`` or ``conflict``."""
        return sum(getattr(count, name) for count in self.counts.values())

    @property
    def refused(self) -> Counter[str]:
        """Refused records by name."""
        refused: Counter[str] = Counter()
        for count in self.counts.values():
            refused.update(count.refused)
        return refused

    @property
    def by_rule(self) -> dict[str, Counter[str]]:
        """Alerts per rule and state."""
        found: dict[str, Counter[str]] = {}
        for rule, state in self.alerts.values():
            found.setdefault(rule, Counter())[state] += 1
        return dict(sorted(found.items()))

    @property
    def undecided(self) -> dict[str, Counter[str]]:
        """Legs a rule could not decide, per rule and reason."""
        found: dict[str, Counter[str]] = {}
        for (rule, _), count in self.rules.items():
            found.setdefault(rule, Counter()).update({reason: n for reason, n in count.undecided.items() if n})
        return {rule: reasons for rule, reasons in sorted(found.items()) if reasons}

    @property
    def adds_up(self) -> bool:
        """Whether every record found is accounted for."""
        return self.found == self.total("accepted") + self.total("duplicate") + self.refused.total()


@dataclass(frozen=True, slots=True)
class RunPlan:
    """How to run: the checked rules, where outcomes go, and who watches."""

    programs: Programs
    write: Write
    progress: Progress
    started_ms: int
    """Stands for the Kafka time stamp of every record: a later event time is refused as far future."""
    partitions: int = 1
    terms: Terms = APPROVED
    share: Share | None = None
    """One of several processes that run the same together; each counts all records as found."""


class Lines(Protocol):
    """A file as the run needs it: see ``LineFile``."""

    @property
    def name(self) -> str:
        """What the source is called."""

    def lines(self) -> Iterator[bytes]:
        """Give its lines."""

    def place(self) -> int:
        """Give how many bytes were read."""


def run_files(files: Sequence[Lines], plan: RunPlan) -> Summary:
    """Take all files through the pipeline, always reading on in the one that is furthest behind in event time."""
    summary = Summary()

    def sink(outcomes: list[Outcome]) -> None:
        summary.take(outcomes)
        if outcomes:
            plan.write(outcomes)

    states = {file.name: SourceState(file.name, 0) for file in files}
    embedded = Embedded(
        plan.programs, tuple(state.name for state in states.values()), sink, plan.partitions, plan.terms, plan.share
    )
    open_files = {file.name: file.lines() for file in files}
    offsets = dict.fromkeys(open_files, 0)
    told = len(open_files)
    while open_files:
        name = min(open_files, key=lambda each: states[each].watermark)
        lines = open_files[name]
        first = offsets[name]
        chunk = [RawRecord(first + i, plan.started_ms, line) for i, line in enumerate(islice(lines, CHUNK))]
        if chunk:
            embedded.feed(states[name], chunk)
            offsets[name] += len(chunk)
            summary.found += len(chunk)
            plan.progress(sum(each.place() for each in files), summary.found)
        if len(chunk) < CHUNK:
            del open_files[name]
            if open_files and len(open_files) <= told * _TOLD_ANEW // 10:
                told = len(open_files)
                embedded.control(Control("sources", names=tuple(states[each].name for each in open_files)))
    embedded.end()
    return summary
