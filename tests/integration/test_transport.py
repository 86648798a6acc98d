"""Delivery on the real broker: nothing skipped, nothing committed before it is acknowledged, whatever happens."""

import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.agents.retry import EXIT_BUG
from tests.rig.fleet import Fleet, FleetWorker
from tests.rig.kafka import KafkaBroker, end_offsets, producer
from tests.rig.process import wait_until
from tests.rig.transport_worker import Task

pytestmark = pytest.mark.integration

PARTITIONS = 4


def fill(kafka: KafkaBroker, topic: str, count: int, first: int = 0) -> set[str]:
    """Send ``count`` values, spread over the partitions in order; returns them."""
    sender = producer(kafka.bootstrap)
    for number in range(first, first + count):
        sender.send(topic, b"%d" % number, partition=number % PARTITIONS)
    sender.flush()
    sender.close()
    return {str(number) for number in range(first, first + count)}


@pytest.fixture
def topic(kafka: KafkaBroker) -> str:
    name = f"transport-{uuid.uuid4().hex[:8]}"
    kafka.create_topic(name, PARTITIONS)
    return name


@pytest.fixture
def fleet(kafka: KafkaBroker, topic: str, tmp_path: Path) -> Iterator[Fleet]:
    task = Task(prefix=topic, bootstrap=kafka.bootstrap, topics=[topic], journal="")
    with Fleet(task, tmp_path) as workers:
        yield workers


def stop(worker: FleetWorker, seconds: float = 10) -> None:
    """SIGTERM; the worker must end by itself with 0 in time."""
    worker.child.send(signal.SIGTERM)
    assert worker.child.wait(seconds) == 0


def join(kafka: KafkaBroker, topic: str, fleet: Fleet, number: int) -> tuple[FleetWorker, set[str]]:
    """Start one more worker and send records until it has acknowledged five batches, however long its start takes."""
    worker, sent = fleet.start(work_seconds=0.1), set[str]()

    def joined() -> bool:
        if worker.has("ack", 5):
            return True
        sent.update(fill(kafka, topic, 200, first=number + len(sent)))
        # A quarter of what the worker that is there handles meanwhile.
        time.sleep(0.4)
        return False

    wait_until(joined, 60, "5 ack of the worker that joins")
    return worker, sent


def assert_everything_is_committed(fleet: Fleet, kafka: KafkaBroker, topic: str) -> None:
    """Committed equals acknowledged equals the end of the log, and each commit has the metadata of its ack."""
    ends = end_offsets(kafka.bootstrap, topic, PARTITIONS)
    assert fleet.acknowledged() == ends
    assert fleet.committed() == {partition: (end, f"w{end}") for partition, end in ends.items()}


