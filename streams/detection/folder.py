"""The files of a ruleset from a folder."""

from pathlib import Path

from streams.errors import UsageError


def load_folder(path: Path) -> dict[str, str]:
    """Give name (relative to the folder) and text of every .yaml and .yml file; a single file is a set of one.

    Raises UsageError when nothing is there or a file is not UTF-8.
    """
    if path.is_file():
        return {path.name: _read(path)}
    if not path.is_dir():
        message = f"{path}: no such file or folder; give a folder with rules"
        raise UsageError(message)
    found = sorted(each for each in path.rglob("*") if each.suffix in {".yaml", ".yml"} and each.is_file())
    return {each.relative_to(path).as_posix(): _read(each) for each in found}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        message = f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8"
        raise UsageError(message) from None
