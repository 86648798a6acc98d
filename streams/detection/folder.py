"""A folder of rule files as text; the only place of this package that touches the file system, and only when called."""

from pathlib import Path
from typing import Final

from streams.errors import UsageError

SUFFIXES: Final = frozenset({".yaml", ".yml"})


def load_folder(path: Path) -> dict[str, str]:
    """Read all rule and list files below ``path``, or the one file it names, by name relative to it.

    Names are part of a ruleset's digest, so they do not depend on where the folder stands. Hidden files and folders are left
    out. Raises UsageError when there is no such path or a file cannot be read; an empty folder gives an empty set.
    """
    if path.is_file():
        return {path.name: _text(path)}
    if not path.is_dir():
        raise UsageError(f"{path}: no such file or folder; give the folder with the rule files")
    files = {}
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path)
        hidden = any(part.startswith(".") for part in name.parts)
        if file.suffix.lower() in SUFFIXES and not hidden and file.is_file():
            files[name.as_posix()] = _text(file)
    return files


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
