"""What the keeper of a partition does when the engine has failed and nothing can be written."""

import asyncio
import logging
from typing import cast

import pytest

from streams.agents.keeper import Keeper
from streams.agents.rulesets import RulesetLibrary
from streams.agents.snapshots import SnapshotTopic
from streams.errors import BrokerUnreachable, EngineError
from streams.pipeline.snapshot import Cut, Entry


class Away:
    """A topic of a broker that is away."""

    partition = 0

    async def open(self) -> None:
        raise BrokerUnreachable("localhost:9092: no transactions")


def test_an_attempt_that_cannot_be_written_is_not_taken_for_a_reason_to_go_on(caplog: pytest.LogCaptureFixture) -> None:
    """Raised, it would have the batch handled again by a state that the engine has left half changed."""

    async def fail() -> None:
        keeper = Keeper(cast("SnapshotTopic", Away()), cast("RulesetLibrary", None), 30.0)
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
        keeper = Keeper(cast("SnapshotTopic", topic), cast("RulesetLibrary", None), 30.0)
        keeper._cut = cast("Cut", Piece())
        writing = asyncio.create_task(keeper.work())
        await asyncio.sleep(0)
        await keeper.leave_attempt(EngineError(7, 1, "a", ZeroDivisionError("made by the test")))
        await writing
        return topic.said

    assert asyncio.run(both()) == ["records begin", "records end", "open", "word of the attempt"]
