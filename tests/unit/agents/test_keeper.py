"""What the keeper of a partition does when the engine has failed and nothing can be written."""

import asyncio
import logging
from typing import cast

import pytest

from streams.agents.keeper import Keeper
from streams.agents.rulesets import RulesetLibrary
from streams.agents.snapshots import SnapshotTopic
from streams.errors import BrokerUnreachable, EngineError


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
