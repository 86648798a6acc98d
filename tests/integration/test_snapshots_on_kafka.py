"""Snapshots on a real broker: one writer, all or nothing; and a record that ends the engine does not stop a partition for ever."""

import asyncio
import sys
from pathlib import Path
from random import Random

import pytest
from aiokafka.errors import InvalidProducerEpoch, ProducerFenced

from streams.agents.config import TransportConfig
from streams.agents.retry import EXIT_BUG, EXIT_FENCED
from streams.agents.snapshots import KafkaWriter, SnapshotTopic
from streams.agents.topics import plan
from streams.errors import BrokerUnreachable, ZombieError
from streams.settings import Settings
from streams.settings.topics import ACTIVITY, SNAPSHOTS
from tests.rig.cluster import UNAPPROVED, Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.order_data import START_MS, Payment
from tests.rig.order_run import ROOT
from tests.rig.postgres import PostgresServer
from tests.rig.process import wait_until
from tests.rig.topics import drop_topics

pytestmark = pytest.mark.integration


@pytest.fixture
def config(kafka: KafkaBroker) -> TransportConfig:
    drop_topics(kafka.bootstrap)
    kafka.create_topic(SNAPSHOTS, 2, {"cleanup.policy": "compact"})
    return TransportConfig("snapshot-test", "detect", kafka.bootstrap, (ACTIVITY,))


async def kept(topic: SnapshotTopic) -> dict[bytes, bytes]:
    """Open and read, as a new owner does: opening waits for transactions that are committed but not yet marked as such."""
    await topic.open()
    return await topic.read()


async def recovered(config: TransportConfig, partition: int) -> dict[bytes, bytes]:
    """What the next owner will read."""
    topic = SnapshotTopic(config, partition)
    try:
        return await kept(topic)
    finally:
        await topic.close()


def test_a_snapshot_is_seen_whole_or_not_at_all(config: TransportConfig) -> None:
    async def scene() -> None:
        first, second = SnapshotTopic(config, 1), SnapshotTopic(config, 1)
        assert await kept(first) == {}
        await first.write([(b"a", b"1"), (b"b", b"1")])
        await first.commit()
        await first.write([(b"a", b"2"), (b"b", None)])
        assert await kept(second) == {b"a": b"1", b"b": b"1"}
        await second.put([(b"b", None), (b"big", bytes(700_000))])
        assert sorted(await recovered(config, 1)) == [b"a", b"big"]
        await first.close()
        await second.close()

    asyncio.run(scene())


def test_a_large_subject_is_written_and_read_back(config: TransportConfig, kafka: KafkaBroker) -> None:
    """What a merchant sells in a day is one record, and does not always squeeze; the topic is as ``topics create`` makes it."""
    designed = {one.name: dict(one.config) for one in plan(Settings(bootstrap=kafka.bootstrap))}
    drop_topics(kafka.bootstrap)
    # The broker of the tests has small segments, and a record must fit one; the default is 1 GiB.
    kafka.create_topic(SNAPSHOTS, 2, {**designed[SNAPSHOTS], "segment.bytes": str(1 << 28)})
    large = Random(7).randbytes(20 << 20)

    async def scene() -> None:
        topic = SnapshotTopic(config, 0)
        await topic.open()
        await topic.put([(b"before", b"1"), (b"large", large), (b"after", b"1")])
        await topic.put([(b"last", b"1")])
        await topic.close()
        assert await recovered(config, 0) == {b"before": b"1", b"large": large, b"after": b"1", b"last": b"1"}

    asyncio.run(scene())


def test_an_older_writer_is_refused_and_cannot_come_back_unnoticed(config: TransportConfig) -> None:
    async def scene() -> None:
        zombie, owner = SnapshotTopic(config, 0), SnapshotTopic(config, 0)
        await zombie.open()
        await zombie.write([(b"a", b"old")])
        await owner.open()
        await owner.put([(b"a", b"new")])
        with pytest.raises(ZombieError):
            await zombie.put([(b"a", b"older")])
        with pytest.raises(ZombieError):
            await zombie.open()
        assert await recovered(config, 0) == {b"a": b"new"}
        await zombie.close()
        await owner.close()

    asyncio.run(scene())


def test_a_writer_refused_for_good_says_so_at_every_further_step(config: TransportConfig) -> None:
    """The client gives the cause at the first refusal only; a later step of the same snapshot may be the one that hears of it."""

    async def scene() -> None:
        zombie, owner = KafkaWriter(config, 0), KafkaWriter(config, 0)
        try:
            await zombie.start()
            await zombie.begin()
            await zombie.append([(b"a", b"old")])
            await owner.start()
            steps = (lambda: zombie.append([(b"b", b"older")]), zombie.commit, zombie.begin)
            for step in (*steps, *steps):
                with pytest.raises((ProducerFenced, InvalidProducerEpoch)):
                    await step()
        finally:
            await zombie.drop()
            await owner.drop()

    asyncio.run(scene())


