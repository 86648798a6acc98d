"""``payweir dead-letters``: look at refused records, feed them again."""

import sys
from base64 import b64encode
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.box import SIMPLE
from rich.table import Table

from streams.agents.deadletters import Letters, Place, Retried, parse_place, read, retry
from streams.agents.wall import now_ms
from streams.cli.alerts import JsonOption, StoreOption
from streams.cli.showing import as_json, as_time, moment, plain, screen
from streams.cli.topics import BootstrapOption
from streams.errors import UsageError
from streams.settings import load_settings
from streams.store import open_store
from streams.store.letters import LetterFilter, LetterLine, list_letters

app = typer.Typer(help="Refused records: list them, look at one, feed them again.", no_args_is_help=True)

SourceOption = Annotated[
    str | None, typer.Option(help="Only of this source: a topic, or topic/partition.", metavar="SOURCE")
]
RefusalOption = Annotated[str | None, typer.Option(help="Only with this refusal.", metavar="NAME")]
SinceOption = Annotated[
    str | None, typer.Option(help="Only since then: 24h, 7d, 2026-03-01 or 2026-03-01T08:30Z.", metavar="TIME")
]
_RETRY_MAX: Final = 100_000
_SAID: Final = {
    "fed": "fed again",
    "before": "was fed again before; nothing was sent",
    "cut": "is longer than what is kept of it; feed it again with --file",
}


@app.command("list")
def list_command(
    *,
    store: StoreOption,
    source: SourceOption = None,
    refusal: RefusalOption = None,
    since: SinceOption = None,
    open_: Annotated[bool, typer.Option("--open", help="Only those that were not fed again.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 50,
    json: JsonOption = False,
) -> None:
    """List refused records, masked, the newest first.

    Example: payweir dead-letters list --source payments --refusal unknown_currency --since 24h
    """
    wanted = _filter(source, refusal, since, open_only=open_, limit=limit)
    with open_store(store, create=False) as opened:
        lines = list_letters(opened, wanted)
    if json:
        typer.echo(as_json(lines))
    elif lines:
        screen().print(_table(lines))
    else:
        typer.echo("No dead letters of that kind.")


@app.command("show")
def show_command(
    place: Annotated[str, typer.Argument(help="Where it stood: topic/partition/offset.")],
    *,
    store: StoreOption,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="The bytes as they came, accounts and all, from Kafka; nothing else is printed."),
    ] = False,
    bootstrap: BootstrapOption = None,
    json: JsonOption = False,
) -> None:
    """Show one refused record: why, and its beginning with letters and digits masked.

    Example: payweir dead-letters show payments/0/123 --raw > mended.json
    """
    if raw:
        _show_raw(parse_place(place), bootstrap, json=json)
        return
    with open_store(store, create=False) as opened:
        lines = list_letters(opened, _one(place))
    if not lines:
        message = f"there is no dead letter {place} in this store; see: payweir dead-letters list"
        raise UsageError(message)
    if json:
        typer.echo(as_json(lines[0]))
    else:
        screen().print(_detail(lines[0]))


