"""Questions to the store, for commands, console and tests; every function opens one read transaction and blocks.

Each may raise ``StoreUnreachable``, ``StoreOutdated`` and, for a value no database can look for, ``UsageError``.
Times are milliseconds since the epoch. Accounts are not masked here: a dashboard reads the views instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, RowMapping, and_, column, func, literal_column, select, table

from streams.alerts.identity import LastingKey
from streams.alerts.model import AlertState, Evidence, Measured, Position
from streams.detection.rulecheck import SEVERITIES
from streams.errors import UsageError
from streams.store.casework import Status
from streams.store.columns import REVISION, Moment
from streams.store.engine import reading
from streams.store.schema import alert_amendments, alert_changes, alert_evidence, alerts, ruleset_partitions
from streams.store.views.words import rank
from streams.store.writer import Store

IN_FORCE: Final = (AlertState.PROVISIONAL, AlertState.STANDING)
"""The states of alerts to work on."""
_LIMIT: Final = 50
_FOLDED: Final = table("v_folded", column("alert_id"), column("rule_id"), column("hour_from", Moment()))
_PREFIX_MIN: Final = 4


@dataclass(frozen=True)
class AlertFilter:
    """Which alerts to list; an empty part asks for nothing."""

    rule: str | None = None
    severity: str | None = None
    states: tuple[AlertState, ...] = IN_FORCE
    subject: str | None = None
    since: int | None = None
    """Last hit at or after this time."""
    shadow: bool = False
    """Alerts of shadow rules instead of those of active ones."""
    folded: bool = True
    """Also alerts that the line of a storm stands for."""
    limit: int = _LIMIT


class AlertLine(msgspec.Struct, frozen=True, kw_only=True):
    """One alert as a list shows it."""

    alert_id: str
    engine_state: AlertState
    status: str
    assigned_to: str | None
    shadow: bool
    rule_id: str
    rule_version: int
    title: str
    severity: str
    typology: str
    subject_kind: str
    subject: str
    about: str
    amount_minor: int | None
    amount_currency: str | None
    first_hit: int
    last_hit: int
    hits: int
    reason: str
    evidence_count: int
    truncated: bool
    approximate: bool
    held_by: str
    withdrawn_because: str
    ruleset_digest: str
    engine: int
    event_at: int
    detected_at: int | None
    first_stored_at: int
    stored_at: int
    status_at: int | None
    work_revision: int


class StormLine(msgspec.Struct, frozen=True):
    """One storm as a list shows it."""

    rule_id: str
    hour_from: int
    severity: str
    """The highest among its alerts."""
    alerts: int
    """How many its line stands for."""
    subjects: int


class ChangeMade(msgspec.Struct, frozen=True):
    """One entry in the history of what people said of an alert: how it stood after the change."""

    work_revision: int
    changed_at: int
    changed_by: str
    status: str
    assigned_to: str | None
    note: str


class Revision(msgspec.Struct, frozen=True):
    """One entry in the history of an alert."""

    revision: Position
    engine_state: AlertState
    reason: str
    hits: int
    values: tuple[Measured, ...]
    evidence_ids: tuple[str, ...]
    held_by: str
    withdrawn_because: str
    stored_at: int


class AlertDetail(msgspec.Struct, frozen=True):
    """One alert with all that is known of it; ``history`` and ``work`` are in their order, the newest last."""

    alert: AlertLine
    values: tuple[Measured, ...]
    evidence: tuple[Evidence, ...]
    history: tuple[Revision, ...]
    work: tuple[ChangeMade, ...]


class IngestTotals(msgspec.Struct, frozen=True):
    """What came in from one source: ``found`` by intake, and what became of it over all partitions of the log.

    ``missing`` = found - accepted - duplicate - refused: 0 once the log is drained.
    """

    source: str
    found: int
    accepted: int
    late: int
    duplicate: int
    conflict: int
    refused: int
    missing: int


class Standing(NamedTuple):
    """What two runs must agree on for an alert: everything but the times of the wall clock and the place in the log."""

    rule_id: str
    subject: str
    currency: str
    bucket_start: int
    about: str
    shadow: bool
    hits: int
    event_ids: tuple[str, ...]


def list_alerts(store: Store, wanted: AlertFilter) -> list[AlertLine]:
    """List alerts, the latest hit first."""
    columns = [alerts.columns[name] for name in AlertLine.__struct_fields__]
    query = select(*columns).where(and_(*_conditions(wanted)))
    if not wanted.folded:
        query = query.where(alerts.c.alert_id.not_in(select(_FOLDED.c.alert_id)))
    query = query.order_by(alerts.c.last_hit.desc(), alerts.c.alert_id).limit(wanted.limit)
    with reading(store.engine) as connection:
        return [_line(row) for row in connection.execute(query).mappings()]


def list_storms(store: Store, wanted: AlertFilter) -> list[StormLine]:
    """Say for how many of the alerts asked for the line of a storm stands, the latest storm first."""
    key = _FOLDED.c.rule_id, _FOLDED.c.hour_from
    severity: ColumnElement[int] = func.max(literal_column(rank("alerts.severity")))
    query = (
        select(*key, severity, func.count(), func.count(alerts.c.subject.distinct()))
        .join(alerts, alerts.c.alert_id == _FOLDED.c.alert_id)
        .where(and_(*_conditions(wanted)))
        .group_by(*key)
        .order_by(_FOLDED.c.hour_from.desc(), _FOLDED.c.rule_id)
    )
    with reading(store.engine) as connection:
        rows = connection.execute(query).all()
    return [StormLine(rule, hour, SEVERITIES[rank_ - 1], *counts) for rule, hour, rank_, *counts in rows]


def find_alert(store: Store, alert_id: str) -> AlertDetail | None:
    """Give one alert by its id or by the only beginning of an id (four letters at least); None when there is none.

    Raises ``UsageError`` when several ids begin so.
    """
    begins = alerts.c.alert_id == alert_id
    if len(alert_id) >= _PREFIX_MIN:
        begins = begins | alerts.c.alert_id.startswith(alert_id, autoescape=True)
    exact_first = (alerts.c.alert_id != alert_id, alerts.c.alert_id)
    with reading(store.engine) as connection:
        found = connection.execute(select(alerts).where(begins).order_by(*exact_first).limit(2)).mappings().all()
        if not found:
            return None
        if len(found) > 1 and found[0]["alert_id"] != alert_id:
            message = f"several alerts begin with {alert_id!r}; write more of the id"
            raise UsageError(message)
        key = found[0]["alert_id"]
        of_evidence = select(alert_evidence).where(alert_evidence.c.alert_id == key).order_by(alert_evidence.c.ordinal)
        evidence = connection.execute(of_evidence).mappings().all()
        order = [alert_amendments.columns[name] for name in REVISION]
        of_history = select(alert_amendments).where(alert_amendments.c.alert_id == key).order_by(*order)
        history = connection.execute(of_history).mappings().all()
        of_work = select(*[alert_changes.columns[name] for name in ChangeMade.__struct_fields__])
        mine = of_work.where(alert_changes.c.alert_id == key).order_by(alert_changes.c.work_revision)
        work = connection.execute(mine).mappings().all()
    return AlertDetail(
        _line(found[0]),
        _measured(found[0]["measured"]),
        tuple(_evidence(row) for row in evidence),
        tuple(_revision(row) for row in history),
        tuple(ChangeMade(*[row[name] for name in ChangeMade.__struct_fields__]) for row in work),
    )


def counts_by_rule(store: Store) -> dict[str, dict[AlertState, int]]:
    """Count the alerts of active rules by rule and state; a state without alerts is left out."""
    query = (
        select(alerts.c.rule_id, alerts.c.engine_state, func.count())
        .where(~alerts.c.shadow)
        .group_by(alerts.c.rule_id, alerts.c.engine_state)
        .order_by(alerts.c.rule_id, alerts.c.engine_state)
    )
    counts: dict[str, dict[AlertState, int]] = {}
    with reading(store.engine) as connection:
        for rule_id, state, number in connection.execute(query):
            counts.setdefault(rule_id, {})[AlertState(state)] = number
    return counts


def ingest_totals(store: Store) -> list[IngestTotals]:
    """Say what came in and what became of it, by source."""
    names: list[ColumnElement[object]] = [literal_column(name) for name in IngestTotals.__struct_fields__]
    query = select(*names).select_from(table("v_ingest_reconciliation")).order_by("source")
    with reading(store.engine) as connection:
        return [msgspec.convert(dict(row), IngestTotals) for row in connection.execute(query).mappings()]


def standing(store: Store, states: Sequence[AlertState] = IN_FORCE) -> dict[str, Standing]:
    """Give the alerts in force by id, in the form in which two runs are compared."""
    names = ("alert_id", *Standing._fields[:-1])
    query = select(*[alerts.columns[name] for name in names]).where(alerts.c.engine_state.in_(states))
    of_evidence = select(alert_evidence.c.alert_id, alert_evidence.c.event_id).order_by(
        alert_evidence.c.alert_id, alert_evidence.c.ordinal
    )
    event_ids: dict[str, list[str]] = {}
    with reading(store.engine) as connection:
        rows = connection.execute(query).all()
        for alert_id, event_id in connection.execute(of_evidence):
            event_ids.setdefault(alert_id, []).append(event_id)
    return {row[0]: Standing._make((*row[1:], tuple(event_ids.get(row[0], ())))) for row in rows}


class PartitionRuleset(msgspec.Struct, frozen=True):
    """A ruleset in the schedule of one activity partition, as its worker told."""

    activity_partition: int
    digest: str
    from_time: int
    shadow_until: int | None
    approved_by: str
    emergency: str


def partition_rulesets(store: Store) -> list[PartitionRuleset]:
    """Give the schedule of every partition, by partition and time."""
    columns = ruleset_partitions.c
    chosen = select(
        columns.activity_partition, columns.digest, columns.from_time, columns.shadow_until, columns.approved_by,
        columns.emergency,
    )  # fmt: skip
    newest = (columns.activity_partition, columns.from_time, *(columns[name] for name in REVISION))
    with reading(store.engine) as connection:
        rows = connection.execute(chosen.order_by(*newest)).mappings()
        return [PartitionRuleset(*[row[name] for name in PartitionRuleset.__struct_fields__]) for row in rows]


class Decision(NamedTuple):
    """What people say of an alert, once they say that it is fraud or that it is none."""

    key: LastingKey
    first_hit: int
    confirmed: bool


def decisions(store: Store) -> list[Decision]:
    """Give what people have decided, also of alerts that were withdrawn since."""
    chosen = [alerts.columns[name] for name in LastingKey._fields]
    query = select(*chosen, alerts.c.first_hit, alerts.c.status).where(
        alerts.c.status_at.is_not(None), alerts.c.status.in_((Status.CONFIRMED, Status.DISMISSED))
    )
    with reading(store.engine) as connection:
        rows = connection.execute(query).all()
    return [Decision(LastingKey._make(row[:-2]), row[-2], row[-1] == Status.CONFIRMED) for row in rows]


def _conditions(wanted: AlertFilter) -> list[ColumnElement[bool]]:
    conditions = [alerts.c.engine_state.in_(wanted.states), alerts.c.shadow == wanted.shadow]
    for asked, value in (
        (alerts.c.rule_id, wanted.rule),
        (alerts.c.severity, wanted.severity),
        (alerts.c.subject, wanted.subject),
    ):
        if value is not None:
            conditions.append(asked == value)
    if wanted.since is not None:
        conditions.append(alerts.c.last_hit >= wanted.since)
    return conditions


def _line(row: RowMapping) -> AlertLine:
    return msgspec.convert({name: row[name] for name in AlertLine.__struct_fields__}, AlertLine)


def _measured(values: object) -> tuple[Measured, ...]:
    """Read the measured values; they are stored by name, for people who look at the table."""
    return tuple(Measured(**value) for value in msgspec.convert(values, list[dict[str, str | int | None]]))  # type: ignore[arg-type]


def _evidence(row: RowMapping) -> Evidence:
    return Evidence(**{name: row[name] for name in Evidence.__struct_fields__})


def _revision(row: RowMapping) -> Revision:
    return Revision(
        revision=Position(*[row[name] for name in REVISION]),
        engine_state=AlertState(row["engine_state"]),
        reason=row["reason"],
        hits=row["hits"],
        values=_measured(row["measured"]),
        evidence_ids=tuple(row["evidence_ids"]),
        held_by=row["held_by"],
        withdrawn_because=row["withdrawn_because"],
        stored_at=row["stored_at"],
    )
