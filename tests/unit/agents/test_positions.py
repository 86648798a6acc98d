"""Positions at the seams between terms."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from streams.agents.batch import TP, Batch, Committed, Revoked
from streams.agents.config import TransportConfig
from streams.agents.ledger import Ledger
from streams.agents.positions import Client, Positions, Standing, Stretch

PLACE = TP("activity", 0)
SESSION_SECONDS = 0.2


def test_what_lies_before_the_start_is_done_and_gets_committed() -> None:
    """A snapshot may be newer than the committed position; on a quiet partition nothing else would ever move that."""
    ledger = Ledger(1, 1, [PLACE])
    ledger.start({PLACE: 18}, {PLACE: Committed(14, "word")})
    assert ledger.pending() == {PLACE: Committed(18, "word")}


@pytest.mark.parametrize("start", [0, 18])
def test_who_starts_beyond_the_beginning_with_nothing_committed_commits_that(start: int) -> None:
    ledger = Ledger(1, 1, [PLACE])
    ledger.start({PLACE: start}, {})
    assert ledger.pending() == ({PLACE: Committed(18, "")} if start else {})


def test_what_was_committed_stays_done_when_reading_starts_before_it() -> None:
    ledger = Ledger(1, 1, [PLACE])
    ledger.start({PLACE: 3}, {PLACE: Committed(14, "word")})
    assert ledger.pending() == {}


@pytest.mark.parametrize(
    ("start", "committed", "chosen", "lost"),
    [
        (18, 14, {PLACE: 18}, 0),  # a snapshot newer than what is committed
        (18, 20, {PLACE: 11}, 7),  # the log begins after the snapshot now, and what is committed does not help
        (18, 14, {}, 4),  # nobody chose
    ],
)
def test_lost_is_what_lies_between_the_position_due_and_the_start(
    start: int, committed: int, chosen: dict[TP, int], lost: int
) -> None:
    ledger = Ledger(1, 1, [PLACE])
    ledger.start({PLACE: start}, {PLACE: Committed(committed, "")}, chosen)
    assert ledger.deliver(PLACE, start + 1, 0) == lost


class SlowClient(Client):
    """Answers a fetch only when it is told to, and then as a client does that was sought meanwhile."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[list[Stretch]] = asyncio.get_running_loop().create_future()
        self.at: dict[TP, int] = {}

    async def fetch(self, wanted: Collection[TP], batches_max: int, wait_seconds: float) -> list[Stretch]:  # noqa: ARG002
        return await self.answer

    def nudge(self) -> None:
        """Nobody waits."""

    async def start_at(self, offsets: Mapping[TP, int], generation: int) -> None:  # noqa: ARG002
        self.at |= offsets

    async def fetch_committed(self, tps: Collection[TP]) -> dict[TP, Committed]:  # noqa: ARG002
        return {}

    async def borders(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        return dict.fromkeys(tps, (0, 2))

    async def store(self, positions: Mapping[TP, Committed], generation: int) -> None:
        """Nothing to keep."""

    async def standings(self) -> dict[TP, Standing]:
        return {}


class Held(Positions):
    """Positions over the slow client."""

    def __init__(self, client: SlowClient) -> None:
        self.client = client
        self.prepare()

    @property
    def config(self) -> TransportConfig:
        return TransportConfig(
            prefix="test",
            role="detect",
            bootstrap="nowhere:1",
            topics=("activity",),
            session_timeout_seconds=SESSION_SECONDS,
        )

    def wanted(self) -> Collection[TP]:
        return [PLACE]

    def flowing(self) -> bool:
        return True

    async def hand_over(self, batch: Batch, generation: int) -> None:
        """No agent."""


def test_a_fetch_that_outlasts_its_term_does_not_leave_the_next_one_waiting_for_ever() -> None:
    """Its answer moves the client past records that nobody has seen; without a newer record nobody would miss them."""

    async def scene() -> None:
        client = SlowClient()
        positions = Held(client)
        positions.begin_term([PLACE], 1)
        await positions.open_term()
        await positions.go_to_start()
        fetching = asyncio.create_task(positions.deliver_some())
        await asyncio.sleep(0)
        await positions.end_term()
        positions.begin_term([PLACE], 2)
        await positions.open_term()
        await positions.go_to_start()
        client.at[PLACE] = 2
        client.answer.set_result([Stretch(PLACE, 0, 2, [])])
        await fetching
        assert client.at == {PLACE: 0}

    asyncio.run(scene())


class Group(SlowClient):
    """Knows which generation the group is in."""

    present = 1

    async def store(self, positions: Mapping[TP, Committed], generation: int) -> None:
        if generation != self.present:
            raise Revoked
        self.at |= {tp: position.offset for tp, position in positions.items()}


def test_whose_partition_it_is_the_broker_says_also_where_there_is_nothing_to_commit() -> None:
    async def scene() -> None:
        client = Group()
        positions = Held(client)
        positions.begin_term([PLACE], 1)
        await positions.prove(PLACE, 1)  # it has not begun: a keeper asks before it recovers
        await positions.open_term()
        assert positions.ledger.pending() == {}
        await positions.prove(PLACE, 1)
        assert client.at == {PLACE: 0}
        client.present = 2
        with pytest.raises(Revoked):
            await positions.prove(PLACE, 1)
        client.present = 1
        with pytest.raises(Revoked):
            await positions.prove(PLACE, 0)  # a term that is over

    asyncio.run(scene())


class LateGroup(Group):
    """The group has moved on by the time its first answer, a yes, arrives."""

    async def store(self, positions: Mapping[TP, Committed], generation: int) -> None:
        await super().store(positions, generation)
        self.present += 1
        await asyncio.sleep(SESSION_SECONDS * 2)


def test_a_proof_that_was_long_on_its_way_is_asked_for_again() -> None:
    async def scene() -> None:
        positions = Held(LateGroup())
        positions.begin_term([PLACE], 1)
        with pytest.raises(Revoked):
            await positions.prove(PLACE, 1)

    asyncio.run(scene())
