"""Rule files on the command line: reading a set, and saying what is wrong with it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from streams.detection.check import check_files
from streams.detection.findings import Finding, Severity
from streams.detection.folder import load_folder
from streams.detection.rule import Ruleset
from streams.errors import RuleError, UsageError
from streams.replay.notation import read_events

PathArgument = Annotated[Path, typer.Argument(help="Folder with the rule files, or one file.")]
DIGEST_SHOWN: Final = 12


def checked(path: Path, consequence: str = "", *, json: bool = False) -> Ruleset:
    """Give the set, or print every fault to standard error (as JSON: to standard output) and raise RuleError or UsageError."""
    ruleset, findings = check_files(loaded(path, json=json), read_events)
    if ruleset is None:
        if json:
            show_as_json(path, findings)
        else:
            show_findings(path, findings, to_errors=True)
        raise RuleError(f"{path}: {len(findings.errors)} errors in the rule files{consequence}")
    return ruleset


def loaded(path: Path, *, json: bool = False) -> dict[str, str]:
    """Give the texts of a set; raises UsageError for what cannot be read, and says it on standard output too if as JSON."""
    try:
        return load_folder(path)
    except UsageError as error:
        if json:
            place, _, message = str(error).partition(": ")
            row = {"file": place, "line": 1, "column": 1, "severity": "error", "message": message, "advice": ""}
            typer.echo(msgspec.json.encode({"ok": False, "findings": [row]}).decode())
        raise


def show_as_json(path: Path, findings: Sequence[Finding]) -> None:
    """Print what is wrong with a set for machines, as ``rules check --json`` does."""
    rows = [finding_data(path, one) for one in sorted(findings)]
    typer.echo(msgspec.json.encode({"ok": False, "findings": rows}).decode())


def show_findings(path: Path, findings: Sequence[Finding], *, to_errors: bool = False) -> None:
    """Print one line for each finding, in the order of files and lines."""
    for one in sorted(findings):
        typer.echo(placed(path, str(one)), err=to_errors)


def placed(path: Path, text: str) -> str:
    """Put the folder before a place, so that an editor finds the file."""
    folder = path.parent if path.is_file() else path
    return str(folder / text) if text and not text.startswith("-") else text


def finding_data(path: Path, one: Finding) -> dict[str, str | int]:
    """Give a finding for machines."""
    return {
        "file": placed(path, one.spot.file), "line": one.spot.line, "column": one.spot.column,
        "severity": Severity(one.severity).value, "message": one.message, "advice": one.advice,
    }  # fmt: skip


def can_be_written(*files: Path | None) -> None:
    """Raise UsageError when a report could not be written there; asked before the work, which would be lost. Leaves no file."""
    for file in files:
        if file is None or (file.exists() and not file.is_file() and not file.is_dir()):
            continue  # a pipe or a terminal, whose opening would wait
        there = file.exists()
        try:
            file.open("ab").close()
            if not there:
                file.unlink()
        except OSError as error:
            raise UsageError(f"{file}: cannot be written: {error.strerror}") from None


def write_report(path: Path, text: str) -> None:
    """Write a file for people or machines; raises UsageError when that cannot be done."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
