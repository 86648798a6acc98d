"""The formats that files come in: one line of help each, and how a file becomes lines for intake."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Final

from streams.events.iso20022 import Options, lines_of
from streams.replay.formats.amlgentex import AMLGENTEX
from streams.replay.formats.amlsim import AMLSIM
from streams.replay.formats.amlworld import AMLWORLD
from streams.replay.formats.labelled import labelled
from streams.replay.formats.mapping import Mapping
from streams.replay.formats.paysim import PAYSIM
from streams.replay.formats.rows import payments
from streams.replay.formats.samld import SAMLD

Reader = Callable[[IO[bytes], str], Iterator[bytes]]
"""From an open file and its name to lines for intake: events, and what cannot be read as refusals by name."""


LINES: Final = (".jsonl", ".json", ".ndjson", ".jsonl.gz", ".ndjson.gz")
TABLES: Final = (".csv", ".csv.gz", ".parquet")


@dataclass(frozen=True, slots=True)
class Format:
    """How files of one kind are read; ``mapping`` is there for tables."""

    help: str
    reader: Reader
    mapping: Mapping | None = None
    suffixes: tuple[str, ...] = LINES
    """Files of a folder that are read."""
    twice: bool = False
    """The reader goes through a file twice, so it must be one that can be sought."""


def _plain(stream: IO[bytes], _name: str) -> Iterator[bytes]:
    for line in stream:
        stripped = line.rstrip(b"\r\n")
        if stripped:
            yield stripped


def _mojaloop(stream: IO[bytes], name: str) -> Iterator[bytes]:
    return lines_of(stream, name, Options(bare_transfers=True))


def table(help_: str, mapping: Mapping) -> Format:
    """Give the format of tables that a mapping describes."""
    return Format(help_, partial(payments, mapping=mapping), mapping, TABLES)


FORMATS: Final[dict[str, Format]] = {
    "payweir": Format("our own events, one JSON object a line", _plain),
    "iso20022": Format("ISO 20022 messages, XML or JSON", lines_of, twice=True),
    "mojaloop": Format("ISO 20022 as Mojaloop writes it, bare transfers", _mojaloop, twice=True),
    "labelled": Format("transfers of labelled sets, one JSON object a line", labelled),
    "amlsim": table("IBM AMLSim, transactions.csv", AMLSIM),
    "amlgentex": table("AMLGentex, transaction log as CSV or Parquet", AMLGENTEX),
    "amlworld": table("IBM AMLworld, *_Trans.csv", AMLWORLD),
    "saml-d": table("SAML-D, CSV", SAMLD),
    "paysim": table("PaySim, raw log or published set", PAYSIM),
}
