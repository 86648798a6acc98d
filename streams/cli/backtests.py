"""``payweir rules backtest`` and ``diff``: what rules say of history, and what a change of them would do."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from streams.agents.wall import now_ms
from streams.cli.activitylog import backtest_activity
from streams.cli.backtestshow import backtest_data, diff_data, show_backtest, show_diff
from streams.cli.records import refuse_if_nothing_was_read
from streams.cli.rulefiles import can_be_written, write_report
from streams.cli.run import load_programs, progress_bar
from streams.cli.showing import as_json
from streams.cli.sweeps import Trial, Wanted, sweep_command
from streams.cli.topicfiles import AppendedOption, TopicsOption, source_topics
from streams.cli.topics import BootstrapOption, JsonOption
from streams.detection.program import Programs
from streams.errors import UsageError
from streams.replay.backtest import ALWAYS, Backtest, read_period
from streams.replay.comparing import compare
from streams.replay.diffpage import TITLE, page
from streams.replay.files import open_inputs
from streams.replay.formats import FORMATS
from streams.replay.generator.story import Scenario
from streams.replay.pages import as_html
from streams.replay.rulestats import stats_of
from streams.replay.shares import Past, backtests, processes_for
from streams.replay.sweep import STEPS, STEPS_MAX
from streams.replay.truth import read_truth
from streams.settings import Settings, load_settings
from streams.store import open_store
from streams.store.reader import Decision
from streams.store.reader import decisions as decisions_in

PeriodOption = Annotated[
    str | None,
    typer.Option(
        metavar="FROM..TO",
        help="Alerts that first hit within, UTC, TO not included: 2026-03-01..2026-04-01 is March. All events are read.",
        show_default="all",
    ),
]
FormatOption = Annotated[
    str, typer.Option("--format", help=f"{', '.join(FORMATS)}, or a mapping (.yaml); XML is always read as iso20022.")
]
ManyInputs = Annotated[
    list[str] | None, typer.Option("--input", help="File, folder, or -; may be repeated.", show_default=False)
]
ActivityOption = Annotated[
    bool,
    typer.Option(
        "--activity",
        help="Instead of files: the activity log in Kafka, under the rulesets in it, as the workers saw it.",
    ),
]
RulesOption = Annotated[Path | None, typer.Option(help="Folder with rules and lists.", show_default="rules")]
LabelsOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="labels.csv or scenarios.json: gives precision and recall.")
]
AlertsOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write each alert, also those held back or withdrawn, as JSON Lines."),
]
DecisionsOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Store with alerts that people confirmed or dismissed: gives precision and recall, and what is lost.",
    ),
]
ProcessesOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=256,
        help="So many processes share the work.",
        show_default="one a core; of files at most 8, small ones 1",
    ),
]
SweepOption = Annotated[
    str | None,
    typer.Option(metavar="[RULE.]PARAM[.CURRENCY]=FROM..TO", help="Try a limit at several values, in major units."),
]
StepsOption = Annotated[
    int | None, typer.Option(min=2, max=STEPS_MAX, help="With --sweep: so many values.", show_default=str(STEPS))
]
SweepPageOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="With --sweep: write a page with curves too.")
]


app = typer.Typer()
"""Mounted by ``payweir rules``; holds these two commands."""


@app.command("backtest")
def backtest_command(
    *,
    inputs: ManyInputs = None,
    topics: TopicsOption = False,
    appended: AppendedOption = None,
    activity: ActivityOption = False,
    rules: RulesOption = None,
    period: PeriodOption = None,
    labels: LabelsOption = None,
    decisions: DecisionsOption = None,
    samples: Annotated[int, typer.Option(min=0, max=1000, help="Alerts shown of each rule.")] = 3,
    alerts: AlertsOption = None,
    processes: ProcessesOption = None,
    sweep: SweepOption = None,
    steps: StepsOption = None,
    html: SweepPageOption = None,
    bootstrap: BootstrapOption = None,
    format_: FormatOption = "payweir",
    json: JsonOption = False,
) -> None:
    """Run rules over history through the engine of production, and say what each would have alerted.

    Per rule: alerts, alerts a day (with payments) and for 10,000 payments (each counted once, however many records tell of it),
    the money its alerts cite, what it shares with other rules, and precision and recall: with labels, or with what people
    decided of the alerts in a store. What was refused and left undecided is of all records read. Standing alerts are those of
    payweir run over the same files. Over the activity log they are the live alerts, revision by revision, those withdrawn among
    them, and payment events are counted. The number of processes changes nothing. Exit code 1 when every record was refused.

    Example: payweir rules backtest --input stream/ --rules rules/ --period 2026-03-01..2026-04-01 --labels stream/labels.csv

    Example: payweir rules backtest --input year/ --processes 4

    Example: payweir rules backtest --topics --appended 2026-03-01.. --rules changed/ --decisions postgresql://payweir@db/payweir
    """
    _sources(bool(inputs), topics, activity)
    if activity and any(each is not None for each in (rules, labels, sweep, appended)):
        raise UsageError(
            "--activity: the rulesets are those of the log, and all of it is read; leave other options out"
        )
    _reports(sweep, steps, html, alerts)
    decided = _decided(decisions, labels, sweep)
    truth = read_truth(labels) if labels is not None else None
    if activity:
        run = _activity(load_settings({"bootstrap": bootstrap}), period, processes, quiet=json)
    else:
        programs = load_programs(rules or Path("rules"), json=json)
        with _files(inputs, format_, Topics(topics, appended, bootstrap), quiet=json) as files:
            if sweep is not None:
                trial = Trial(files, format_, rules or Path("rules"), period, labels)
                sweep_command(trial, Wanted(sweep, steps or STEPS, processes, html, json))
                return
            [run] = _run([programs], (files, format_, processes), (period, truth), quiet=json)
    stats = stats_of(run, truth, samples, decided)
    if alerts is not None:
        write_report(alerts, _lines(run))
    if json:
        print(as_json(backtest_data(run, stats)))
    else:
        show_backtest(run, stats)
    refuse_if_nothing_was_read(run.summary, format_)


def _lines(run: Backtest) -> str:
    return "".join(f"{msgspec.json.encode(each).decode()}\n" for each in (*run.alerts, *run.silenced))


def _sources(*given: bool) -> None:
    if given.count(True) != 1:
        raise UsageError("give --input, or --topics or --activity for what is in Kafka; one of them")


class Topics(NamedTuple):
    """What a command was told of the source topics."""

    wanted: bool
    appended: str | None
    bootstrap: str | None


@contextmanager
def _files(inputs: list[str] | None, format_: str, topics: Topics, *, quiet: bool) -> Iterator[list[str]]:
    """Give the inputs named, or those that the source topics hold."""
    if not topics.wanted:
        if topics.appended is not None:
            raise UsageError("--appended belongs to --topics, which is not given; for files: --period")
        yield inputs or []
    elif format_ != "payweir":
        raise UsageError(f"--format {format_}: what is in the topics is Payweir's own; leave it out")
    else:
        appended = read_period(topics.appended, "--appended") if topics.appended is not None else ALWAYS
        with source_topics(load_settings({"bootstrap": topics.bootstrap}), appended, quiet=quiet) as files:
            yield files


def _decided(url: str | None, labels: Path | None, sweep: str | None) -> list[Decision] | None:
    if url is None:
        return None
    if labels is not None or sweep is not None:
        raise UsageError("--decisions: precision is by decisions or by labels, and a sweep takes labels; leave one out")
    with open_store(url, create=False) as store:
        return decisions_in(store)


def _reports(sweep: str | None, steps: int | None, html: Path | None, alerts: Path | None) -> None:
    """Refuse options that would say nothing, and files that cannot be written, before the work."""
    if sweep is None and (steps is not None or html is not None):
        raise UsageError(
            "--steps and --html belong to --sweep, which is not given; for a page of two sets: payweir rules diff --html"
        )
    if sweep is not None and alerts is not None:
        raise UsageError("--alerts: a sweep runs many backtests and keeps the alerts of none; leave it out")
    can_be_written(alerts, html)


@app.command("diff")
def diff_command(
    old: Annotated[Path, typer.Argument(help="Folder of the old set.")],
    new: Annotated[Path, typer.Argument(help="Folder of the new set.")],
    *,
    inputs: ManyInputs = None,
    topics: TopicsOption = False,
    appended: AppendedOption = None,
    period: PeriodOption = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a report with charts, as one HTML file.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit code 1 when an alert differs.")] = False,
    processes: ProcessesOption = None,
    bootstrap: BootstrapOption = None,
    format_: FormatOption = "payweir",
    json: JsonOption = False,
) -> None:
    """Run two sets over the same history, and say which alerts appear, disappear or change.

    An alert is the same when rule, subject and bucket of time are, whatever the rule's version.

    Example: payweir rules diff rules/ changed/ --input stream/ --html diff.html
    """
    if bool(inputs) == topics:
        raise UsageError("give --input, or --topics for what is in Kafka; one of them")
    if inputs and "-" in inputs:
        raise UsageError("--input -: standard input cannot be read twice; put it into a file")
    can_be_written(html)
    sets = load_programs(old, json=json), load_programs(new, json=json)
    with _files(inputs, format_, Topics(topics, appended, bootstrap), quiet=json) as files:
        before, after = _run(sets, (files, format_, processes), (period, None), quiet=json)
    difference = compare(before, after)
    if html is not None:
        write_report(html, as_html(TITLE, page(before, after, difference)))
    if json:
        print(as_json(diff_data(before, after, difference)))
    else:
        show_diff(before, after, difference)
        if html is not None:
            print(f"{html} is written")
    refuse_if_nothing_was_read(after.summary, format_)
    if check and difference.any:
        raise typer.Exit(1)


def _run(
    sets: Sequence[Programs],
    source: tuple[list[str], str, int | None],
    what: tuple[str | None, Sequence[Scenario] | None],
    *,
    quiet: bool,
) -> list[Backtest]:
    (inputs, format_, asked), (period, truth) = source, what
    processes = processes_for(asked, inputs, format_)
    wanted = frozenset(event_id for scenario in truth or () for event_id in scenario.event_ids)
    past = Past(inputs, format_, now_ms(), read_period(period) if period is not None else ALWAYS, wanted)
    size = sum(file.size for file in open_inputs(inputs, format_)) * len(sets)
    with progress_bar(disable=quiet) as progress:
        task = progress.add_task("reading", total=size or None, records=0)
        return backtests(
            processes, sets, past, lambda done, found: progress.update(task, completed=done, records=found)
        )


def _activity(settings: Settings, period: str | None, processes: int | None, *, quiet: bool) -> Backtest:
    with progress_bar(disable=quiet) as progress:
        task = progress.add_task("replaying", total=None, records=0)
        run, notes = backtest_activity(
            settings, read_period(period) if period is not None else ALWAYS, processes,
            lambda done, total: progress.update(task, completed=done, total=total, records=done),
        )  # fmt: skip
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    return run
