"""``payweir demo``: a labelled stream through the embedded pipeline, in one command on a fresh machine."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from streams.agents.wall import now_ms
from streams.cli.run import load_programs, show
from streams.cli.score import alerts_in, payments_in, show_score
from streams.cli.showing import plain, screen
from streams.errors import UsageError
from streams.replay.collector import quiet_collector
from streams.replay.files import open_inputs
from streams.replay.generator import SCENARIOS, GeneratorSettings, generate
from streams.replay.run import RunPlan, run_files
from streams.replay.score import score
from streams.replay.truth import read_scenarios
from streams.store.reader import AlertFilter, AlertLine, list_alerts
from streams.store.writer import open_store

_SHOWN = 2
_ALERTS_MAX = 100_000


app = typer.Typer()
"""Mounted by the command line as a whole; holds the one command."""


@app.command()
def demo(
    *,
    events: Annotated[int, typer.Option(min=10_000, help="Events to generate.")] = 60_000,
    seed: Annotated[int, typer.Option(help="Seed of the stream.")] = 7,
    days: Annotated[int, typer.Option(help="Days of event time; 30 and more have every kind of fraud.")] = 7,
    accounts: Annotated[
        int | None,
        typer.Option(help="Accounts of ordinary traffic.", show_default="so many that each sees three events a day"),
    ] = None,
    disorder: Annotated[float, typer.Option(help="Share of events that arrive seconds to two hours late.")] = 0.05,
    duplicates: Annotated[float, typer.Option(help="Share of events that are delivered twice.")] = 0.0,
    out: Annotated[
        Path | None, typer.Option(help="Keep stream and store in this folder.", show_default="a temporary one")
    ] = None,
    rules: Annotated[Path, typer.Option(help="Folder with rules and lists.")] = Path("rules"),
) -> None:
    """Generate a labelled stream, run it through the whole pipeline, print alerts with reasons and a score.

    Example: payweir demo --events 500000 --days 35 --accounts 20000 --seed 41
    """
    began = time.monotonic()
    if not rules.is_dir():
        message = f"{rules}: no such folder; run the demo in the project's folder or give --rules"
        raise UsageError(message)
    with tempfile.TemporaryDirectory(prefix="payweir-demo-") as scratch:
        folder = out if out is not None else Path(scratch)
        settings = GeneratorSettings(
            seed=seed, events=events, days=days, accounts=accounts, disorder=disorder, duplicates=duplicates
        )
        _run(settings, folder, rules)
    screen().print(f"\ndemo took {time.monotonic() - began:.1f} s")


def _run(settings: GeneratorSettings, folder: Path, rules: Path) -> None:
    console = screen()
    stream = folder / "stream"
    with console.status(f"generating {settings.events:,} events (seed {settings.seed})"):
        generate(settings, stream)
    mine = folder / "rules"
    shutil.copytree(rules, mine, dirs_exist_ok=True)
    shutil.copytree(stream / "lists", mine / "lists", dirs_exist_ok=True)
    url = f"sqlite:///{folder / 'payweir.db'}"
    (folder / "payweir.db").unlink(missing_ok=True)
    programs = load_programs(mine)
    with open_store(url) as store:
        with quiet_collector(), console.status("running the pipeline"):
            plan = RunPlan(programs, store.write, lambda _done, _found: None, now_ms())
            summary = run_files(open_inputs([str(stream)]), plan)
        show(summary, url)
        _alerts(console, list_alerts(store, AlertFilter(limit=_ALERTS_MAX)))
        show_score(console, score(read_scenarios(stream / SCENARIOS), alerts_in(store)), payments_in(store))


def _alerts(console: Console, alerts: list[AlertLine]) -> None:
    """Print a few alerts of each rule."""
    table = Table(
        "rule", "severity", "subject", "reason", title="Some alerts, with their reasons", title_justify="left"
    )
    shown: dict[str, int] = {}
    for alert in alerts:
        shown[alert.rule_id] = shown.get(alert.rule_id, 0) + 1
        if shown[alert.rule_id] <= _SHOWN:
            cells = (alert.rule_id, alert.severity, f"{alert.subject_kind} {alert.subject[:12]}", alert.reason)
            table.add_row(*map(plain, cells))
    console.print(table)
