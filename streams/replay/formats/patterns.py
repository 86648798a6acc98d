"""The patterns file beside an AMLworld set: which rows make up one laundering attempt, and of which shape."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from streams.errors import UsageError

_BEGIN: Final = re.compile(r"BEGIN LAUNDERING ATTEMPT - ([A-Za-z -]{1,40})")
_END: Final = "END LAUNDERING ATTEMPT"


def beside(transactions: Path) -> Path | None:
    """Give ``HI-Small_Patterns.txt`` for ``HI-Small_Trans.csv``, if it is there."""
    stem = re.sub(r"(_Trans)?\.csv(\.gz)?$", "", transactions.name)
    path = transactions.with_name(f"{stem}_Patterns.txt")
    return path if stem != transactions.name and path.is_file() else None


def read_patterns(path: Path) -> dict[str, tuple[str, str]]:
    """Give attempt and shape by the text of a row. The file holds the fraud only, so it fits in memory.

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