def test_a_writer_may_close_before_its_client_has_had_a_turn(config: TransportConfig) -> None:
    """A rebalance right after an assignment does that; the cancellation of the client's task must not end ours."""

    async def scene() -> None:
        topic = SnapshotTopic(config, 0)
        await topic.open()
        await topic.close()

    asyncio.run(scene())


def test_opening_again_after_a_fault_is_no_zombie(config: TransportConfig) -> None:
    async def scene() -> None:
        topic = SnapshotTopic(config, 0)
        await topic.open()
        await topic.write([(b"half", b"1")])
        await topic.open()
        await topic.put([(b"whole", b"1")])
        assert await recovered(config, 0) == {b"whole": b"1"}
        await topic.close()

    asyncio.run(scene())


@pytest.mark.parametrize("step", ["write", "commit"])
def test_who_waits_for_a_silent_broker_is_let_go_when_the_writer_closes(
    config: TransportConfig, kafka: KafkaBroker, step: str
) -> None:
    """A rebalance closes the writer while the task of snapshots waits; the task must go on to the next term."""
    if kafka.version == "given":
        pytest.xfail("a broker from the environment cannot be paused")

    async def scene() -> None:
        topic = SnapshotTopic(config, 0)
        await topic.open()
        await topic.write([(b"a", b"1")])
        kafka.pause()
        try:
            waiting = asyncio.create_task(topic.commit() if step == "commit" else topic.write([(b"b", b"1")]))
            await asyncio.sleep(0.5)
            assert not waiting.done()
            closing = asyncio.create_task(topic.close())
            with pytest.raises(BrokerUnreachable):
                await asyncio.wait_for(waiting, 15)
            await closing
        finally:
            kafka.resume()

    asyncio.run(scene())


def test_a_worker_that_finds_another_in_its_place_ends_with_a_code_of_its_own(
    kafka: KafkaBroker, database_url: str, tmp_path: Path
) -> None:
    drop_topics(kafka.bootstrap)
    with Cluster(kafka.bootstrap, database_url, tmp_path, 2) as cluster:
        cluster.settings["PAYWEIR_PREFIX"] = "fenced"
        cluster.prepare(ROOT / "rules")
        worker = cluster.start("detect", "detect")
        cluster.watch("detect").wait_ready()

        async def take_over() -> None:
            topic = SnapshotTopic(TransportConfig("fenced", "detect", kafka.bootstrap, (ACTIVITY,)), 0)
            await topic.open()
            await topic.close()

        asyncio.run(take_over())
        # The ruleset once more, so that there is something to snapshot.
        cluster.run("rules", "publish", str(ROOT / "rules"), "--emergency", UNAPPROVED)
        assert worker.wait(60) == EXIT_FENCED
        said = (tmp_path / "detect.log").read_text()
        assert "another worker writes here now" in said
        assert "Traceback" not in said
    drop_topics(kafka.bootstrap)


def test_a_record_that_ends_the_engine_is_left_out_for_its_subject_at_the_fourth_start(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    sent = [
        Payment(f"e{n}", START_MS + n, 0, "bank", debtor, "payee", 100, "CNY")
        for n, debtor in enumerate(("a", "bad", "c"))
    ]
    stream = tmp_path / "payments.jsonl"
    stream.write_bytes(b"".join(each.line() + b"\n" for each in sent))
    faulty = (sys.executable, "-m", "tests.rig.engine_fault", "bad")
    with KafkaBroker() as broker, Cluster(broker.bootstrap, postgres.create_database(), tmp_path) as cluster:
        cluster.prepare(ROOT / "rules")
        cluster.start("intake")
        cluster.start("record")
        cluster.run("produce", str(stream), "--end", "--wait", "60")
        for start in range(3):
            assert cluster.start("detect", f"detect-{start}", faulty).wait(60) == EXIT_BUG
            del cluster.workers[f"detect-{start}"]
        cluster.start("detect", "detect-3", faulty)
        wait_until(lambda: bool(cluster.found()), 60, "the skip is in the store")
        assert [(each.rule_id, each.subject) for each in cluster.found().values()] == [("engine-skip", "bad")]
        cluster.stop("detect-3")
        cluster.start("detect", "detect-4", faulty)
        cluster.watch("detect-4").wait_ready()
