"""A subject over its bound keeps its newest legs, says so, and its windows go on as if nothing had happened."""

from itertools import pairwise

import pytest

from streams.alerts.model import Alert, Outcome
from streams.legs import SubjectKind
from streams.pipeline import SourceState
from streams.pipeline.intake import RawRecord
from streams.replay.embedded import Embedded
from streams.state import forgetting
from tests.rig.order_data import START_MS, Payment
from tests.rig.order_run import programs

BOUND = 40
PAYMENTS = 300
SHOP = "shop"


def feed(chunk: int) -> tuple[Embedded, dict[str, Alert]]:
    """A payment a minute from ever new payers, ``chunk`` of them to a record."""
    alerts: dict[str, Alert] = {}

    def sink(outcomes: list[Outcome]) -> None:
        alerts.update({each.alert_id: each for each in outcomes if isinstance(each, Alert)})

    source = SourceState("payments", 0)
    embedded = Embedded(programs(), (source.name,), sink)
    lines = [
        Payment(f"e{n:04}", START_MS + n * 60_000, 0, "bank", f"payer-{n}", SHOP, 1_000_000, "CNY").line()
        for n in range(PAYMENTS)
    ]
    for first in range(0, PAYMENTS, chunk):
        records = [RawRecord(first + n, 1 << 50, line) for n, line in enumerate(lines[first : first + chunk])]
        assert not embedded.feed(source, records)
    return embedded, alerts


@pytest.mark.parametrize("chunk", [1, 7, 60])
def test_it_keeps_its_newest_legs_and_is_flagged(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(forgetting, "LEGS_MAX", BOUND)
    embedded, alerts = feed(chunk)
    subject = embedded.states[0].subjects[int(SubjectKind.ACCOUNT), SHOP]
    assert subject.approximate
    assert BOUND <= len(subject.log) <= 2 * BOUND
    assert subject.log[-1].event_id == f"e{PAYMENTS - 1:04}"
    assert all(later.time - earlier.time == 60_000 for earlier, later in pairwise(subject.log))
    fan_in = [each for each in alerts.values() if each.rule_id == "fan-in-new-payers"]
    assert fan_in
    assert all(each.approximate for each in fan_in)


def test_below_its_bound_nothing_is_forgotten_and_nothing_flagged() -> None:
    embedded, alerts = feed(7)
    subject = embedded.states[0].subjects[int(SubjectKind.ACCOUNT), SHOP]
    assert len(subject.log) == PAYMENTS
    assert not subject.approximate
    assert not any(each.approximate for each in alerts.values())
