"""Who may write snapshots of a partition."""

import asyncio
from collections.abc import Iterable

import pytest

from streams.agents.batch import Revoked
from streams.agents.config import TransportConfig
from streams.agents.snapshots import SnapshotTopic, Writer
from streams.errors import ZombieError
from streams.pipeline.snapshot import Entry


class Stranger(Writer):
    """A writer whose broker has seen another one meanwhile: every time it opens the epoch is further than it can know of."""

    epochs = iter((0, 2, 3))

    async def start(self) -> tuple[int, int]:
        return 1, next(self.epochs)

    async def begin(self) -> None:
        return

    async def append(self, entries: Iterable[Entry]) -> int:
        return len(list(entries))

    async def commit(self) -> None:
        return

    async def read(self) -> dict[bytes, bytes]:
        return {}

    async def drop(self) -> None:
        return


def test_who_has_found_another_in_its_place_never_writes_again() -> None:
    """At the second try the epoch looks like its own: one more than what it saw. What it would write is of long ago."""

    async def insist() -> None:
        config = TransportConfig("test", "detect", "localhost:9", ("activity",))
        topic = SnapshotTopic(config, 0, lambda _config, _place: Stranger())
        await topic.open()
        with pytest.raises(ZombieError):
            await topic.open()
        with pytest.raises(ZombieError):
            await topic.open()

    asyncio.run(insist())


class Slow(Stranger):
    """A writer that takes its time to connect."""

    dropped = False

    async def start(self) -> tuple[int, int]:
        await asyncio.sleep(0.01)
        return 1, 0

    async def drop(self) -> None:
        self.dropped = True


def test_a_topic_that_is_closed_while_it_connects_leaves_no_client_behind_and_never_opens_again() -> None:
    async def scene() -> None:
        writer = Slow()
        topic = SnapshotTopic(TransportConfig("test", "detect", "localhost:9", ("activity",)), 0, lambda *_: writer)
        opening = asyncio.create_task(topic.open())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await topic.close()
        writer.dropped = False
        with pytest.raises(Revoked):
            await opening
        assert writer.dropped
        with pytest.raises(Revoked):
            await topic.open()

    asyncio.run(scene())