def test_every_record_is_delivered_once_and_in_order(kafka: KafkaBroker, topic: str, fleet: Fleet) -> None:
    sent = fill(kafka, topic, 50_000)
    worker = fleet.start()
    fleet.wait_for_the_end(worker, PARTITIONS)
    stop(worker)
    handled = fleet.handled()
    assert handled.keys() == sent
    assert set(handled.values()) == {1}
    for partition in range(PARTITIONS):
        offsets = [offset for line in worker.lines() if line.partition == partition for offset in line.offsets]
        assert offsets == list(range(50_000 // PARTITIONS))
    assert_everything_is_committed(fleet, kafka, topic)


@pytest.mark.parametrize("broken", [False, True], ids=["real", "without going back"])
def test_a_dropped_batch_is_read_again(kafka: KafkaBroker, topic: str, fleet: Fleet, *, broken: bool) -> None:
    """The flow is suspended again and again between a fetch and its delivery; the broken build must be noticed."""
    sent = fill(kafka, topic, 50_000)
    worker = fleet.start(toggle=True, broken=broken)
    fleet.wait_for_the_end(worker, PARTITIONS)
    stop(worker)
    handled = fleet.handled()
    if broken:
        assert handled.keys() < sent
        return
    assert "going back to" in worker.child.log.read_text(), "nothing was dropped: the test tests nothing"
    assert handled.keys() == sent
    assert set(handled.values()) == {1}


def test_workers_that_come_go_and_are_killed_lose_nothing(kafka: KafkaBroker, topic: str, fleet: Fleet) -> None:
    sent = fill(kafka, topic, 20_000)
    first = fleet.start(work_seconds=0.1)
    fleet.wait(first, "ack", 5)
    second, more = join(kafka, topic, fleet, 20_000)
    sent |= more
    assert len({line.term for line in first.lines()}) > 1, "no rebalance: the test tests nothing"
    first.child.kill()
    for partition, (offset, _) in fleet.committed().items():
        assert offset <= fleet.acknowledged()[partition]
    fleet.wait_for_the_end(second, PARTITIONS)
    stop(second)
    assert fleet.handled().keys() == sent
    assert_everything_is_committed(fleet, kafka, topic)


def test_clean_rebalances_redo_nothing(kafka: KafkaBroker, topic: str, fleet: Fleet) -> None:
    """Joining and leaving costs no repeated work, because the batch in hand is finished and committed first."""
    sent = fill(kafka, topic, 20_000)
    first = fleet.start(work_seconds=0.1)
    fleet.wait(first, "ack", 5)
    second, more = join(kafka, topic, fleet, 20_000)
    sent |= more
    stop(first)
    fleet.wait_for_the_end(second, PARTITIONS)
    stop(second)
    handled = fleet.handled()
    assert handled.keys() == sent
    assert set(handled.values()) == {1}
    assert_everything_is_committed(fleet, kafka, topic)


def test_two_topics_share_workers_partition_by_partition(kafka: KafkaBroker, topic: str, fleet: Fleet) -> None:
    """Partition i of both topics belongs to one worker, as one ordered state per partition needs it."""
    second = f"{topic}-second"
    kafka.create_topic(second, PARTITIONS)
    fleet.template.topics.append(second)
    sent = fill(kafka, topic, 10_000) | fill(kafka, second, 10_000, first=10_000)
    workers = [fleet.start(work_seconds=0.05, batch_records=100), fleet.start(work_seconds=0.05, batch_records=100)]
    wait_until(lambda: fleet.handled().keys() == sent, 60, "everything handled")
    shared = 0
    for worker in workers:
        last_term = max(line.term for line in worker.lines())
        owned: dict[str, set[int]] = {topic: set(), second: set()}
        for line in worker.lines():
            if line.kind == "batch" and line.term == last_term:
                owned[line.topic].add(line.partition)
        assert owned[topic] == owned[second]
        shared += len(owned[topic])
    assert shared == PARTITIONS
    for worker in workers:
        stop(worker)


def test_a_stop_finishes_the_batch_in_hand_and_commits_what_is_acknowledged(
    kafka: KafkaBroker, topic: str, fleet: Fleet
) -> None:
    fill(kafka, topic, 20_000)
    worker = fleet.start(work_seconds=0.3, commit_seconds=0.0)
    fleet.wait(worker, "ack", 3)
    assert fleet.committed() == {}, "nothing is committed without our word"
    stop(worker)
    lines = worker.lines()
    assert lines[-1].kind == "ack"
    assert {p: offset for p, (offset, _) in fleet.committed().items()} == fleet.acknowledged()


def test_a_zombie_neither_loses_nor_rewinds(kafka: KafkaBroker, topic: str, fleet: Fleet) -> None:
    """Frozen beyond the session timeout, overtaken, thawed: its batch is dropped and its commit refused."""
    sent = fill(kafka, topic, 20_000)
    zombie = fleet.start(work_seconds=0.05, session_seconds=2.0)
    fleet.wait(zombie, "ack", 10)
    zombie.child.pause()
    other = fleet.start(session_seconds=2.0)
    fleet.wait_for_the_end(other, PARTITIONS)
    before = fleet.committed()
    zombie.child.send(signal.SIGCONT)
    wait_until(lambda: len({line.term for line in zombie.lines()}) > 1 or zombie.has("end"), 30, "the zombie rejoined")
    fill(kafka, topic, 400, first=20_000)
    wait_until(lambda: len(fleet.handled()) == len(sent) + 400, 30, "both go on")
    for worker in fleet.workers:
        stop(worker)
    for partition, (offset, _) in before.items():
        assert fleet.committed()[partition][0] >= offset
    assert_everything_is_committed(fleet, kafka, topic)


def test_a_fault_of_the_infrastructure_is_waited_out_and_the_batch_done_again(
    kafka: KafkaBroker, topic: str, fleet: Fleet
) -> None:
    sent = fill(kafka, topic, 4_000)
    worker = fleet.start(fault_at=2)
    fleet.wait_for_the_end(worker, PARTITIONS)
    stop(worker)
    assert sum(line.kind == "fault" for line in worker.lines()) == 1
    assert fleet.handled().keys() == sent


def test_a_bug_ends_the_process_and_nothing_of_its_batch_is_committed(
    kafka: KafkaBroker, topic: str, fleet: Fleet
) -> None:
    sent = fill(kafka, topic, 4_000)
    worker = fleet.start(bug_at=3)
    assert worker.child.wait(30) == EXIT_BUG
    assert "ZeroDivisionError" in worker.child.log.read_text()
    for partition, (offset, _) in fleet.committed().items():
        assert offset <= fleet.acknowledged()[partition]
    again = fleet.start()
    fleet.wait_for_the_end(again, PARTITIONS)
    stop(again)
    assert fleet.handled().keys() == sent


def test_a_task_that_is_cancelled_by_nobody_ends_the_process(fleet: Fleet) -> None:
    """Faust would drop it without a word, and a worker would go on that writes no snapshots, or tells no watermarks."""
    worker = fleet.start(stray=True)
    assert worker.child.wait(60) == EXIT_BUG
    assert "cancelled by nobody" in worker.child.log.read_text()


def test_markers_and_aborted_transactions_do_not_keep_the_end_away(
    kafka: KafkaBroker, topic: str, fleet: Fleet
) -> None:
    """Committed, aborted, committed, each in all partitions; the log then ends with a marker nobody can see."""
    sender = producer(kafka.bootstrap, transactional_id=topic)
    sender.init_transactions()
    for round_number, commit in enumerate((True, False, True, False)):
        sender.begin_transaction()
        for partition in range(PARTITIONS):
            sender.send(topic, b"%d-%d" % (round_number, partition), partition=partition)
        sender.flush()
        if commit:
            sender.commit_transaction()
        else:
            sender.abort_transaction()
    sender.close()
    worker = fleet.start()
    fleet.wait_for_the_end(worker, PARTITIONS)
    stop(worker)
    assert fleet.handled().keys() == {f"{number}-{partition}" for number in (0, 2) for partition in range(PARTITIONS)}
    ends = end_offsets(kafka.bootstrap, topic, PARTITIONS)
    assert {partition: offset for partition, (offset, _) in fleet.committed().items()} == ends


def test_a_replay_starts_where_the_hook_says_and_commits_never_go_back(
    kafka: KafkaBroker, topic: str, fleet: Fleet
) -> None:
    sent = fill(kafka, topic, 8_000)
    first = fleet.start()
    fleet.wait_for_the_end(first, PARTITIONS)
    stop(first)
    before = fleet.committed()
    again = fleet.start(replay=True, work_seconds=0.05, commit_seconds=0.05)
    fleet.wait(again, "ack", 10)
    assert fleet.committed() == before
    fleet.wait_for_the_end(again, PARTITIONS)
    stop(again)
    assert {value for line in again.lines() for value in line.values} == sent
    assert fleet.committed() == before


def test_a_broker_that_is_killed_and_comes_back_costs_nothing_but_time(
    kafka: KafkaBroker, topic: str, fleet: Fleet
) -> None:
    if kafka.version == "given":
        pytest.xfail("a broker from the environment cannot be killed")
    copy = f"{topic}-copy"
    kafka.create_topic(copy, PARTITIONS)
    sent = fill(kafka, topic, 20_000)
    worker = fleet.start(copy_to=copy, work_seconds=0.05)
    fleet.wait(worker, "ack", 10)
    kafka.kill()
    try:
        time.sleep(3)
    finally:
        kafka.start()
    fleet.wait_for_the_end(worker, PARTITIONS, seconds=120)
    stop(worker)
    assert fleet.handled().keys() == sent
    assert_everything_is_committed(fleet, kafka, topic)
    assert sum(end_offsets(kafka.bootstrap, copy, PARTITIONS).values()) >= len(sent)
