"""``payweir convert``: files that users already have, as our own JSON Lines."""

import hmac
import json as jsonlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from streams.agents.wall import now_ms
from streams.cli.showing import plain, screen
from streams.errors import UsageError
from streams.replay.convert import Converted, Targets
from streams.replay.convert import convert as convert_files
from streams.replay.files import LineFile, open_inputs
from streams.replay.formats import FORMATS
from streams.replay.formats.guess import propose

_KEY_BYTES_MIN = 16

app = typer.Typer()
"""Mounted by the command line as a whole; holds the one command."""


@app.command()
def convert(
    inputs: Annotated[
        list[str] | None, typer.Argument(help="Files, folders, or - for standard input.", show_default=False)
    ] = None,
    *,
    format_: Annotated[
        str, typer.Option("--format", help=f"{', '.join(FORMATS)}, or the file of a mapping (.yaml).")
    ] = "payweir",
    to: Annotated[
        Path | None, typer.Option(help="JSON Lines to write; refused lines go beside it.", show_default=False)
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="CSV to write the labels of the file to.", show_default="not written")
    ] = None,
    token_key: Annotated[
        Path | None,
        typer.Option(help="File with a secret key: accounts are written as keyed tokens.", show_default="as they are"),
    ] = None,
    guess: Annotated[
        bool, typer.Option("--guess", help="Print a mapping proposed from header and first rows.")
    ] = False,
    formats: Annotated[bool, typer.Option("--formats", help="List the formats.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, without a progress bar.")] = False,
) -> None:
    """Write files of other formats as our own events; what is refused stands with line and reason in TO.refused.jsonl.

    Example: payweir convert HI-Small_Trans.csv --format amlworld --to world.jsonl --labels world.labels.csv

    Example: payweir convert bank.csv --guess > bank.yaml; payweir convert bank.csv --format bank.yaml --to bank.jsonl
    """
    if formats:
        for name, known in FORMATS.items():
            print(f"{name:12}{known.help}")
        return
    if not inputs:
        raise UsageError("name the files to convert; payweir convert --help shows an example")
    if guess:
        print(_guessed(inputs), end="")
        return
    if to is None:
        raise UsageError("name the file to write with --to, or ask for a mapping with --guess")
    files = open_inputs(inputs, format_)
    console = screen()
    bar = Progress(
        TextColumn("converting"), BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console, transient=True,
        disable=json,
    )  # fmt: skip
    with bar:
        task = bar.add_task("bytes", total=sum(file.size for file in files) or None)
        done = _into(files, (to, labels), _tokens(token_key), lambda read, _found: bar.update(task, completed=read))
    if json:
        print(jsonlib.dumps(_data(done), indent=1))
    else:
        console.print(_table(done, to))


def _into(
    files: list[LineFile],
    paths: tuple[Path, Path | None],
    token: Callable[[str], str],
    progress: Callable[[int, int], None],
) -> Converted:
    to, labels = paths
    inputs = {file.path.resolve() for file in files if file.path is not None}
    refused = to.with_name(to.name.removesuffix(".jsonl") + ".refused.jsonl")
    with ExitStack() as stack:

        def opened(path: Path) -> IO[bytes]:
            if path.resolve() in inputs:
                raise UsageError(f"{path}: this is one of the files to read; write to another")
            try:
                return stack.enter_context(path.open("wb"))
            except OSError as error:
                raise UsageError(f"cannot write {path}: {error.strerror}") from None

        targets = Targets(opened(to), opened(refused), opened(labels) if labels else None, now_ms(), token)
        return convert_files(files, targets, progress)


def _tokens(key_file: Path | None) -> Callable[[str], str]:
    """Give the way from an account to its token: HMAC-SHA-256, as `schemas/README.md` says."""
    if key_file is None:
        return str
    try:
        key = key_file.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"{key_file}: cannot be read: {error.strerror}") from None
    if len(key) < _KEY_BYTES_MIN:
        raise UsageError(f"{key_file}: a key has at least {_KEY_BYTES_MIN} bytes")
    return lambda account: hmac.digest(key, account.encode(), "sha256").hex()


def _guessed(inputs: list[str]) -> str:
    if len(inputs) != 1 or not Path(inputs[0]).is_file():
        raise UsageError("--guess looks at one file")
    (file,) = open_inputs(inputs)
    return file.look(propose)


def _data(done: Converted) -> dict[str, object]:
    return {
        "found": done.found, "written": done.written, "refused": dict(done.refused), "labels": done.labels,
        "adds_up": done.adds_up,
    }  # fmt: skip


def _table(done: Converted, to: Path) -> Table:
    table = Table(title=plain(f"Converted into {to}"), title_justify="left", show_header=False)
    rows = [("found", done.found), ("written", done.written), ("refused", done.refused.total())]
    for name, count in (
        rows + [(f"  {name}", count) for name, count in done.refused.most_common()] + [("labels", done.labels)]
    ):
        table.add_row(plain(name), f"{count:,}")
    return table
