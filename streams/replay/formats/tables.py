"""Rows of CSV and Parquet as lists of text, in bounded memory.

One line is one row: a quote that is not closed spoils its own line and no other.
"""

import csv
import gzip
import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from streams.errors import UsageError
from streams.events.codec import BYTES_MAX
from streams.events.refusals import Refusal, Refused
from streams.replay.formats.mapping import Layout

Row = tuple[int, list[str] | Refused]
"""Line number (of a Parquet file, row number), and its cells, or why there are none."""
SEPARATORS: Final = (",", ";", "\t", "|")
_MAGIC: Final = b"PAR1"
_BOM: Final = b"\xef\xbb\xbf"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_MANY: Final = 1_000


def read_table(stream: IO[bytes], name: str, layout: Layout) -> tuple[list[str], Iterator[Row]]:
    """Give header and rows of CSV or Parquet, told apart by the first bytes. Raises ``UsageError`` for what has no header."""
    head = _head(stream)
    if head.startswith(_MAGIC):
        return _parquet(stream, name)
    if head.startswith(_UTF16):
        raise UsageError(f"{name}:1: the file is UTF-16; write it as UTF-8: iconv -f UTF-16 -t UTF-8")
    lines = read_lines(stream)
    _, first = next(lines, (1, b""))
    header_line = first.removeprefix(_BOM) if isinstance(first, bytes) else b""
    if not header_line.strip():
        raise UsageError(f"{name}:1: no header; the first line names the columns")
    try:
        text = header_line.decode(layout.encoding)
        separator = layout.separator or max(SEPARATORS, key=text.count)
        header = _cells(text, separator)
    except UnicodeDecodeError:
        raise UsageError(f"{name}:1: the header is not {layout.encoding}; name the encoding in a mapping") from None
    except LookupError:
        raise UsageError(f"{name}: {layout.encoding!r} is no encoding that is known") from None
    except Refused as refused:
        raise UsageError(f"{name}:1: {refused.detail}") from None
    return _named_apart(header), _csv_rows(lines, separator, layout.encoding)


def read_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes | Refused]]:
    """Give the lines that are not empty, with their numbers; one that is too long is skipped to its end and refused."""
    number = 0
    while line := stream.readline(BYTES_MAX + 1):
        number += 1
        if len(line) <= BYTES_MAX or line.endswith(b"\n"):
            stripped = line.rstrip(b"\r\n")
            if stripped:
                yield number, stripped
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(BYTES_MAX)
        yield number, Refused(Refusal.TOO_LARGE, "", f"a line is at most {BYTES_MAX} bytes")


def _head(stream: IO[bytes]) -> bytes:
    if isinstance(stream, (io.BufferedReader, gzip.GzipFile)):
        return stream.peek(4)[:4]
    head = stream.read(4)
    stream.seek(0)
    return head


def _csv_rows(lines: Iterator[tuple[int, bytes | Refused]], separator: str, encoding: str) -> Iterator[Row]:
    wrong = Refusal.NOT_UTF8 if encoding.lower().replace("-", "") == "utf8" else Refusal.UNKNOWN_ENCODING
    for number, line in lines:
        try:
            yield number, line if isinstance(line, Refused) else _cells(line.decode(encoding), separator)
        except UnicodeDecodeError as error:
            yield number, Refused(wrong, "", f"byte {error.start + 1} of the line is not {encoding}")
        except Refused as refused:
            yield number, refused


def _cells(line: str, separator: str) -> list[str]:
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader((line,), delimiter=separator, strict=True))
    except (csv.Error, StopIteration):
        raise Refused(Refusal.WRONG_TYPE, "", "quotes do not match within the line") from None


def _named_apart(header: list[str]) -> list[str]:
    """Name a second column of one name ``Account.1``, as data tools do."""
    seen: dict[str, int] = {}
    names = []
    for each in header:
        name = each.strip()
        count = seen[name] = seen.get(name, -1) + 1
        names.append(f"{name}.{count}" if count else name)
    return names


def _parquet(stream: IO[bytes], name: str) -> tuple[list[str], Iterator[Row]]:
    """DuckDB reads Parquet row group by row group and writes each value as text without loss (a float in its shortest form)."""
    try:
        import duckdb  # noqa: PLC0415  an extra: only who reads Parquet needs it
    except ImportError:
        raise UsageError(f'{name}: to read Parquet, install the extra: pip install "payweir[parquet]"') from None
    kept: IO[bytes] | None = None
    path = str(getattr(stream, "name", ""))
    if not Path(path).is_file():
        kept = tempfile.NamedTemporaryFile(suffix=".parquet")  # noqa: SIM115  closed when the rows are read
        shutil.copyfileobj(stream, kept)
        kept.flush()
        path = kept.name
    base = duckdb.connect(config={"threads": 1, "memory_limit": "512MB"})
    try:
        result = base.execute("select columns(*)::varchar from read_parquet($1)", [path])
        header = [column[0] for column in result.description or ()]
    except duckdb.Error as error:
        base.close()
        raise UsageError(f"{name}: not a Parquet file that can be read: {str(error).splitlines()[0]}") from None

    def rows() -> Iterator[Row]:
        number = 0
        try:
            while many := result.fetchmany(_MANY):
                for row in many:
                    number += 1
                    yield number, ["" if cell is None else cell for cell in row]
        except duckdb.Error as error:
            raise UsageError(f"{name}: row {number + 1} cannot be read: {str(error).splitlines()[0]}") from None
        finally:
            base.close()
            if kept is not None:
                kept.close()

    return _named_apart(header), rows()
