"""The files of a generated stream, written as it is made."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import msgspec

from streams.clock import DAY_MS
from streams.errors import UsageError
from streams.events.model import (
    AccountReferenceEvent,
    FraudReportEvent,
    PaymentEvent,
    PaymentStatusEvent,
    SettlementEvent,
)
from streams.replay.generator.catalogue import TYPOLOGIES, chosen
from streams.replay.generator.population import POOLS, Holder
from streams.replay.generator.settings import GeneratorSettings, day_text
from streams.replay.generator.story import Label, Scenario
from streams.replay.generator.stream import Generator

FILES: Final[dict[type, str]] = {
    PaymentEvent: "payments.jsonl",
    PaymentStatusEvent: "payments.jsonl",
    SettlementEvent: "settlements.jsonl",
    FraudReportEvent: "fraud-reports.jsonl",
    AccountReferenceEvent: "accounts.jsonl",
}
LABELS: Final = "labels.csv"
SCENARIOS: Final = "scenarios.json"
ALLOW_LIST: Final = "lists/licensed-psp.yaml"
_BEATS: Final = 1_000
_BUFFER: Final = 1 << 20
_HARD_NEGATIVES: Final = frozenset(typology.name for typology in TYPOLOGIES if typology.hard_negative)


@dataclass(slots=True)
class Summary:
    """What was written. ``instances`` counts by typology, hard negatives among them."""

    events: int = 0
    repeated: int = 0
    late: int = 0
    labels: int = 0
    accounts: int = 0
    files: Counter[str] = field(default_factory=Counter)
    instances: Counter[str] = field(default_factory=Counter)

    def rows(self) -> list[tuple[str, int]]:
        """Give name and count, for a table."""
        instances = sorted(self.instances.items(), key=lambda item: (item[0] in _HARD_NEGATIVES, item[0]))
        return [
            ("events", self.events),
            *sorted(self.files.items()),
            ("delivered twice", self.repeated),
            ("held up on the way", self.late),
            ("background accounts", self.accounts),
            ("labels", self.labels),
            *(
                (f"near miss {name}" if name in _HARD_NEGATIVES else f"fraud {name}", count)
                for name, count in instances
            ),
        ]


class _Truth:
    """Writes labels and scenarios the moment they are told."""

    def __init__(self, labels: IO[str], scenarios: IO[bytes], summary: Summary) -> None:
        self._labels = labels
        self._scenarios = scenarios
        self._summary = summary
        self._first = True
        labels.write("event_id,scenario_id,typology,role\n")
        scenarios.write(b"[")

    def tell(self, scenario: Scenario, labels: list[Label]) -> None:
        self._scenarios.write(b"\n" if self._first else b",\n")
        self._scenarios.write(msgspec.json.encode(scenario))
        self._first = False
        self._summary.instances[scenario.typology] += 1
        self._summary.labels += len(labels)
        for label in labels:
            self._labels.write(f"{label.event_id},{label.scenario_id},{label.typology},{label.role}\n")

    def end(self) -> None:
        self._scenarios.write(b"\n]\n")


def generate(
    settings: GeneratorSettings, out: Path, labels: Path | None = None, progress: Callable[[int], None] | None = None
) -> Summary:
    """Write the stream into the folder ``out`` (made if need be; files of the same names are replaced).

    ``progress`` is told the number of events made, about a thousand times. Raises ``UsageError`` when the folder or a
    file cannot be written, or a typology does not exist. The same settings give the same bytes.
    """
    chosen(settings.typologies, settings.days)
    summary = Summary(accounts=settings.accounts_total)
    every = max(1, settings.events // _BEATS)
    encode = msgspec.json.Encoder().encode
    with _opened(out, labels or out / LABELS) as files:
        truth = _Truth(files.labels, files.scenarios, summary)
        generator = Generator(settings, truth.tell)
        files.allow_list.write(_allow_list(generator.population.pools, settings))
        writers = {kind: (files.events[name].write, name) for kind, name in FILES.items()}
        counts = Counter(dict.fromkeys(FILES.values(), 0))
        for _, event, repeated in generator.arrivals():
            write, name = writers[type(event)]
            write(encode(event) + b"\n")
            counts[name] += 1
            summary.repeated += repeated
            summary.events += 1
            if progress is not None and summary.events % every == 0:
                progress(summary.events)
        truth.end()
    summary.files = counts
    summary.late = generator.late
    return summary


@dataclass(frozen=True, slots=True)
class _Files:
    events: dict[str, IO[bytes]]
    labels: IO[str]
    scenarios: IO[bytes]
    allow_list: IO[str]


@contextmanager
def _opened(out: Path, labels: Path) -> Iterator[_Files]:
    with ExitStack() as stack:
        try:
            (out / ALLOW_LIST).parent.mkdir(parents=True, exist_ok=True)
            files = _Files(
                {
                    name: stack.enter_context((out / name).open("wb", buffering=_BUFFER))
                    for name in dict.fromkeys(FILES.values())
                },
                stack.enter_context(labels.open("w", encoding="utf-8", newline="\n")),
                stack.enter_context((out / SCENARIOS).open("wb")),
                stack.enter_context((out / ALLOW_LIST).open("w", encoding="utf-8", newline="\n")),
            )
        except OSError as error:
            message = f"cannot write {error.filename}: {error.strerror}; name a folder with --out that you may write to"
            raise UsageError(message) from error
        yield files


def _allow_list(pools: list[Holder], settings: GeneratorSettings) -> str:
    """Write the allow-list with the pools; maker and checker differ, as they must."""
    since = day_text(settings.start_ms - 30 * DAY_MS)
    until = day_text(settings.start_ms + (settings.days + 365) * DAY_MS)
    entries = "".join(
        f"  - key: {pool.token}\n"
        f"    reason: Pool account {number} of {POOLS} of a licensed payment company in this generated stream\n"
        "    added_by: fraud-ops\n"
        "    approved_by: compliance\n"
        f"    valid_from: {since}\n"
        f"    expires: {until}\n"
        for number, pool in enumerate(pools, start=1)
    )
    return (
        "id: licensed-psp\nkind: account\nowner: compliance\n"
        "description: Pool accounts of licensed payment companies; money passes through them by nature.\n"
        f"entries:\n{entries}"
    )
