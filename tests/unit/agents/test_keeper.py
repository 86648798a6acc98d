"""What the keeper of a partition does when nothing can be written, when it has lost its place, and with what is not of its log."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast
from unittest.mock import patch

import pytest

import streams.agents.keeper as keeper_module
from streams.agents.batch import Revoked
from streams.agents.keeper import Keeper
from streams.agents.rulesets import RulesetLibrary
from streams.agents.snapshots import SnapshotTopic
from streams.errors import BrokerUnreachable, EngineError, TopicError
from streams.pipeline import PartitionState
from streams.pipeline.snapshot import Cut, Entry, SnapshotWriter


async def owner() -> None:
    """The partition is ours still."""


class Away:
    """A topic of a broker that is away."""

    partition = 0

    async def open(self) -> None:
        raise BrokerUnreachable("localhost:9092: no transactions")


def test_an_attempt_that_cannot_be_written_is_not_taken_for_a_reason_to_go_on(caplog: pytest.LogCaptureFixture) -> None:
    """Raised, it would have the batch handled again by a state that the engine has left half changed."""

    async def fail() -> None:
        keeper = Keeper(cast("SnapshotTopic", Away()), cast("RulesetLibrary", None), 30.0, owner)
        await keeper.leave_attempt(EngineError(7, 1, "a", ZeroDivisionError("made by the test")))

    with caplog.at_level(logging.ERROR):
        asyncio.run(fail())
    assert "an attempt that cannot be counted: localhost:9092: no transactions" in caplog.text
    assert "attempt 1 at offset 7" in caplog.text


class Slow:
    """A topic of a broker that takes its time."""

    partition = 0

    def __init__(self) -> None:
        self.said: list[str] = []

    async def open(self) -> None:
        self.said.append("open")

    async def put(self, _entries: object) -> None:
        self.said.append("word of the attempt")

    async def write(self, _entries: object) -> None:
        self.said.append("records begin")
        await asyncio.sleep(0.01)
        self.said.append("records end")


class Piece:
    """A snapshot of which more is to come."""

    closed = False

    def drain(self, _subjects: int) -> list[Entry]:
        return []


def test_word_of_an_attempt_does_not_get_between_the_records_of_a_snapshot() -> None:
    async def both() -> list[str]:
        topic = Slow()
        keeper = Keeper(cast("SnapshotTopic", topic), cast("RulesetLibrary", None), 30.0, owner)
        keeper._cut = cast("Cut", Piece())
        writing = asyncio.create_task(keeper.work())
        await asyncio.sleep(0)
        await keeper.leave_attempt(EngineError(7, 1, "a", ZeroDivisionError("made by the test")))
        await writing
        return topic.said

    assert asyncio.run(both()) == ["records begin", "records end", "open", "word of the attempt"]


class Healing:
    """A topic whose broker was away and is back; counts who is fenced."""

    partition = 0

    def __init__(self) -> None:
        self.opened = 0
        self.away = True
        self.closed = False

    async def open(self) -> None:
        self.opened += 1

    async def write(self, _entries: object) -> None:
        if self.away:
            raise BrokerUnreachable("localhost:9092: snapshot not written")

    async def put(self, _entries: object) -> None:
        """Taken."""

    async def commit(self) -> None:
        """Taken."""

    async def close(self) -> None:
        self.closed = True


class Cutting(Piece):
    """A snapshot that can fail."""

    def failed(self) -> None:
        """Forgotten."""


async def another() -> None:
    raise Revoked


async def broken(topic: Healing, prove: Callable[[], Awaitable[None]]) -> Keeper:
    """Give a keeper whose snapshot was broken off by the broker."""
    keeper = Keeper(cast("SnapshotTopic", topic), cast("RulesetLibrary", None), 30.0, prove)
    keeper._cut = cast("Cut", Cutting())
    await keeper.work()
    topic.away = False
    return keeper


def test_who_was_cut_off_and_replaced_fences_nobody_when_the_network_is_back() -> None:
    """It does not know yet that its term is over; to open again would end the healthy owner."""

    async def scene() -> int:
        topic = Healing()
        keeper = await broken(topic, another)
        assert not await keeper.work()
        await keeper.leave_attempt(EngineError(7, 1, "a", ZeroDivisionError("made by the test")))
        return topic.opened

    assert asyncio.run(scene()) == 0


def test_who_is_still_the_owner_opens_again() -> None:
    async def scene() -> int:
        topic = Healing()
        keeper = await broken(topic, owner)
        await keeper.work()
        return topic.opened

    assert asyncio.run(scene()) == 1


def test_a_keeper_that_was_closed_opens_nothing() -> None:
    async def scene() -> tuple[int, bool]:
        topic = Healing()
        keeper = await broken(topic, owner)
        await keeper.close()
        await keeper.work()
        return topic.opened, topic.closed

    assert asyncio.run(scene()) == (0, True)


class Kept(Healing):
    """A topic with a snapshot of a log of this epoch."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        cut = SnapshotWriter(PartitionState(epoch=epoch, next_offset=7), [], 0).cut(7)
        cut.write_all()
        self.kept = {key: value for key, value in cut.drain(1000) if value is not None}

    async def read(self) -> dict[bytes, bytes]:
        return self.kept


@pytest.mark.parametrize(("found", "configured"), [(1, 2), (2, 1)])
def test_a_snapshot_of_another_log_is_refused_with_what_to_do(found: int, configured: int) -> None:
    async def recover(epoch: int) -> PartitionState:
        keeper = Keeper(cast("SnapshotTopic", Kept(found)), cast("RulesetLibrary", {}), 30.0, owner)
        return (await keeper.recover(PartitionState(epoch=epoch), 0))[0]

    with pytest.raises(
        TopicError, match=f"is of epoch {found}, and PAYWEIR_EPOCH is {configured}: .*delete the topic snapshots"
    ):
        asyncio.run(recover(configured))
    assert asyncio.run(recover(found)).next_offset == 7


def test_a_snapshot_grows_old_only_while_it_lacks_something() -> None:
    async def scene() -> list[float]:
        topic, now = Kept(1), 100.0
        with patch.object(keeper_module, "_now", lambda: now):
            keeper = Keeper(cast("SnapshotTopic", topic), cast("RulesetLibrary", {}), 30.0, owner)
            state, _ = await keeper.recover(PartitionState(), 0)
            now = 200.0
            ages = [keeper.age_seconds()]
            state.next_offset = 9
            now = 300.0
            ages.append(keeper.age_seconds())
            topic.away = False
            keeper.begin(9)
            now = 310.0
            while await keeper.work():
                now += 1.0
            ages.append(keeper.age_seconds())
        return ages

    assert asyncio.run(scene()) == [0.0, 100.0, 0.0]
