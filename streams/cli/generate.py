"""``payweir generate``: a seeded, labelled stream with hard negatives."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from streams.cli.showing import plain, screen
from streams.replay.generator import TYPOLOGIES, GeneratorSettings, Summary, start_from_text
from streams.replay.generator import generate as write_stream

_FRAUD = ", ".join(sorted(each.name for each in TYPOLOGIES if not each.hard_negative))
_NEAR_MISSES = ", ".join(sorted(each.name for each in TYPOLOGIES if each.hard_negative))

app = typer.Typer()
"""Mounted by the command line as a whole; holds the one command."""


@app.command()
def generate(
    *,
    out: Annotated[Path, typer.Option(help="Folder to write into; made if it is not there.", show_default=False)],
    seed: Annotated[int, typer.Option(help="The same seed and options give the same bytes.")] = 1,
    events: Annotated[
        int, typer.Option(help="Events to make, of all types together (a few more, to end cleanly).")
    ] = 100_000,
    accounts: Annotated[
        int | None,
        typer.Option(help="Accounts of ordinary traffic.", show_default="so many that each sees three events a day"),
    ] = None,
    days: Annotated[int, typer.Option(help="Days of event time to spread them over.")] = 7,
    start: Annotated[str, typer.Option(help="First day (UTC).")] = "2025-03-03",
    labels: Annotated[
        Path | None, typer.Option(help="Where to write the labels.", show_default="labels.csv in the folder")
    ] = None,
    per_typology: Annotated[
        int | None,
        typer.Option(help="Instances of each kind of fraud and near miss.", show_default="one per 10,000 events"),
    ] = None,
    typologies: Annotated[
        str,
        typer.Option(
            help=f"Only these, with commas between. Fraud: {_FRAUD}. Near misses: {_NEAR_MISSES}.",
            show_default="all of them",
        ),
    ] = "",
    disorder: Annotated[float, typer.Option(help="Share of events that arrive seconds to two hours late.")] = 0.05,
    duplicates: Annotated[float, typer.Option(help="Share of events that are delivered twice.")] = 0.0,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, without a progress bar.")] = False,
) -> None:
    """Make a labelled stream of payments, settlements, fraud reports and account data.

    Writes payments.jsonl, settlements.jsonl, fraud-reports.jsonl and accounts.jsonl in order of arrival, labels.csv and
    scenarios.json with the truth, and lists/licensed-psp.yaml with the pool accounts that rules should let pass.

    labels.csv gives every event of an instance its role: VICTIM, L1_MULE, L2_MULE, COLLECTOR, MERCHANT_FRONT, EXIT, or
    NORMAL in a near miss, which is an ordinary thing that comes close to a rule. payweir score reads both files.

    Example: payweir generate --seed 7 --events 100000 --typologies fraud_ring,rent_collector --out stream/
    """
    settings = GeneratorSettings(
        seed=seed,
        events=events,
        accounts=accounts,
        days=days,
        start_ms=start_from_text(start),
        disorder=disorder,
        duplicates=duplicates,
        per_typology=per_typology,
        typologies=tuple(name.strip() for name in typologies.split(",") if name.strip()),
    )
    console = screen()
    if json:
        summary = write_stream(settings, out, labels)
        console.out(msgspec.json.encode(summary).decode(), highlight=False)
        return
    summary = _with_progress(settings, out, labels, console)
    console.print(_table(summary, out))


def _with_progress(settings: GeneratorSettings, out: Path, labels: Path | None, console: Console) -> Summary:
    bar = Progress(
        TextColumn("generating"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task("events", total=settings.events)
        return write_stream(settings, out, labels, lambda made: bar.update(task, completed=made))


def _table(summary: Summary, out: Path) -> Table:
    table = Table(title=plain(f"Stream in {out}"), title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("count", justify="right")
    for name, count in summary.rows():
        table.add_row(plain(name), f"{count:,}")
    return table
