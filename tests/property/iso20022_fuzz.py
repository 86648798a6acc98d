"""Whatever the bytes, the reader ends soon, raises nothing, keeps within its memory, and accounts for every transaction.

``python -m tests.property.iso20022_fuzz [NUMBER] [FOLDER]`` mutates the examples (and the messages of a folder), reads the files
made to harm and a message of 10,000 transactions, and prints figures.
"""

import io
import random
import re
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from streams.events import Limits, Refused, decode_event
from streams.events.iso20022 import MESSAGES, line_of, read_messages
from streams.events.iso20022.limits import MEBIBYTE
from tests.rig.iso20022 import batch, transfer, transfers
from tests.unit.events.iso20022.test_hostile import HOSTILE

EXAMPLES = Path(__file__).parents[2] / "schemas" / "iso20022" / "examples"
FAR_MS = 4_000_000_000_000
SPLICES = [
    b"<", b">", b"&", b"&amp;", b"&#0;", b"&#x10FFFF;", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?x ?>", b"<!DOCTYPE a>", b"\x00",
    b"\xff\xfe", b"\xef\xbb\xbf", b"-", b".", b"e9", b"0" * 40, b"9" * 400, b"NaN", b"{", b"}", b"[", b"]", b'"', b"null", b"true",
    b"T24:00:00", b"+14:00", b"2026-13-01", b"XXX", b"JPY", b"NOTPROVIDED", b"</CdtTrfTxInf>", b"<CdtTrfTxInf>", b"<Document>",
]  # fmt: skip
WORDS = [
    b"0", b"1.005", b"-1", b"99999999999999999999", b"EUR", b"2026-03-02", b"2026-03-02T08:00:00", b"1999-01-01T00:00:00+14:00",
    b"9999-12-31", b"T-1", b"ACSC", b"RJCT", b"BOOK", b"FRAD", b"true", b"NOTPROVIDED", b"DE89370400440532013000", b"x" * 70,
    "\u8d26\u6237".encode(), b"&lt;a&gt;", b" ", b"8A562C67-CA16-48BA-B074-65581BE6F011", b"not-a-uuid",
]  # fmt: skip


@dataclass(slots=True)
class Figures:
    """What came of many files."""

    files: int = 0
    events: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    peak: int = 0


def seeds(folders: list[Path]) -> list[bytes]:
    """Give the messages to mutate."""
    files = (path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in {".xml", ".json"})
    return [path.read_bytes() for path in files]


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """Change a message in one to eight places: bytes, pieces moved, doubled or cut, and text that means something."""
    made = bytearray(raw)
    for _ in range(chance.randint(1, 8)):
        start = chance.randrange(len(made) + 1)
        end = min(len(made), start + chance.choice((1, 1, 4, 40, 400)))
        match chance.randrange(6):
            case 0:
                made[start:end] = chance.randbytes(end - start)
            case 1:
                del made[start:end]
            case 2:
                made[start:start] = made[start:end] * chance.choice((1, 2, 50))
            case 3:
                piece = made[start:end]
                del made[start:end]
                place = chance.randrange(len(made) + 1)
                made[place:place] = piece
            case 4:
                made[start:start] = chance.choice(SPLICES)
            case _:
                made[start:end] = chance.choice(SPLICES)
    return bytes(made)


def reworded(raw: bytes, chance: random.Random) -> bytes:
    """Change one to eight elements that hold text, leaving XML well-formed: other text, another name, gone, or twice."""
    tokens = re.findall(rb"<[^>]*>|[^<]+", raw)
    for _ in range(chance.randint(1, 8)):
        places = [
            n for n in range(1, len(tokens) - 1) if tokens[n - 1][1:2] not in b"/?!" and tokens[n + 1][:2] == b"</"
        ]
        if not places:
            break
        place = chance.choice(places)
        opening, closing = tokens[place - 1], tokens[place + 1]
        match chance.randrange(5):
            case 0:
                tokens[place] = chance.choice(WORDS)
            case 1:
                tokens[place] = tokens[chance.choice(places)]
            case 2:
                del tokens[place - 1 : place + 2]
            case 3:
                tokens[place:place] = [tokens[place], closing, opening]
            case _:
                other = tokens[chance.choice(places) + 1]
                tokens[place + 1] = other
                tokens[place - 1] = other.replace(b"</", b"<")
    return b"".join(tokens)


def take(raw: bytes, figures: Figures) -> None:
    """Read one file to the end and pass every line through intake's decoder; nothing but ``Refused`` may be raised."""
    begun = time.perf_counter()
    for found in read_messages(io.BytesIO(raw)):
        assert (found.event is None) != (found.refused is None)
        try:
            decode_event(line_of(found, "fuzz"), FAR_MS, Limits())
            assert found.event is not None
            figures.events += 1
        except Refused as refused:
            figures.refused[refused.refusal.value] += 1
    figures.files += 1
    figures.slowest = max(figures.slowest, time.perf_counter() - begun)


def fuzz(number: int, folders: list[Path], seed: int = 20022) -> Figures:
    """Read so many mutated messages."""
    chance, figures, originals = random.Random(seed), Figures(), seeds(folders)
    tracemalloc.start()
    try:
        for _ in range(number):
            take(chance.choice((mutated, reworded))(chance.choice(originals), chance), figures)
        _, figures.peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return figures


def hostile() -> Iterator[tuple[str, bytes, Figures]]:
    """Read the files made to harm one by one: name, content, figures."""
    for name, (content, _) in HOSTILE.items():
        raw, figures = content.encode(), Figures()
        tracemalloc.start()
        try:
            take(raw, figures)
            _, figures.peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        yield name, raw, figures


def many(number: int, kind: str = "pacs.008") -> tuple[bytes, Figures]:
    """Read one message with so many transactions: the message and the figures, in which it is not counted itself."""
    written = transfers("".join(map(transfer, range(number)))) if kind == "pacs.008" else batch(kind, number)
    raw, figures = written.encode(), Figures()
    tracemalloc.start()
    try:
        take(raw, figures)
        _, figures.peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return raw, figures


def main(number: int, folders: list[Path]) -> None:
    """Print the figures."""
    console = Console(width=150)
    table = Table("file", "bytes", "events", "refused", "milliseconds", "peak KiB")

    def row(name: str, raw: bytes, figures: Figures) -> None:
        untraced = Figures()
        take(raw, untraced)
        refused = ", ".join(f"{each} {count}" for each, count in figures.refused.most_common(4))
        table.add_row(
            name,
            f"{len(raw):,}",
            f"{figures.events:,}",
            refused,
            f"{untraced.slowest * 1000:,.0f}",
            f"{figures.peak // 1024:,}",
        )

    for name, raw, figures in hostile():
        row(name, raw, figures)
    table.add_section()
    for kind in MESSAGES:
        for transactions in (100, 10_000):
            raw, figures = many(transactions, kind)
            row(f"{kind} with {transactions:,} transactions", raw, figures)
    console.print(table)
    figures = fuzz(number, folders)
    console.print(
        f"{figures.files:,} mutated messages: {figures.events:,} events, {figures.refused.total():,} refusals under "
        f"{len(figures.refused)} names, none raised; slowest {figures.slowest * 1000:.0f} ms, peak {figures.peak // MEBIBYTE} MiB"
    )
    console.print(", ".join(f"{name} {count:,}" for name, count in figures.refused.most_common()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000, [EXAMPLES, *map(Path, sys.argv[2:])])
