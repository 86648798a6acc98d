"""Whatever the bytes of a table or of JSON Lines: every line has one outcome, soon, in bounded memory.

``python -m tests.property.table_fuzz [NUMBER]`` mutates the samples of every format and prints figures; so many files of each.
"""

import io
import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from streams.errors import UsageError
from streams.events import Limits, Refused, decode_event
from streams.replay.formats import FORMATS, Told, payments
from streams.replay.formats.guess import propose
from streams.replay.formats.labelled import labelled
from streams.replay.generator import Generator, GeneratorSettings
from tests.property.iso20022_fuzz import Figures, mutated
from tests.unit.replay.formats.samples import SAMPLES

RECEIVED_MS: Final = 1_900_000_000_000
LABELLED: Final = b"".join(
    b'{"event_id":"e%d","ts":"2025-03-28T10:01:00Z","from_account":"A","to_account":"EXT:SINK","amount":%d.25,"currency":"EUR","kind":"x","channel":"c"}\n'
    % (n, n)
    for n in range(1, 6)
)
Read = Callable[[bytes], Iterator[bytes]]


def _table(name: str) -> Read:
    mapping = FORMATS[name].mapping
    assert mapping is not None
    return lambda raw: payments(io.BytesIO(raw), "rows.csv", mapping, Told(lambda _label: None))


def _guessed(raw: bytes) -> Iterator[bytes]:
    propose(io.BytesIO(raw), "rows.csv")
    return iter(())


def readers() -> dict[str, tuple[bytes, Read]]:
    """Give what is fuzzed: a name, a good file, and its reader to lines for intake."""
    tables = {name: sample.text.encode() for name, sample in SAMPLES.items() if " " not in name}
    events = Generator(GeneratorSettings(seed=1, events=1_000), lambda *_: None).arrivals()
    own = b"\n".join(msgspec.json.encode(arrival.event) for _, arrival in zip(range(40), events, strict=False))
    return {
        **{name: (raw, _table(name)) for name, raw in tables.items()},
        "labelled": (LABELLED, lambda raw: labelled(io.BytesIO(raw), "set")),
        "payweir": (own, lambda raw: iter(raw.split(b"\n"))),
        "guess": (tables["amlworld"], _guessed),
    }


def take(raw: bytes, read: Read, figures: Figures) -> None:
    """Read one file to its end; nothing but a clear error of the whole and refusals by name may come of it."""
    begun = time.perf_counter()
    try:
        for line in read(raw):
            try:
                decode_event(line, RECEIVED_MS, Limits())
                figures.events += 1
            except Refused as refused:
                figures.refused[refused.refusal.value] += 1
    except UsageError:
        figures.refused["the whole file"] += 1
    figures.files += 1
    figures.slowest = max(figures.slowest, time.perf_counter() - begun)


def fuzz(number: int, name: str, seed: int = 4) -> Figures:
    """Read so many mutated files of one format."""
    original, read = readers()[name]
    chance, figures = random.Random(f"{seed} {name}"), Figures()
    tracemalloc.start()
    try:
        for _ in range(number):
            take(mutated(original, chance), read, figures)
        _, figures.peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return figures


def main(number: int) -> None:
    """Print the figures."""
    table = Table("format", "files", "events", "refused", "names", "slowest, ms", "peak, KiB")
    for name in readers():
        found = fuzz(number, name)
        counts = (found.files, found.events, found.refused.total(), len(found.refused))
        table.add_row(
            name, *(f"{count:,}" for count in counts), f"{found.slowest * 1000:,.0f}", f"{found.peak // 1024:,}"
        )
    Console(width=150).print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
