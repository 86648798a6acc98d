"""Backtest: what a ruleset says of events in files, through the engine of production."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from streams.alerts.model import Alert, AlertState, Outcome
from streams.clock import DAY_MS, from_datetime
from streams.detection.program import Programs
from streams.errors import UsageError
from streams.events.model import PaymentEvent
from streams.replay.embedded import Share
from streams.replay.files import LineFile
from streams.replay.run import Progress, RunPlan, Summary, run_files
from streams.replay.tally import Tally

_PAYMENT: Final = PaymentEvent.__struct_config__.tag


class Period(NamedTuple):
    """A stretch of event time; None is open. The end does not belong to it."""

    start: int | None = None
    end: int | None = None

    def holds(self, time: int) -> bool:
        """Tell whether a moment lies in it."""
        return (self.start is None or time >= self.start) and (self.end is None or time < self.end)

    def holds_day(self, day: int) -> bool:
        """Tell whether a moment of a UTC day, counted from 1970-01-01, lies in it."""
        return (self.start is None or (day + 1) * DAY_MS > self.start) and (self.end is None or day * DAY_MS < self.end)


ALWAYS: Final = Period()


def read_period(text: str, option: str = "--period") -> Period:
    """Read ``2026-03-01..2026-04-01``; either end may be missing, and either may have a time of day. Raises UsageError."""
    start, dots, end = text.partition("..")
    moments = []
    for part in (start.strip(), end.strip()):
        try:
            found = datetime.fromisoformat(part) if part else None
        except ValueError:
            raise UsageError(f"{option} {text}: {part!r} is no date; write 2026-03-01..2026-04-01, in UTC") from None
        if found is not None and found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        moments.append(from_datetime(found) if found is not None else None)
    if not dots:
        raise UsageError(f"{option} {text}: write FROM..TO, like 2026-03-01..2026-04-01; either may be left out")
    period = Period(*moments)
    if period.start is not None and period.end is not None and period.start >= period.end:
        fault = "it ends before it begins" if period.start > period.end else "nothing lies in it"
        raise UsageError(f"{option} {text}: {fault}; its end does not belong to it, so write the day after the last")
    return period


class _Header(msgspec.Struct):
    event_type: str
    event_id: str
    event_time: datetime
    source: str = ""
    payment_id: str = ""


_header: Final = msgspec.json.Decoder(_Header)


@dataclass(slots=True)
class Traffic:
    """What passed within a period, as read: a payment counts once, however often told, and also if its records are refused."""

    period: Period
    wanted: frozenset[str] = frozenset()
    """Ids of events to look out for."""
    found: set[str] = field(default_factory=set)
    """Those of them that lie in the period."""
    payments: Tally = field(default_factory=Tally)
    """Payments, by the days on which a record tells of them."""
    unit: str = "payments"
    """What a name in ``payments`` stands for: the activity log tells events apart and not the payments they are about."""

    def note(self, line: bytes) -> None:
        """Count a line if it is an event of the period."""
        try:
            header = _header.decode(line)
            time = from_datetime(header.event_time)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError):
            return  # intake refuses it, and the summary counts that
        if self.period.holds(time):
            if header.event_type == _PAYMENT:
                self.payments.note(time // DAY_MS, header.source, header.payment_id)
            if header.event_id in self.wanted:
                self.found.add(header.event_id)


@dataclass(frozen=True, slots=True)
class _Watched:
    file: LineFile
    traffic: Traffic
    share: Share | None

    @property
    def name(self) -> str:
        return self.file.name

    def lines(self) -> Iterator[bytes]:
        """Give all lines; of several processes each notes its own part of them."""
        number, of = (0, 1) if self.share is None else self.share[:2]
        for at, line in enumerate(self.file.lines()):
            if at % of == number:
                self.traffic.note(line)
            yield line

    def place(self) -> int:
        return self.file.place()


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of it. Alerts of shadow rules are among the others, marked as such."""

    programs: Programs
    summary: Summary
    traffic: Traffic
    alerts: tuple[Alert, ...]
    """Standing at the end, first hit within the period, in the order of first hits."""
    silenced: tuple[Alert, ...]
    """Held back by a list, or withdrawn; first hit within the period."""


@dataclass(frozen=True, slots=True)
class BacktestPlan:
    """What to run, and how."""

    programs: Programs
    progress: Progress
    started_ms: int
    """As for ``payweir run``: a later event time is refused as far future."""
    period: Period = ALWAYS
    wanted: frozenset[str] = frozenset()
    share: Share | None = None


class Part(NamedTuple):
    """What one process has found."""

    summary: Summary
    traffic: Traffic
    alerts: tuple[Alert, ...]
    """Each as it is at the end, whatever its state."""


def backtest(files: Sequence[LineFile], plan: BacktestPlan) -> Backtest:
    """Run all events of the files, also those before the period: windows that reach back see what was there."""
    return whole(plan.programs, backtest_part(files, plan))


def backtest_part(files: Sequence[LineFile], plan: BacktestPlan) -> Part:
    """Run all events, and give what the share of the plan has found; without one that is all there is to find."""
    final: dict[str, Alert] = {}

    def keep(outcomes: Sequence[Outcome]) -> None:
        final.update({each.alert_id: each for each in outcomes if isinstance(each, Alert)})

    traffic, share = Traffic(plan.period, plan.wanted), plan.share
    watched = [_Watched(file, traffic, share) for file in files]
    run = RunPlan(plan.programs, keep, plan.progress, plan.started_ms, share=share)
    return Part(run_files(watched, run), traffic, tuple(final.values()))


def whole(programs: Programs, part: Part) -> Backtest:
    """Choose the alerts of the period."""
    within = chosen(part.alerts, part.traffic.period)
    standing = tuple(alert for alert in within if alert.state is AlertState.STANDING)
    silenced = tuple(alert for alert in within if alert.state in {AlertState.HELD, AlertState.WITHDRAWN})
    return Backtest(programs, part.summary, part.traffic, standing, silenced)


def chosen(alerts: Iterable[Alert], period: Period) -> list[Alert]:
    """Give those that first hit within the period, in the order of first hits."""
    return sorted(
        (alert for alert in alerts if period.holds(alert.first_hit)),
        key=lambda alert: (alert.first_hit, alert.rule_id, alert.subject, alert.alert_id),
    )
