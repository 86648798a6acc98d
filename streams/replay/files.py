"""Reading events from files for the embedded run: JSON Lines (plain or .gz), a folder of them, standard input; and formats."""

import gzip
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from streams.errors import UsageError
from streams.replay.labelled import from_labelled

SUFFIXES: Final = (".jsonl", ".json", ".ndjson", ".jsonl.gz", ".ndjson.gz")
FORMATS: Final[dict[str, Callable[[bytes], bytes]]] = {"payweir": bytes, "labelled": from_labelled}
"""What a line is turned into before intake sees it: our own events stay as they are."""


@dataclass(slots=True)
class LineFile:
    """One file as a source: its name, size in bytes, and its lines."""

    name: str
    size: int
    stream: IO[bytes]
    raw: IO[bytes]

    def lines(self) -> Iterator[bytes]:
        """Give the lines that are not blank, without their ends; closes the file after the last."""
        with self.raw, self.stream:
            for line in self.stream:
                stripped = line.rstrip(b"\r\n")
                if stripped:
                    yield stripped

    def place(self) -> int:
        """Give how many bytes of the file were read (compressed ones, where it is)."""
        return self.size if self.raw.closed else self.raw.tell() if self.size else 0


def open_inputs(inputs: list[str]) -> list[LineFile]:
    """Open files, folders (their event files, by name) or ``-``; raises UsageError for what is not there."""
    found: list[LineFile] = []
    for name in inputs:
        if name == "-":
            found.append(LineFile("stdin", 0, sys.stdin.buffer, sys.stdin.buffer))
            continue
        path = Path(name)
        if path.is_dir():
            inside = sorted(each for each in path.iterdir() if each.name.endswith(SUFFIXES) and not _aside(each))
            if not inside:
                message = f"{name}: no event files in this folder; expected names ending in {', '.join(SUFFIXES)}"
                raise UsageError(message)
            found += map(_open, inside)
        elif path.is_file():
            found.append(_open(path))
        else:
            message = f"{name}: no such file or folder"
            raise UsageError(message)
    return found


def _aside(path: Path) -> bool:
    """Tell files that stand beside events but hold none: truth for scoring."""
    return path.name.startswith(("scenarios.", "instances.", "labels.")) or ".instances." in path.name


def _open(path: Path) -> LineFile:
    raw = path.open("rb")
    stream = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw
    return LineFile(path.name, path.stat().st_size, stream, raw)
