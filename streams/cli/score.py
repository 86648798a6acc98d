"""``payweir score``: what a run found, against the labels of its stream."""

from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from streams.cli.alerts import JsonOption
from streams.cli.rulefiles import can_be_written
from streams.cli.showing import plain, screen
from streams.clock import rough_span, to_text
from streams.replay.score import RuleScore, Score, ScoredAlert, TypologyScore, score
from streams.replay.truth import read_truth
from streams.store import DEFAULT_STORE_URL, open_store
from streams.store.reader import AlertFilter, ingest_totals, list_alerts, standing
from streams.store.writer import Store

_ALL: Final = 2**31 - 1
_PAYMENTS: Final = "payments"

app = typer.Typer()
"""Mounted by the command line as a whole; holds the one command."""


@app.command("score")
def score_command(
    *,
    labels: Annotated[
        Path,
        typer.Option(
            help="Labels of payweir generate or convert, or of a labelled set; or scenarios.json.", show_default=False
        ),
    ],
    store: Annotated[
        str, typer.Option(help="URL of the store that `payweir run` filled.", metavar="URL")
    ] = DEFAULT_STORE_URL,
    write: Annotated[
        Path | None,
        typer.Option(help="Also write the alerts with what they cite here, as JSON Lines.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare the alerts in a store with the labels of the stream that was run into it.

    Prints recall per typology, alerts on near misses, precision per rule, alerts per 10,000 payments and the median time
    (of events, not of a clock) from the first tainted credit to the alert. A scenarios.json beside the labels is used; it
    says which rule must find what. Labels alone count an instance as found by any rule that cites its events.
    Faint fraud, which lies under the limits of the catalogue, is counted apart.

    Example: payweir run --input stream/ --store sqlite:///run.db && payweir score --labels stream/labels.csv --store sqlite:///run.db
    """
    can_be_written(write)
    truth = read_truth(labels)
    with open_store(store, create=False) as opened:
        alerts = alerts_in(opened)
        result = score(truth, alerts)
        payments = payments_in(opened)
    if write is not None:
        write.write_bytes(b"".join(map(_cited, alerts)))
    if json:
        print(msgspec.json.format(msgspec.json.encode(as_data(result, payments)), indent=1).decode())
    else:
        show_score(screen(), result, payments)


def _cited(alert: ScoredAlert) -> bytes:
    """Write one alert for other scorers: time of its first hit, rule, subject, and the events it cites."""
    line = {
        "ts": to_text(alert.first_hit_ms), "rule": alert.rule_id, "account": alert.subject,
        "event_ids": list(alert.event_ids),
    }  # fmt: skip
    return msgspec.json.encode(line) + b"\n"


def alerts_in(store: Store) -> list[ScoredAlert]:
    """Give the alerts of active rules that are in force, with all that they cite."""
    cited = standing(store)
    return [
        ScoredAlert(line.rule_id, line.subject_kind, line.subject, cited[line.alert_id].event_ids, line.first_hit)
        for line in list_alerts(store, AlertFilter(limit=_ALL))
    ]


def payments_in(store: Store) -> int:
    """Count accepted records of the sources of payments (``payments/0``); when none is called so, of all sources."""
    totals = ingest_totals(store)
    of_payments = [each for each in totals if _PAYMENTS in Path(each.source).parent.name]
    return sum(each.accepted for each in of_payments or totals)


def as_data(result: Score, payments: int) -> dict[str, object]:
    """Give the score for machines; shares between 0 and 1, times in milliseconds."""
    return {
        "recall": result.recall,
        "precision": result.precision,
        "instances": result.instances,
        "found": result.found,
        "faint": result.faint,
        "faint_found": result.faint_found,
        "alerts": result.alerts,
        "payments": payments,
        "alerts_per_10000_payments": _per_10000(result, payments),
        "delay_ms": result.delay_ms,
        "typologies": result.typologies,
        "rules": result.rules,
        "missed": result.missed,
    }


def show_score(console: Console, result: Score, payments: int) -> None:
    """Print the score for people: typologies, rules, and one line for the whole."""
    for title, near_misses, heads in (
        ("Fraud found", False, ("typology", "rule", "found", "share", "after", "faint, found")),
        ("Near misses alerted", True, ("near miss", "close to", "alerted", "by")),
    ):
        table = Table(*heads, title=title, title_justify="left")
        for row in result.typologies:
            if row.hard_negative == near_misses:
                table.add_row(*map(plain, _typology_cells(row)))
        if table.row_count:
            console.print(table)
    table = Table(
        "rule", "alerts", "on fraud", "near miss", "other", "precision", title="By rule", title_justify="left"
    )
    for rule in result.rules:
        table.add_row(*map(plain, _rule_cells(rule)))
    console.print(table)
    if result.missed:
        console.print(plain("not found: " + ", ".join(result.missed)))
    after = (
        f"; alert {delay} after the first tainted credit (median, event time)"
        if (delay := _after(result.delay_ms))
        else ""
    )
    faint = f", and {result.faint_found} of {result.faint} faint ones" if result.faint else ""
    console.print(
        f"recall {result.recall:.0%} ({result.found} of {result.instances} instances of fraud{faint}); "
        f"precision {result.precision:.0%} ({result.true_alerts} of {result.alerts} alerts; {result.near_miss_alerts} on near "
        f"misses, {result.stray_alerts} on other traffic); {_per_10000(result, payments):.1f} alerts per 10,000 payments{after}"
    )


def _typology_cells(row: TypologyScore) -> tuple[str, ...]:
    hit = f"{row.hit} of {row.instances}"
    if row.hard_negative:
        return row.typology, row.rule_id, hit, ", ".join(row.by)
    faint = f"{row.faint_hit} of {row.faint}" if row.faint else ""
    return row.typology, row.rule_id, hit, f"{row.share:.0%}", _after(row.delay_ms), faint


def _rule_cells(rule: RuleScore) -> tuple[str, ...]:
    counts = (rule.alerts, rule.true_alerts, rule.near_miss_alerts, rule.stray_alerts)
    return rule.rule_id, *(f"{count:,}" for count in counts), f"{rule.precision:.0%}"


def _after(delay_ms: int | None) -> str:
    return "" if delay_ms is None else rough_span(max(0, delay_ms))


def _per_10000(result: Score, payments: int) -> float:
    return result.alerts * 10_000 / payments if payments else 0.0