@app.command("retry")
def retry_command(
    places: Annotated[list[str] | None, typer.Argument(help="Places, topic/partition/offset.")] = None,
    *,
    file: Annotated[
        Path | None,
        typer.Option(help="Feed the bytes of this file instead, for one place.", exists=True, dir_okay=False),
    ] = None,
    source: SourceOption = None,
    refusal: RefusalOption = None,
    since: SinceOption = None,
    store: StoreOption,
    bootstrap: BootstrapOption = None,
    json: JsonOption = False,
) -> None:
    """Feed refused records again, each at most once: twice is harmless. Exit code 1 when one could not be fed.

    Give places, or a choice by source, refusal and time, which is looked up in the store. A copy goes to the end of the
    source partition it came from and is never late. Refused again, it is a new dead letter with a place of its own.

    Example: payweir dead-letters retry payments/0/123 --file mended.json --bootstrap kafka-1:9092
    """
    chosen = [parse_place(one) for one in dict.fromkeys(places or ())]
    if bool(chosen) == bool(source or refusal or since):
        message = "give places, or --source, --refusal or --since, and not both"
        raise UsageError(message)
    if file is not None and len(chosen) != 1:
        message = "--file mends one record; give its place, and no other"
        raise UsageError(message)
    if not chosen:
        wanted = _filter(source, refusal, since, open_only=True, limit=_RETRY_MAX)
        with open_store(store, create=False) as opened:
            found = list_letters(opened, wanted)
        chosen = [Place(one.source_topic, one.source_partition, one.source_offset) for one in found]
    settings = load_settings({"bootstrap": bootstrap})
    told = retry(settings, sorted(chosen), file.read_bytes() if file is not None else None, now_ms()) if chosen else []
    if json:
        typer.echo(as_json(told))
    else:
        _tell(told)
    if any(one.result == "cut" for one in told):
        raise typer.Exit(1)


def _filter(source: str | None, refusal: str | None, since: str | None, *, open_only: bool, limit: int) -> LetterFilter:
    topic, _, partition = (source or "").partition("/")
    if partition and not partition.isdecimal():
        message = f"--source {source!r}: write a topic, or topic/partition, for example payments/0"
        raise UsageError(message)
    return LetterFilter(
        topic or None, int(partition) if partition else None, None, refusal, None if since is None else moment(since),
        open_only, limit,
    )  # fmt: skip


def _one(place: str) -> LetterFilter:
    """Look for one letter; a source may be a file, whose name may hold anything."""
    source, _, offset = place.rpartition("/")
    topic, _, partition = source.rpartition("/")
    if not (topic and partition.isdecimal() and offset.isdecimal()):
        message = f"{place!r} is no place of a dead letter; write topic/partition/offset, for example payments/0/123"
        raise UsageError(message)
    return LetterFilter(topic, int(partition), int(offset))


def _show_raw(place: Place, bootstrap: str | None, *, json: bool) -> None:
    letters: Letters = read(load_settings({"bootstrap": bootstrap}), [place])
    if place not in letters.raw:
        message = f"{place} is not in the topic dead-letters: it was accepted, or refused longer ago than they are kept"
        raise UsageError(message)
    value = letters.raw[place]
    if json:
        encoded = None if value is None else b64encode(value).decode()
        typer.echo(msgspec.json.encode({"place": str(place), "raw_base64": encoded}).decode())
    else:
        sys.stdout.buffer.write(value or b"")


def _table(lines: list[LetterLine]) -> Table:
    table = Table(box=SIMPLE)
    for name in ("Place", "In Kafka (UTC)", "Refusal", "What", "Fed again (UTC)"):
        table.add_column(name, no_wrap=name == "Place")
    for one in lines:
        what = f"{one.field}: {one.detail}" if one.field else one.detail
        table.add_row(plain(one.place), as_time(one.kafka_time), plain(one.refusal), plain(what), _retried(one))
    return table


def _detail(one: LetterLine) -> Table:
    table = Table(box=SIMPLE, show_header=False)
    for name, value in (
        ("Place", one.place), ("Refusal", one.refusal), ("Field", one.field), ("What is wrong", one.detail),
        ("Bytes", str(one.bytes_total)), ("In Kafka (UTC)", as_time(one.kafka_time)), ("Fed again", _retried(one)),
        ("Begins, masked", one.masked),
    ):  # fmt: skip
        table.add_row(name, plain(value))
    return table


def _retried(one: LetterLine) -> str:
    if one.retried_at is None:
        return ""
    return f"{as_time(one.retried_at)}, offset {one.retried_offset}{', mended' if one.mended else ''}"


def _tell(told: list[Retried]) -> None:
    for one in told:
        where = "" if one.offset is None else f" (offset {one.offset}, {as_time(one.at)} UTC)"
        typer.echo(f"{one.place} {_SAID[one.result]}{where}")
    if not told:
        typer.echo("No dead letters of that kind.")
