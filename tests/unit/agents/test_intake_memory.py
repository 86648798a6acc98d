"""What intake remembers of a source travels in the metadata of the committed offset."""

import pytest

from streams.agents.app import make_app
from streams.agents.batch import TP, Committed
from streams.agents.intake import IntakeWorker
from streams.agents.roles import Plan
from streams.legs import Leg, LegKind
from streams.pipeline import Intake, RawRecord, SourceState
from streams.pipeline.partition import PartitionState
from tests.rig.samples import PAYMENT, RECEIVED_MS, changed

SOURCE = TP("payments", 0)
NEW = RawRecord(5, RECEIVED_MS, changed(PAYMENT))
OLD = RawRecord(6, RECEIVED_MS, changed(PAYMENT, event_id="e2", event_time="2025-12-20T09:00:00Z"))


def worker(epoch: int = 1) -> IntakeWorker:
    plan = Plan("test", "127.0.0.1:1", 1, epoch=epoch)
    return IntakeWorker(plan, make_app(plan.transport("intake")))


def accounting(legs: list[Leg]) -> list[tuple[str, bool]]:
    return [(leg.event_id, leg.late) for leg in legs if leg.kind == LegKind.ACCOUNTING]


@pytest.mark.parametrize("epoch", [1, 2])
def test_whoever_reads_on_judges_lateness_alike_and_a_new_log_is_counted_anew(epoch: int) -> None:
    before = SourceState(*SOURCE)
    Intake().take(before, [NEW])
    kept = Committed(6, worker()._remember(before))
    after = worker(epoch)._recall(SOURCE, kept)
    assert after.watermark == before.watermark
    assert after.found == (1 if epoch == 1 else 0)
    for _ in range(2):
        again = worker(epoch)._recall(SOURCE, kept)
        assert accounting(Intake().take(again, [OLD]).legs[0]) == [("e2", True)]
        told = again.told(epoch)
        assert (told.first_offset, told.revision.offset, told.found) == ((5, 7, 2) if epoch == 1 else (6, 7, 1))


def test_the_source_that_is_furthest_behind_holds_the_watermark() -> None:
    state = PartitionState(sources=("payments/0", "payments/1"), watermarks={"payments/0": 9, "payments/1": 7, "x": 1})
    assert (state.holder, state.low) == ("payments/1", 7)
    state.sources = ("payments/0", "payments/1", "settlements/0")
    assert state.holder == "settlements/0"
    assert PartitionState().holder is None
