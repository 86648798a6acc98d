"""``payweir run``: the embedded run over files."""

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from streams.agents.wall import now_ms
from streams.cli.records import show_undecided, undecided_data
from streams.cli.rulefiles import loaded, placed, show_as_json
from streams.cli.showing import plain, screen, zoned
from streams.detection.check import check_files
from streams.detection.program import Programs, compile_ruleset
from streams.errors import RuleError
from streams.legs import Terms
from streams.replay.collector import quiet_collector
from streams.replay.files import open_inputs
from streams.replay.formats import FORMATS
from streams.replay.run import RunPlan, Summary, run_files
from streams.store import DEFAULT_STORE_URL
from streams.store.writer import open_store

console = Console(stderr=True)


app = typer.Typer()
"""Mounted by the command line as a whole; holds the one command."""


@app.command()
def run(
    inputs: Annotated[
        list[str], typer.Option("--input", help="File, folder, or - for standard input; may be repeated.")
    ],
    *,
    rules: Annotated[Path, typer.Option(help="Folder with rules and lists.")] = Path("rules"),
    store: Annotated[str, typer.Option(help="Where alerts go: an SQLAlchemy URL.")] = DEFAULT_STORE_URL,
    format_: Annotated[
        str,
        typer.Option("--format", help=f"{', '.join(FORMATS)}, or a mapping (.yaml); XML is always read as iso20022."),
    ] = "payweir",
    partitions: Annotated[int, typer.Option(min=1, max=256, help="Partitions of the in-process log.")] = 1,
    shadow_until: Annotated[
        str | None,
        typer.Option("--shadow-until", help="Event time, with a zone, before which alerts are shadow alerts: history."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, without a progress bar.")] = False,
) -> None:
    """Run events from files through the whole pipeline, without Kafka; alerts go to SQL.

    Example: payweir run --input stream/ --rules rules/ --store sqlite:///alerts.db
    """
    programs = load_programs(rules, json=json)
    terms = Terms(shadow_until=zoned("--shadow-until", shadow_until) if shadow_until is not None else 0)
    files = open_inputs(inputs, format_)
    with quiet_collector(), open_store(store) as target, progress_bar(disable=json) as progress:
        task = progress.add_task("reading", total=sum(file.size for file in files) or None, records=0)
        plan = RunPlan(
            programs, target.write, lambda done, found: progress.update(task, completed=done, records=found), now_ms(),
            partitions, terms,
        )  # fmt: skip
        summary = run_files(files, plan)
    if json:
        print(jsonlib.dumps(as_data(summary), indent=1))
    else:
        show(summary, store)


def load_programs(folder: Path, *, json: bool = False) -> Programs:
    """Check and compile a folder of rules; raises RuleError with every fault, and with ``json`` prints them too."""
    ruleset, findings = check_files(loaded(folder, json=json))
    if ruleset is None:
        if json:
            show_as_json(folder, findings.errors)
        faults = [placed(folder, str(one)) for one in findings.errors]
        raise RuleError("\n".join([f"{folder}: the rules have errors:", *faults]))
    return compile_ruleset(ruleset)


def progress_bar(*, disable: bool) -> Progress:
    """Show how far files are read, and the time left, on standard error."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[records]:,} records"), TimeElapsedColumn(),
        TimeRemainingColumn(), console=console, disable=disable,
    )  # fmt: skip


def as_data(summary: Summary) -> dict[str, object]:
    """Give the summary for machines."""
    return {
        "found": summary.found,
        "accepted": summary.total("accepted"),
        "late": summary.total("late"),
        "duplicate": summary.total("duplicate"),
        "conflict": summary.total("conflict"),
        "refused": dict(summary.refused),
        "adds_up": summary.adds_up,
        "alerts": {rule: dict(states) for rule, states in summary.by_rule.items()},
        "undecided": undecided_data(summary),
    }


def show(summary: Summary, store: str) -> None:
    """Print the summary for people."""
    out = screen()
    records = Table(title="Records", title_justify="left", show_header=False)
    for name, value in (
        ("found", summary.found),
        ("accepted", summary.total("accepted")),
        ("  of which late", summary.total("late")),
        ("duplicate", summary.total("duplicate")),
        ("  of which conflict", summary.total("conflict")),
        ("refused", summary.refused.total()),
        *((f"  {name}", count) for name, count in summary.refused.most_common()),
    ):
        records.add_row(name, f"{value:,}")
    out.print(records)
    out.print("every record is accounted for" if summary.adds_up else "[red]the counts do not add up[/red]")
    alerts = Table("rule", "standing", "withdrawn", "provisional", "held back", title="Alerts", title_justify="left")
    for rule, states in summary.by_rule.items():
        alerts.add_row(rule, *(f"{states[state]:,}" for state in ("standing", "withdrawn", "provisional", "held")))
    out.print(alerts)
    show_undecided(summary, out)
    out.print(plain(f"alerts are in {store}: payweir alerts list --store {store}"), soft_wrap=True)
