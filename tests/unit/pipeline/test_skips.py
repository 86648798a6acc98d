"""An engine that fails names whom it was busy with; what is skipped is left out, loudly, and nothing else is."""

import pytest

from streams.alerts.model import Alert, Position
from streams.clock import DAY_MS, to_datetime
from streams.errors import EngineError
from streams.events.codec import encode_event
from streams.events.model import Account, PaymentEvent, PaymentStatus, Rail
from streams.legs import Leg, SubjectKind
from streams.pipeline import WHOLE, PartitionState, RawRecord, SourceState
from streams.pipeline.conflict import skip_alert
from streams.state.subject import Subject
from tests.rig.activity import activity_log, fold
from tests.rig.worlds import START_MS, programs

ACCOUNT = int(SubjectKind.ACCOUNT)


def payment(number: int, debtor: str, creditor: str) -> bytes:
    moment = to_datetime(START_MS + number * 1000)
    event = PaymentEvent(
        event_id=f"e{number}", schema_version=1, source="s", event_time=moment, payment_id=f"p{number}", rail=Rail.BANK,
        status=PaymentStatus.SETTLED, amount_minor=100, currency="CNY", debtor=Account(debtor), creditor=Account(creditor),
        initiated_at=moment, settled_at=moment,
    )  # fmt: skip
    return encode_event(event)


@pytest.fixture(scope="module")
def log() -> list[bytes]:
    """The log as it was written before the engine broke."""
    lines = [payment(0, "a", "b"), payment(1, "bad", "b"), payment(2, "a", "c")]
    source = SourceState("world", 0)
    return activity_log(programs(), [(source, [RawRecord(n, 1 << 50, line)]) for n, line in enumerate(lines)])


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that cannot bear one account."""
    honest = Subject.enter

    def enter(subject: Subject) -> Leg:
        if subject.key == "bad":
            raise ZeroDivisionError("made by the test")
        return honest(subject)

    monkeypatch.setattr(Subject, "enter", enter)


def state(*skips: tuple[int, int, str]) -> PartitionState:
    return PartitionState(lateness_ms=3 * DAY_MS, skips=frozenset(skips))


@pytest.mark.usefixtures("broken")
def test_an_engine_that_fails_says_where_and_with_whom(log: list[bytes]) -> None:
    with pytest.raises(EngineError) as failed:
        fold(state(), log, {programs().ruleset.digest: programs()}, len(log))
    assert (failed.value.offset, failed.value.subject_kind, failed.value.subject) == (2, ACCOUNT, "bad")
    assert isinstance(failed.value.__cause__, ZeroDivisionError)


@pytest.mark.usefixtures("broken")
def test_a_skip_leaves_out_one_subject_of_one_record_and_an_alert_says_so(log: list[bytes]) -> None:
    moved = state((2, ACCOUNT, "bad"))
    told = fold(moved, log, {programs().ruleset.digest: programs()}, len(log))
    alerts = [each for at, each in told if at == 2 and isinstance(each, Alert)]
    skips = [each for each in alerts if each.rule_id == "engine-skip"]
    assert [(each.subject_kind, each.subject) for each in skips] == [("account", "bad")]
    assert "bad" not in {each.subject for each in alerts if each not in skips}
    assert not moved.subject(ACCOUNT, "bad").log
    assert [leg.event_id for leg in moved.subjects[ACCOUNT, "b"].log] == ["e0", "e1"]
    assert moved.accounting.counts["world/0"].accepted == 3


@pytest.mark.usefixtures("broken")
def test_a_skip_holds_for_whom_a_new_ruleset_has_evaluated_again(log: list[bytes]) -> None:
    late = [*log[1:], log[0]]
    rulesets = {programs().ruleset.digest: programs()}
    with pytest.raises(EngineError) as failed:
        fold(state(), late, rulesets, len(late))
    known = failed.value.offset, failed.value.subject_kind, failed.value.subject
    assert known == (len(log) - 1, ACCOUNT, "bad")
    moved = state(known)
    told = fold(moved, late, rulesets, len(late))
    assert [each.subject for _, each in told if isinstance(each, Alert) and each.rule_id == "engine-skip"] == ["bad"]
    assert moved.subjects[ACCOUNT, "b"].done == 2


def test_two_partitions_that_leave_out_records_at_one_offset_have_an_alert_each() -> None:
    one, two = (skip_alert(partition, 7, *WHOLE, Position(1, 7, 1)) for partition in (0, 1))
    assert one.alert_id != two.alert_id
