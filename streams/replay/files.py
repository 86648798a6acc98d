"""Finding files of events, plain or gzip: single ones, folders and standard input; `formats` reads what is in them."""

import gzip
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, cast

from streams.errors import UsageError
from streams.replay.formats import FORMATS, Format, read_mapping, table

XML: Final = (".xml", ".xml.gz")
_IN_MEMORY_MAX: Final = 16 << 20
"""Bytes of standard input kept in memory before they go to a temporary file."""


@dataclass(slots=True)
class LineFile:
    """One file as a source: its name, size in bytes, and its lines. It is opened when its lines are asked for."""

    name: str
    size: int
    format: Format
    path: Path | None = None
    """None is standard input."""
    raw: IO[bytes] | None = field(default=None, init=False)

    def lines(self) -> Iterator[bytes]:
        """Give the lines for intake; closes the file after the last. Raises UsageError for a file that cannot be read."""
        try:
            self.raw = _spooled() if self.path is None and self.format.twice else self._open()
            with self.raw, _unzipped(self.raw, self.path) as stream:
                yield from self.format.reader(stream, self.name)
        except (OSError, EOFError, zlib.error) as error:
            message = f"{self.name}: cannot be read: {error}"
            raise UsageError(message) from None

    def look(self, at: Callable[[IO[bytes], str], str]) -> str:
        """Give what a function says of the open file and its name. Raises UsageError for a file that cannot be read."""
        try:
            with self._open() as raw, _unzipped(raw, self.path) as stream:
                return at(stream, self.name)
        except (OSError, EOFError, zlib.error) as error:
            raise UsageError(f"{self.name}: cannot be read: {error}") from None

    def place(self) -> int:
        """Give how many bytes of the file were read (compressed ones, where it is)."""
        if self.raw is None or not self.size:
            return 0
        return self.size if self.raw.closed else self.raw.tell()

    def _open(self) -> IO[bytes]:
        return sys.stdin.buffer if self.path is None else self.path.open("rb")


def open_inputs(inputs: list[str], format_: str = "payweir") -> list[LineFile]:
    """Find files, folders (their event files, by name) or ``-``; raises UsageError for what is not there.

    XML is read as ISO 20022 whatever the format says.
    """
    chosen = format_of(format_)
    found: dict[str, LineFile] = {}
    for name in inputs:
        for path in _paths(name, chosen.suffixes):
            its_format = FORMATS["iso20022"] if path is not None and path.name.lower().endswith(XML) else chosen
            label = "stdin" if path is None else path.name if path.name not in found else str(path)
            found[label] = LineFile(label, path.stat().st_size if path is not None else 0, its_format, path)
    return list(found.values())


def format_of(name: str) -> Format:
    """Give a format by its name, or by the file of a mapping (``bank.yaml``); raises UsageError."""
    if name in FORMATS:
        return FORMATS[name]
    if name.endswith((".yaml", ".yml")):
        return table("a table of one's own", read_mapping(Path(name)))
    raise UsageError(f"--format {name}: write one of {', '.join(FORMATS)}, or the file of a mapping that ends in .yaml")


def read_all(files: Iterable[LineFile]) -> Iterator[bytes]:
    """Give the lines of all files, one file after the other."""
    for file in files:
        yield from file.lines()


def _paths(name: str, suffixes: tuple[str, ...]) -> list[Path | None]:
    path = Path(name)
    if name == "-":
        return [None]
    if path.is_file():
        return [path]
    if not path.is_dir():
        message = f"{name}: no such file or folder"
        raise UsageError(message)
    inside = sorted(
        each for each in path.iterdir() if each.name.lower().endswith((*suffixes, *XML)) and not _aside(each)
    )
    if not inside:
        message = f"{name}: no event files in this folder; expected names ending in {', '.join((*suffixes, *XML))}"
        raise UsageError(message)
    return list(inside)


def _aside(path: Path) -> bool:
    """Tell files that stand beside events but hold none: truth for scoring."""
    return path.name.startswith(("scenarios.", "instances.", "labels.")) or ".instances." in path.name


def _unzipped(raw: IO[bytes], path: Path | None) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if path is not None and path.suffix == ".gz" else raw


def _spooled() -> IO[bytes]:
    """Put standard input where it can be read twice, as XML is."""
    kept = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_MAX))  # noqa: SIM115  the caller closes it
    shutil.copyfileobj(sys.stdin.buffer, kept)
    kept.seek(0)
    return kept
