"""``payweir alerts``: look at what the store holds, and say what became of it."""

from typing import Annotated, Final

import msgspec
import typer
from rich.box import SIMPLE
from rich.console import Group
from rich.table import Table
from rich.text import Text

from streams.alerts.model import AlertState
from streams.cli.person import ByOption
from streams.cli.showing import as_json as _json
from streams.cli.showing import as_time as _time
from streams.cli.showing import moment as _moment
from streams.cli.showing import plain as _plain
from streams.cli.showing import screen
from streams.errors import UsageError
from streams.money import UnknownCurrency, format_minor
from streams.settings import load_settings
from streams.store import open_store
from streams.store.casework import Change, Status, place_hold, release_holds, set_alert
from streams.store.masking import mask_token
from streams.store.reader import (
    IN_FORCE,
    AlertDetail,
    AlertFilter,
    AlertLine,
    StormLine,
    find_alert,
    list_alerts,
    list_storms,
)

app = typer.Typer(help="Alerts: list them, look at one, say what became of it.", no_args_is_help=True)

StoreOption = Annotated[
    str,
    typer.Option(
        "--store",
        help="URL of the store.",
        metavar="URL",
        default_factory=lambda: load_settings().store_url,
        show_default="PAYWEIR_STORE_URL, else sqlite:///payweir.db",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, times in RFC 3339, amounts in minor units.")]

_ID_SHOWN: Final = 10
_TO_MINUTES: Final = len("2026-03-01 08:30")
_SEVERITY_STYLES: Final = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}


@app.command("list")
def list_command(
    *,
    store: StoreOption,
    rule: Annotated[str | None, typer.Option(help="Only of this rule.")] = None,
    severity: Annotated[str | None, typer.Option(help="Only of this severity.")] = None,
    state: Annotated[
        list[AlertState] | None, typer.Option(help="Only in this state; may be given again.", show_default="in force")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Only about this account, device or other subject.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only with a hit since then: 24h, 7d, 2026-03-01 or 2026-03-01T08:30Z.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the latest first.")] = 50,
    shadow: Annotated[bool, typer.Option("--shadow", help="Those of shadow rules instead.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that a storm folds into one line; so with --subject and --json.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List alerts, the latest first; by default those in force, standing or provisional.

    Example: payweir alerts list --severity high --since 24h --store postgresql://payweir@localhost/payweir
    """
    wanted = AlertFilter(
        rule=rule,
        severity=severity,
        states=tuple(state or IN_FORCE),
        subject=subject,
        since=None if since is None else _moment(since),
        shadow=shadow,
        folded=everything or json or subject is not None,
        limit=limit,
    )
    with open_store(store, create=False) as opened:
        lines = list_alerts(opened, wanted)
        storms = [] if wanted.folded else list_storms(opened, wanted)
    if json:
        typer.echo(_json(lines))
        return
    if lines:
        screen().print(_list_table(lines))
    if storms:
        screen().print(_storms(storms), soft_wrap=True)
    elif not lines:
        typer.echo("No alerts of that kind.")


@app.command("show")
def show_command(
    alert_id: Annotated[str, typer.Argument(help="The alert's id, or its beginning (four letters at least).")],
    *,
    store: StoreOption,
    json: JsonOption = False,
) -> None:
    """Show one alert: its reason, what was measured against which limit, its evidence and its history.

    Example: payweir alerts show 4be1f02a77
    """
    with open_store(store, create=False) as opened:
        detail = find_alert(opened, alert_id)
    if detail is None:
        message = f"there is no alert {alert_id!r} in this store; see: payweir alerts list"
        raise UsageError(message)
    if json:
        typer.echo(_json(detail))
    else:
        screen().print(_detail(detail))


AlertArgument = Annotated[str, typer.Argument(help="The alert's id, or its beginning (four letters at least).")]


@app.command("set")
def set_command(
    alert_id: AlertArgument,
    *,
    by: ByOption,
    status: Annotated[Status | None, typer.Option(help="What you say of it.")] = None,
    assign: Annotated[str | None, typer.Option(help="Who is to work on it.", metavar="NAME")] = None,
    unassign: Annotated[bool, typer.Option("--unassign", help="Nobody is to work on it.")] = False,
    note: Annotated[
        str, typer.Option(help="What you found; kept for ever, numbers of accounts are masked in views.")
    ] = "",
    expect: Annotated[
        int | None, typer.Option(min=0, help="Only if the alert is at this work revision, as `alerts show` prints it.")
    ] = None,
    store: StoreOption,
    json: JsonOption = False,
) -> None:
    """Set status or assignment, or leave a note; kept as history and told to the audit log.

    Two people cannot overwrite each other: what somebody else set last is changed only with --expect, after a look.

    Example: payweir alerts set 4be1f02a77 --status confirmed --note "victim called" --by lin
    """
    if assign is not None and unassign:
        message = "--assign and --unassign contradict each other"
        raise UsageError(message)
    if status is None and assign is None and not unassign and not note:
        message = "nothing to set; write --status, --assign, --unassign or --note"
        raise UsageError(message)
    change = Change(by, status, "" if unassign else assign, note, expect)
    with open_store(store, create=False) as opened:
        work = set_alert(opened, alert_id, change)
    if json:
        typer.echo(msgspec.json.encode(work).decode())
    else:
        whose = f"assigned to {work.assigned_to}" if work.assigned_to else "assigned to nobody"
        typer.echo(f"Alert {work.alert_id}: {work.status}, {whose} (work revision {work.work_revision}).")


@app.command("hold")
def hold_command(
    alert_id: AlertArgument,
    *,
    by: ByOption,
    reason: Annotated[str, typer.Option(help="Why it must be kept: a case number, a court order.")],
    store: StoreOption,
) -> None:
    """Put an alert on legal hold: `payweir store retain` leaves it, and all that belongs to it, alone.

    Example: payweir alerts hold 4be1f02a77 --reason "order 12/2026 of the court of Pudong" --by lin
    """
    with open_store(store, create=False) as opened:
        number = place_hold(opened, alert_id, reason, by)
    typer.echo(f"Legal hold {number} is on alert {alert_id}.")


@app.command("release")
def release_command(alert_id: AlertArgument, *, by: ByOption, store: StoreOption) -> None:
    """Release an alert from all its legal holds.

    Example: payweir alerts release 4be1f02a77 --by lin
    """
    with open_store(store, create=False) as opened:
        number = release_holds(opened, alert_id, by)
    typer.echo(
        f"Alert {alert_id} had {number} legal holds; they are released." if number else "There was no legal hold."
    )


def _money(amount_minor: int | None, currency: str | None) -> str:
    """Write an amount for people; one in a currency we do not know stays in minor units."""
    if amount_minor is None or currency is None:
        return ""
    try:
        return format_minor(amount_minor, currency)
    except UnknownCurrency:
        return f"{amount_minor} minor units of {currency}"


def _list_table(lines: list[AlertLine]) -> Table:
    table = Table(box=SIMPLE)
    table.add_column("Alert", no_wrap=True)
    table.add_column("Last hit (UTC)", no_wrap=True)
    table.add_column("What")
    for line in lines:
        facts = [
            _plain(line.severity, _SEVERITY_STYLES.get(line.severity, "")),
            _plain(line.rule_id),
            _plain(f"{line.subject_kind} {mask_token(line.subject)}"),
            _plain(_money(line.amount_minor, line.amount_currency)),
            Text("" if line.engine_state is AlertState.STANDING else line.engine_state.value, style="italic"),
        ]
        what = Text("\n").join([Text(", ").join([fact for fact in facts if fact.plain]), _plain(line.reason, "dim")])
        table.add_row(_plain(line.alert_id[:_ID_SHOWN]), _time(line.last_hit)[:_TO_MINUTES], what)
    return table


def _storms(storms: list[StormLine]) -> Text:
    """Say what is not listed, and how to see it."""
    told = [
        Text(", ").join([_plain(each.severity, _SEVERITY_STYLES.get(each.severity, "")), _plain(each.rule_id),
            _plain(f"hour from {_time(each.hour_from)[:_TO_MINUTES]}: {each.alerts}, subjects {each.subjects}")])
        for each in storms
    ]  # fmt: skip
    folded = sum(each.alerts for each in storms)
    heading = f"Alerts that storms fold: {folded}. With --all each is listed."
    return Text("\n  ").join([_plain(heading, "bold"), *told])


def _detail(detail: AlertDetail) -> Group:
    parts: list[Text | Table] = [_plain(detail.alert.reason, "bold"), _facts(detail.alert)]
    if detail.values:
        table = Table("Measured", "Value", "Limit", title="Measured against limits", title_justify="left")
        for value in detail.values:
            table.add_row(_plain(value.name), _plain(value.text), _plain(value.limit or ""))
        parts.append(table)
    title = "Evidence (the newest only)" if detail.alert.truncated else "Evidence"
    evidence = Table("#", "Time (UTC)", "Role", "Amount", title=title, title_justify="left")
    for name in ("Counterparty", "Event"):
        evidence.add_column(name, overflow="fold")
    for number, item in enumerate(detail.evidence, start=1):
        amount = _plain(_money(item.amount_minor, item.currency))
        texts = (_plain(item.role), amount, _plain(item.counterparty), _plain(item.event_id))
        evidence.add_row(str(number), _time(item.time), *texts)
    history = Table("Stored (UTC)", "State", "Hits", "Evidence", "What was said", title="History", title_justify="left")
    for entry in detail.history:
        said = _plain(entry.withdrawn_because or entry.held_by or entry.reason)
        counts = (str(entry.hits), str(len(entry.evidence_ids)))
        history.add_row(_time(entry.stored_at), entry.engine_state.value, *counts, said)
    if not detail.work:
        return Group(*parts, evidence, history)
    work = Table(
        "#", "Time (UTC)", "Who", "Status", "Assigned to", "Note", title="What people said", title_justify="left"
    )
    for change in detail.work:
        words = (change.changed_by, change.status, change.assigned_to or "", change.note)
        work.add_row(str(change.work_revision), _time(change.changed_at), *[_plain(word) for word in words])
    return Group(*parts, evidence, history, work)


def _work(alert: AlertLine) -> str:
    whose = f", by {alert.assigned_to}" if alert.assigned_to else ""
    return f"{alert.status}{whose} (work revision {alert.work_revision})"


def _facts(alert: AlertLine) -> Table:
    table = Table.grid(padding=(0, 2))
    flags = [name for name in ("shadow", "truncated", "approximate") if getattr(alert, name)]
    for name, value in (
        ("alert", alert.alert_id),
        ("rule", f"{alert.rule_id} version {alert.rule_version}: {alert.title}"),
        ("severity", f"{alert.severity} ({alert.typology})"),
        ("state", alert.engine_state.value + (f" ({', '.join(flags)})" if flags else "")),
        ("withdrawn", alert.withdrawn_because),
        ("held back by", alert.held_by),
        ("worked on", _work(alert)),
        ("subject", f"{alert.subject_kind} {alert.subject}"),
        ("about", alert.about),
        ("amount", _money(alert.amount_minor, alert.amount_currency)),
        ("hits", f"{alert.hits}, from {_time(alert.first_hit)} to {_time(alert.last_hit)}"),
        ("detected", _time(alert.detected_at)),
        ("stored", _time(alert.first_stored_at)),
        ("ruleset", f"{alert.ruleset_digest}, engine {alert.engine}"),
    ):
        if value:
            table.add_row(Text(name, style="dim"), _plain(value))
    return table
