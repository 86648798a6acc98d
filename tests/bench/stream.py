"""The generated stream that every part measures with, and the shipped rules beside it."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from streams.agents.feeding import route
from streams.clock import DAY_MS
from streams.events import Limits, decode_event
from streams.replay.files import open_inputs, read_all
from streams.replay.generator import Generator, GeneratorSettings, generate
from streams.settings.topics import WATERMARKED
from tests.bench.report import ROOT
from tests.rig.cluster import FAR_MS

PAYMENTS_FILE: Final = "payments.jsonl"


class _Side(msgspec.Struct):
    account_token: str


class _Ends(msgspec.Struct):
    debtor: _Side | None = None
    creditor: _Side | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """Files of a stream, its rules and its size. A *payment* is a record of the payments topic, whatever its status."""

    folder: Path
    rules: Path
    records: int
    payments: int

    def lines(self) -> list[bytes]:
        """Give every record, one file after the other."""
        return list(read_all(open_inputs([str(self.folder)])))

    def active_accounts(self) -> int:
        """Count the accounts that are debtor or creditor of a payment."""
        decode = msgspec.json.Decoder(_Ends).decode
        found: set[str] = set()
        with (self.folder / PAYMENTS_FILE).open("rb") as file:
            for line in file:
                ends = decode(line)
                found.update(side.account_token for side in (ends.debtor, ends.creditor) if side is not None)
        return len(found)


def make_stream(settings: GeneratorSettings, folder: Path) -> Stream:
    """Write the stream that ``payweir generate`` writes, and the shipped rules with the stream's own list of pools."""
    summary = generate(settings, folder / "events")
    rules = folder / "rules"
    shutil.copytree(ROOT / "rules", rules)
    shutil.copytree(folder / "events" / "lists", rules / "lists", dirs_exist_ok=True)
    return Stream(folder / "events", rules, summary.events, summary.files[PAYMENTS_FILE])


def next_day(lines: Iterable[bytes]) -> int:
    """Give the first midnight after all payments and settlements, in milliseconds: what begins there is late for no source."""
    limits = Limits()
    times = (decode_event(line, FAR_MS, limits)[1] for line in lines if route(line)[0] in WATERMARKED)
    return (max(times) // DAY_MS + 1) * DAY_MS


def by_arrival(settings: GeneratorSettings) -> Iterator[tuple[int, bytes]]:
    """Give arrival time and record of one stream, all topics together, in order of arrival."""
    encode = msgspec.json.Encoder().encode
    for arrival in Generator(settings, lambda _scenario, _labels: None).arrivals():
        yield arrival.at_ms, encode(arrival.event)
