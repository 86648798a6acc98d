"""What lies behind the horizon is forgotten, and nothing more: neither what was said because of it, nor what others still need."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import msgspec
import pytest

from streams.alerts.model import Alert, AlertState, Outcome
from streams.clock import DAY_MS, to_datetime
from streams.detection.check import check_files
from streams.detection.program import Programs, compile_ruleset
from streams.events import Event, PaymentEvent, PaymentStatusEvent
from streams.events.codec import encode_event
from streams.events.model import Account, PaymentStatus, Rail
from streams.legs import FORMAT_VERSION, Control, Leg, LegKind, Mark, Packed, SubjectKind
from streams.pipeline import Intake, PartitionState, RawRecord, SourceState, step
from streams.pipeline.accounting import Accounting
from streams.pipeline.snapshot import SnapshotWriter
from streams.pipeline.snapshot.cut import SEGMENT_MAX
from tests.rig.samples import RULE_HEAD
from tests.rig.worlds import START_MS

RULE: Final = f"""{RULE_HEAD}let:
  debits: count of debits over 30d
when: debits >= 2
say: "{{debits}} debits"
cool_down: none
"""
SOURCE: Final = "payments/0"


@dataclass
class World:
    """One partition that hears its own marks; a day is a day of event time, and the watermark follows the events."""

    rules: Programs = field(default_factory=lambda: _programs(RULE))
    state: PartitionState = field(default_factory=lambda: PartitionState(lateness_ms=3 * DAY_MS))
    alerts: dict[str, Alert] = field(default_factory=dict)
    offset: int = 0

    def __post_init__(self) -> None:
        self.apply(Control("sources", names=(SOURCE,)))
        self.apply(Control("ruleset", self.rules.ruleset.digest, 0))

    def apply(self, control: Control) -> None:
        self.put(Packed(FORMAT_VERSION, "test", [], [], {}, control))

    def put(self, record: Packed) -> None:
        queue = deque([record])
        while queue:
            out = step(self.state, queue.popleft(), {self.rules.ruleset.digest: self.rules})
            self._hear(out.outcomes)
            if out.marks:
                queue.append(Packed(FORMAT_VERSION, "detect/0", [], out.marks, {}))

    def _hear(self, outcomes: list[Outcome]) -> None:
        self.alerts.update({each.alert_id: each for each in outcomes if isinstance(each, Alert)})

    def tell(self, event: Event, day: float) -> None:
        self.offset += 1
        raw = RawRecord(self.offset, 1 << 50, encode_event(event))
        legs = Intake(kinds=self.rules.kinds).take(SourceState("payments", 0), [raw]).legs
        self.put(Packed(FORMAT_VERSION, "intake", legs.get(0, []), [], {SOURCE: _ms(day)}))

    def wait(self, day: float) -> None:
        """Let days pass, one by one."""
        begun = max((self.state.low - START_MS) // DAY_MS + 1, 0)
        for each in range(begun, int(day) + 1):
            self.put(Packed(FORMAT_VERSION, "intake", [], [], {SOURCE: _ms(each)}))

    def states(self) -> set[AlertState]:
        return {alert.state for alert in self.alerts.values()}


def _programs(rule: str) -> Programs:
    ruleset, report = check_files({"rule.yaml": rule})
    assert ruleset is not None, report
    return compile_ruleset(ruleset)


def _ms(day: float) -> int:
    return START_MS + int(day * DAY_MS)


def payment(
    name: str, day: float, status: PaymentStatus = PaymentStatus.SETTLED, amount: int = 100, debtor: str = "a"
) -> PaymentEvent:
    at = to_datetime(_ms(day))
    return PaymentEvent(
        f"e-{name}", 1, "s", at, name, Rail.BANK, status, amount, "CNY", Account(debtor), Account("b"), at,
        settled_at=at if status is PaymentStatus.SETTLED else None,
    )  # fmt: skip


def told_of(name: str, day: float, status: PaymentStatus) -> PaymentStatusEvent:
    at = to_datetime(_ms(day))
    return PaymentStatusEvent(
        f"s-{name}-{status}", 1, "s", at, status, name, settled_at=at if status is PaymentStatus.SETTLED else None
    )


def test_a_bare_status_settles_its_payment_whether_or_not_a_rule_looks_at_joins() -> None:
    world = World()
    assert int(SubjectKind.JOIN) not in world.rules.by_kind
    world.tell(payment("p1", 0, PaymentStatus.INITIATED), 0)
    world.tell(told_of("p1", 1, PaymentStatus.SETTLED), 1)
    world.tell(payment("p2", 2), 2)
    assert [alert.hits for alert in world.alerts.values()] == [1]


def test_what_a_status_said_of_a_payment_stands_when_the_payment_itself_is_forgotten() -> None:
    """A payment long settled is returned; at its join id the payment lies behind the horizon, and its status does not."""
    world = World()
    world.tell(payment("p1", 0, PaymentStatus.INITIATED), 0)
    world.tell(told_of("p1", 6, PaymentStatus.SETTLED), 6)
    world.tell(payment("p2", 20), 20)
    world.wait(38)
    assert _ms(0) < world.state.horizon < _ms(6)
    world.tell(told_of("p1", 38, PaymentStatus.RETURNED), 38)
    assert world.states() == {AlertState.STANDING}


def test_what_was_said_because_of_what_is_forgotten_is_not_taken_back() -> None:
    world = World()
    world.tell(payment("p1", 0, PaymentStatus.INITIATED), 0)
    world.tell(told_of("p1", 0.5, PaymentStatus.SETTLED), 0.5)
    join = world.state.subjects[SubjectKind.JOIN, "pid:p1"]
    assert join.marks_out
    out = step(
        world.state,
        Packed(FORMAT_VERSION, "intake", [], [], {SOURCE: _ms(60)}),
        {world.rules.ruleset.digest: world.rules},
    )
    assert not out.marks
    assert (SubjectKind.JOIN, "pid:p1") not in world.state.subjects


def test_of_copies_that_lost_a_conflict_nothing_is_left_behind_the_horizon() -> None:
    """A sender that changes what it sends again under the same ids leaves two copies of everything."""
    world = World()
    for number in range(20):
        for amount in (100, 200):
            world.tell(payment(f"p{number}", number / 100, amount=amount, debtor=f"d{number}"), number / 100)
    assert sum(subject.voids is not None for subject in world.state.subjects.values()) >= 20
    world.wait(80)
    assert not world.state.subjects
    assert not world.state.accounting.events


def test_a_losing_copy_that_comes_again_is_refused_until_it_is_forgotten() -> None:
    world = World()
    world.tell(payment("p1", 0, amount=100), 0)
    world.tell(payment("p1", 0, amount=200), 0)
    world.wait(20)
    subject = world.state.subjects[SubjectKind.ACCOUNT, "a"]
    assert len(subject.log) == 1
    assert len(subject.voids or ()) == 1


def test_a_withdrawn_mark_told_again_is_no_news_until_its_time_is_forgotten() -> None:
    """A worker that was frozen may tell again what was withdrawn long ago, as clocks go."""
    world = World()
    leg = Leg(
        int(SubjectKind.ACCOUNT),
        "x",
        int(LegKind.CREDIT),
        _ms(20),
        0,
        "s",
        "e",
        1,
        payment="p",
        amount=5,
        currency="CNY",
    )
    said = Mark(leg.subject_kind, leg.subject, "status|e|p", (1, 1, 1), leg)
    withdrawn = msgspec.structs.replace(said, position=(1, 2, 1), leg=None)
    world.wait(20)
    for mark in (said, withdrawn):
        world.put(Packed(FORMAT_VERSION, "detect/1", [], [mark], {}))
    world.wait(40)
    world.put(Packed(FORMAT_VERSION, "detect/1", [], [said], {}))
    assert not world.state.subjects[SubjectKind.ACCOUNT, "x"].log
    world.wait(90)
    assert not world.state.subjects


def test_an_alert_withdrawn_long_ago_and_its_account_are_forgotten() -> None:
    world = World()
    world.tell(payment("p1", 0), 0)
    world.tell(payment("p2", 1), 1)
    world.tell(payment("p2", 1, amount=7), 1)  # a conflict: whichever stands, it is told anew
    assert world.alerts
    world.wait(80)
    assert not world.state.subjects


def test_copies_of_one_event_cost_one_place_per_source_partition() -> None:
    world = World()
    legs = Intake(kinds=world.rules.kinds).take(
        SourceState("payments", 0), [RawRecord(0, 1 << 50, encode_event(payment("p", 0)))]
    )
    leg = next(each for each in legs.legs[0] if each.subject_kind == SubjectKind.EVENT)
    accounting = Accounting()
    for origin in ("payments/0", "payments/1"):
        for offset in (*range(100), *range(50, 200)):  # read again from 50 on
            accounting.take(msgspec.structs.replace(leg, origin=origin, offset=offset), 0)
    assert {name: (each.accepted, each.duplicate) for name, each in accounting.counts.items()} == {
        "payments/0": (1, 199),
        "payments/1": (0, 200),
    }
    assert len(accounting.events[leg.subject].copies) == 2


@pytest.mark.parametrize("events", [30, SEGMENT_MAX + 30])
def test_many_snapshots_of_a_trickle_make_few_segments(events: int) -> None:
    world = World()
    world.tell(payment("first", 0), 0)
    writer = SnapshotWriter(world.state, [], 0)
    names = [f"p{number}" for number in range(events)]
    for first in range(0, events, events // 30):
        for name in names[first : first + events // 30]:
            world.tell(payment(name, 0, PaymentStatus.INITIATED), 0)
            writer.spool()
        cut = writer.cut(world.state.next_offset)
        while not cut.closed:
            cut.drain(100)
        cut.committed()
    assert len(writer.segments) <= 2 * (1 + events // SEGMENT_MAX)
