"""``payweir produce``: feed files of events or ISO 20022 messages into the source topics."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from streams.agents.feeding import Fed, Feed, feed, wait_for_intake
from streams.agents.publishing import end_history
from streams.cli.showing import screen
from streams.cli.topics import BootstrapOption, JsonOption
from streams.errors import ServiceError
from streams.replay.files import LineFile, open_inputs, read_all
from streams.replay.formats import FORMATS
from streams.settings import Settings, load_settings

app = typer.Typer()
"""Mounted by the command line as a whole; holds the one command."""


@app.command()
def produce(
    files: Annotated[list[str], typer.Argument(help="Files, folders, or - for standard input.")],
    *,
    bootstrap: BootstrapOption = None,
    rate: Annotated[float, typer.Option(min=0, help="Records a second.", show_default="as fast as it goes")] = 0,
    repeat: Annotated[int, typer.Option(min=1, max=100, help="Send every record so many times.")] = 1,
    round_robin: Annotated[
        bool, typer.Option("--round-robin", help="Spread over the partitions instead of by payer or id.")
    ] = False,
    end: Annotated[bool, typer.Option("--end", help="Then say that history has ended: what is due fires.")] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="With --end: first wait so many seconds for intake to have read everything.")
    ] = 0,
    format_: Annotated[
        str,
        typer.Option("--format", help=f"{', '.join(FORMATS)}, or a mapping (.yaml); XML is always read as iso20022."),
    ] = "payweir",
    json: JsonOption = False,
) -> None:
    """Feed events into the topics of their types; what is no event goes to payments, where intake refuses it by name.

    Messages of ISO 20022 are turned into events on the way; a transaction that cannot be read is sent on as a refusal.

    Sending a file again is harmless: a repeated event is counted as such and changes nothing.

    Example: payweir produce stream/payments.jsonl stream/settlements.jsonl --bootstrap kafka-1:9092 --rate 500
    """
    settings = load_settings({"bootstrap": bootstrap})
    found = open_inputs(files, format_)
    how = Feed(repeat=repeat, rate=rate, spread=round_robin)
    console = screen()
    fed = feed(settings, read_all(found), how) if json else _with_progress(settings, found, how, console)
    told = _end(settings, wait) if end else 0
    if json:
        typer.echo(msgspec.json.encode(msgspec.to_builtins(fed) | {"ended_partitions": told}).decode())
        return
    console.print(_table(fed))
    if told:
        typer.echo(f"The end of history is written to {told} partitions.")


def _end(settings: Settings, wait: float) -> int:
    behind = wait_for_intake(settings, wait) if wait else []
    if behind:
        few = ", ".join(behind[:4]) + (f" and {len(behind) - 4} more" if len(behind) > 4 else "")  # noqa: PLR2004
        raise ServiceError(f"intake has not read {few} within {wait:g} s; the end of history was not written")
    return end_history(settings)


def _with_progress(settings: Settings, files: list[LineFile], how: Feed, console: Console) -> Fed:
    bar = Progress(
        TextColumn("producing"), BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console, transient=True
    )
    with bar:
        task = bar.add_task("bytes", total=sum(file.size for file in files))
        return feed(
            settings,
            read_all(files),
            how,
            lambda _size: bar.update(task, completed=sum(each.place() for each in files)),
        )


def _table(fed: Fed) -> Table:
    table = Table("Topic", title="Fed and acknowledged", title_justify="left")
    table.add_column("Records", justify="right")
    for topic, count in fed.records.items():
        table.add_row(topic, f"{count:,}")
    table.add_row("together", f"{sum(fed.records.values()):,}")
    table.add_row("lines that are no known event", f"{fed.unreadable:,}")
    for name, count in fed.refused.items():
        table.add_row(f"refused in reading: {name}", f"{count:,}")
    table.add_row("seconds", f"{fed.seconds:.1f}")
    return table
