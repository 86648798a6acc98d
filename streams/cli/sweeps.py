"""``payweir rules backtest --sweep``: a limit tried at several values, as table, JSON and a page with curves."""

import os
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from streams.agents.wall import now_ms
from streams.cli.records import refuse_if_nothing_was_read
from streams.cli.rulefiles import checked, write_report
from streams.cli.run import progress_bar
from streams.cli.showing import as_json, plain, screen
from streams.errors import UsageError
from streams.replay.backtest import ALWAYS, BacktestPlan, backtest, read_period
from streams.replay.charts import Series, curve
from streams.replay.collector import quiet_collector
from streams.replay.files import open_inputs
from streams.replay.pages import Block, Drawing, Grid, Heading, Paragraph, as_html
from streams.replay.processes import Link, in_processes
from streams.replay.sweep import Point, Sweep, point, read_sweep, with_value
from streams.replay.truth import read_truth


class Trial(NamedTuple):
    """What to try it on; travels to the processes that do."""

    inputs: list[str]
    format: str
    rules: Path
    period: str | None
    labels: Path | None


class Wanted(NamedTuple):
    """What to try, and what to say of it."""

    sweep: str
    steps: int
    processes: int | None
    html: Path | None
    json: bool


def sweep_command(trial: Trial, wanted: Wanted) -> None:
    """Run one backtest for each value, several at once, and show what came of them."""
    if "-" in trial.inputs:
        raise UsageError("--input -: standard input cannot be read twice; put it into a file")
    sweep = read_sweep(wanted.sweep, wanted.steps, checked(trial.rules, json=wanted.json))
    sizes = sum(file.size for file in open_inputs(trial.inputs, trial.format))
    with progress_bar(disable=wanted.json) as progress:
        task = progress.add_task("trying", total=sizes * len(sweep.values) or None, records=len(sweep.values))
        points = in_processes(
            [partial(_try, trial, sweep, value) for value in sweep.values],
            wanted.processes or len(os.sched_getaffinity(0)), lambda done, _: progress.update(task, completed=done),
        )  # fmt: skip
    if wanted.html is not None:
        write_report(wanted.html, _page(sweep, points))
    if wanted.json:
        data = {"rule": sweep.rule_id, "param": sweep.param, "currency": sweep.currency}
        print(as_json({**data, "points": [each._asdict() for each in points]}))
        return
    _show(sweep, points)
    if wanted.html is not None:
        print(f"{wanted.html} is written")


def _try(trial: Trial, sweep: Sweep, value: int, link: Link) -> Point:
    """Run one backtest; in a process of its own."""
    truth = read_truth(trial.labels) if trial.labels is not None else None
    wanted = frozenset(event_id for scenario in truth or () for event_id in scenario.event_ids)
    period = read_period(trial.period) if trial.period is not None else ALWAYS
    programs = with_value(checked(trial.rules), sweep, value)
    plan = BacktestPlan(programs, link.tell, now_ms(), period, wanted)
    with quiet_collector():
        run = backtest(open_inputs(trial.inputs, trial.format), plan)
    refuse_if_nothing_was_read(run.summary, trial.format)
    return point(run, truth, sweep, value)


def _cells(each: Point) -> tuple[str, ...]:
    shares = ("" if share is None else f"{share:.0%}" for share in (each.precision, each.recall))
    return (each.value, f"{each.alerts:,}", f"{each.per_10000:.2f}", f"{each.silenced:,}", *shares)


def _heads(sweep: Sweep) -> tuple[str, ...]:
    return (sweep.param, "Alerts", "Per 10,000", "Held back", "Precision", "Recall")


def _show(sweep: Sweep, points: list[Point]) -> None:
    table = Table(*_heads(sweep), title=f"{sweep.rule_id}: {sweep.param} tried", title_justify="left")
    for each in points:
        table.add_row(*(plain(cell) for cell in _cells(each)))
    screen().print(table)


def _page(sweep: Sweep, points: list[Point]) -> str:
    """Give the page: the curves, and the numbers they are drawn from."""
    title = f"{sweep.rule_id}: what {sweep.param} would do"
    labels = [each.value for each in points]
    drawings = [Drawing(curve("Alerts", labels, [Series("alerts", [each.alerts for each in points])]))]
    if any(each.recall is not None for each in points):
        shares = [
            Series("recall, %", [round(100 * (each.recall or 0)) for each in points]),
            Series("precision, %", [round(100 * (each.precision or 0)) for each in points]),
        ]
        drawings.append(Drawing(curve("Recall and precision", labels, shares)))
    said = "Each value was tried on the same events by the engine of production; the rule stands alone, with those it counts on."
    blocks: list[Block] = [
        Heading(1, title),
        Paragraph(said),
        *drawings,
        Grid(_heads(sweep), [_cells(each) for each in points]),
    ]
    return as_html(title, blocks)
