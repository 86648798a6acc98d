"""What detect does at the rim: what it sends goes out in pieces, and it folds nothing over a gap in the log."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import cast
from unittest.mock import patch

import pytest

import streams.agents.detect as detect_module
from streams.agents.batch import TP, Batch, Record
from streams.agents.delivery import Delivery, Handle
from streams.agents.detect import DetectWorker, Held
from streams.agents.keeper import Keeper
from streams.agents.ledger import Ledger
from streams.agents.outbox import RECORDS_MAX, Outbox
from streams.agents.producer import Outgoing
from streams.agents.roles import Plan
from streams.agents.rulesets import RulesetLibrary
from streams.agents.snapshots import SnapshotTopic
from streams.errors import BrokerUnreachable, LogError
from streams.legs import FORMAT_VERSION, Packed, pack
from streams.pipeline import Outputs, PartitionState
from streams.settings.topics import ACTIVITY
from streams.telemetry.metrics import Metrics
from tests.unit.store.samples import mule_alert

PLACE = TP(ACTIVITY, 0)
PIECES = 3


class Taker:
    """Acknowledges what is sent, but for the second piece at the first try."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.sizes: list[int] = []

    async def send_all(self, records: Iterable[Outgoing]) -> None:
        several = list(records)
        self.sizes.append(len(several))
        if len(self.sizes) == 2:
            raise BrokerUnreachable("not acknowledged")
        self.sent += several


class Standing:
    """Positions of a term that goes on."""

    def __init__(self) -> None:
        self.ledger = Ledger(1, 1, [PLACE])
        self.ledger.start({PLACE: 0}, {})
        self.ledger.deliver(PLACE, 1, 0)
        self.acknowledged = 0

    def check(self, term: int) -> None:
        assert term == 1

    def acknowledge(self, tp: TP, next_offset: int, *, term: int) -> None:
        assert (tp, term) == (PLACE, 1)
        self.acknowledged = next_offset


class Rim:
    """The world around the worker."""

    should_stop = False

    def __init__(self) -> None:
        self.sender, self.positions = Taker(), Standing()

    def attach(self, handle: Handle, *, metrics: Metrics) -> None:
        """Batches come from the test."""

    def task(self, fun: Callable[[], Awaitable[None]]) -> None:
        """No task runs."""

    def rulesets(self, _metrics: Metrics) -> RulesetLibrary:
        return cast("RulesetLibrary", {})


async def owner() -> None:
    """The partition is ours still."""


def holding(rim: Rim) -> DetectWorker:
    """Give a worker that holds one partition from its beginning."""
    worker = DetectWorker(Plan("test", "nowhere:1", 1), cast("Delivery", rim))
    keeper = Keeper(cast("SnapshotTopic", None), worker.rulesets, 30.0, owner)
    worker.held[PLACE] = Held(PartitionState(), 0, keeper, Outbox(0, 1, Metrics()), 1, recovered=True)
    return worker


def batch(first_offset: int, lost: int = 0) -> Batch:
    value = pack(Packed(FORMAT_VERSION, "test", [], [], {}))
    return Batch(*PLACE, first_offset, first_offset + 1, [Record(first_offset, 0, None, value, ())], 1, lost)


def test_however_much_follows_from_a_record_it_goes_out_in_pieces_and_a_retry_goes_on_where_it_stopped() -> None:
    many = [mule_alert(offset=number) for number in range(PIECES * RECORDS_MAX)]
    rim = Rim()

    async def scene() -> None:
        worker = holding(rim)
        with patch.object(detect_module, "step", lambda *_: Outputs(list(many), [])):
            with pytest.raises(BrokerUnreachable):
                await worker.handle(batch(0))
            assert rim.positions.acknowledged == 0
            await worker.handle(batch(0))

    asyncio.run(scene())
    assert rim.sender.sizes == [RECORDS_MAX] * (PIECES + 1)
    assert len(rim.sender.sent) == len(many)
    assert rim.positions.acknowledged == 1


def test_nothing_is_folded_over_records_that_were_deleted_before_they_were_read() -> None:
    rim = Rim()

    async def scene() -> DetectWorker:
        worker = holding(rim)
        with pytest.raises(LogError, match=r"3 offsets before 3 were deleted .* raise activity_retention_ms"):
            await worker.handle(batch(3, lost=3))
        return worker

    worker = asyncio.run(scene())
    assert worker.held[PLACE].state.next_offset == 0
    assert rim.positions.acknowledged == 0


@pytest.mark.parametrize(("term", "worked"), [(1, True), (2, False)])
def test_a_keeper_of_an_older_term_is_left_alone_before_the_next_one_has_its_own(term: int, *, worked: bool) -> None:
    """At the beginning of a term the partitions of the one before are still held, and the new term has not ended."""
    rim = Rim()

    async def scene() -> list[bool]:
        worker = holding(rim)
        rim.positions.ledger = Ledger(term, term, [PLACE])
        rim.positions.ledger.start({PLACE: 0}, {})
        found: list[bool] = []

        async def work(_keeper: Keeper) -> bool:
            found.append(True)
            return False

        with patch.object(Keeper, "work", work):
            writing = asyncio.create_task(worker._snapshot_for_ever())
            await asyncio.sleep(0.01)
            writing.cancel()
        return found

    assert bool(asyncio.run(scene())) is worked
