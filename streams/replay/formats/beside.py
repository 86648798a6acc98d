"""Files beside a set that tell its labels. They hold the fraud only, so they fit in memory."""

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from streams.errors import UsageError
from streams.replay.formats.rows import Label

_BEGIN: Final = re.compile(r"BEGIN LAUNDERING ATTEMPT - ([A-Za-z -]{1,40})")
_LABEL_FIELDS: Final = 3
_END: Final = "END LAUNDERING ATTEMPT"


def labels_of(events: Path) -> Path | None:
    """Give ``x.labels.csv.gz`` (or plain) for ``x.events.jsonl.gz`` of the labelled format, if it is there."""
    stem, dot, _ = events.name.partition(".events.")
    found = (events.with_name(f"{stem}.labels.csv{end}") for end in ("", ".gz"))
    return next((path for path in found if path.is_file()), None) if dot else None


def read_labels(path: Path) -> dict[str, Label]:
    """Give the label of each event (``event_id,instance_id,typology``). Raises ``UsageError`` naming the line at fault."""
    found: dict[str, Label] = {}
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, row in enumerate(csv.reader(lines), 1):
                if len(row) != _LABEL_FIELDS or (number == 1 and row[0] != "event_id"):
                    raise UsageError(f"{path.name}:{number}: expected event_id,instance_id,typology")
                found[row[0]] = Label(*row)
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name}: cannot be read: {error}") from None
    found.pop("event_id", None)
    return found


def patterns_of(transactions: Path) -> Path | None:
    """Give ``HI-Small_Patterns.txt`` for ``HI-Small_Trans.csv`` of AMLworld, if it is there."""
    stem = re.sub(r"(_Trans)?\.csv(\.gz)?$", "", transactions.name)
    path = transactions.with_name(f"{stem}_Patterns.txt")
    return path if stem != transactions.name and path.is_file() else None


def read_patterns(path: Path) -> dict[str, tuple[str, str]]:
    """Give attempt and shape by the text of a row.

    Raises ``UsageError`` with the line where the file is not built of attempts.
    """
    found: dict[str, tuple[str, str]] = {}
    attempt, shape, number = 0, "", 0
    for number, line in _lines(path):
        begin = _BEGIN.match(line)
        if begin is not None:
            if shape:
                raise UsageError(f"{path.name}:{number}: an attempt begins before the last one has ended")
            attempt, shape = attempt + 1, begin[1].strip().lower().replace("-", "_").replace(" ", "_")
        elif line.startswith(_END):
            shape = ""
        elif shape:
            found[line] = f"attempt-{attempt}", shape
        else:
            raise UsageError(f"{path.name}:{number}: a row outside of any attempt")
    if shape:
        raise UsageError(f"{path.name}:{number}: the last attempt does not end")
    return found


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line.strip()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
