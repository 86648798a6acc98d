"""A folder of rule files as text; the only place of this package that touches the file system, and only when called."""

from pathlib import Path
from typing import Final

from streams.detection.document import BYTES_MAX
from streams.errors import UsageError

SUFFIXES: Final = frozenset({".yaml", ".yml"})
_READ_MAX: Final = 4 * BYTES_MAX
"""Bytes; the check of a document counts characters, and says it with the file's place."""


def load_folder(path: Path) -> dict[str, str]:
    """Read all rule and list files below ``path``, or the one file it names, by name relative to it.

    Names are part of a ruleset's digest, so they do not depend on where the folder stands. Hidden files and folders are left
    out. A link is followed within the folder, not out of it: faults quote what a file says. Raises UsageError when there is no
    such path, a file cannot be read or is far too large, or a link leads out; an empty folder gives an empty set.
    """
    if path.is_file():
        return {path.name: _text(path)}
    if not path.is_dir():
        raise UsageError(f"{path}: no such file or folder; give the folder with the rule files")
    files, inside = {}, path.resolve()
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path)
        hidden = any(part.startswith(".") for part in name.parts)
        if file.suffix.lower() in SUFFIXES and not hidden and file.is_file():
            if not file.resolve().is_relative_to(inside):
                raise UsageError(f"{file}: a link that leads out of {path}; put the file itself there")
            files[name.as_posix()] = _text(file)
    return files


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(_READ_MAX + 1)
        if len(raw) > _READ_MAX:
            raise UsageError(f"{file}: larger than any rule or list file; split it: one rule per file")
        return raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
