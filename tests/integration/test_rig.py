"""The test rig itself: both servers are real, transactions work, and outages can be made."""

import uuid

import psycopg
import pytest
from kafka import KafkaConsumer, TopicPartition
from sqlalchemy import create_engine, text

from tests.rig.kafka import KafkaBroker, answers, end_offsets, producer
from tests.rig.postgres import PostgresServer

pytestmark = pytest.mark.integration

PARTITIONS = 3


@pytest.fixture
def topic(kafka: KafkaBroker) -> str:
    """A new topic of three partitions."""
    name = f"rig-{uuid.uuid4().hex[:8]}"
    kafka.create_topic(name, PARTITIONS)
    return name


def read_committed(bootstrap: str, topic: str) -> dict[int, list[bytes | None]]:
    """All committed values per partition, up to the end offsets."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False)
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    ends = consumer.end_offsets(partitions)
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    values: dict[int, list[bytes | None]] = {number: [] for number in range(PARTITIONS)}
    while any(consumer.position(tp) < ends[tp] for tp in partitions):
        for tp, records in consumer.poll(timeout_ms=500).items():
            values[tp.partition] += [record.value for record in records]
    consumer.close()
    return values


def test_a_committed_transaction_is_read_in_every_partition_and_an_aborted_one_in_none(
    kafka: KafkaBroker, topic: str
) -> None:
    sender = producer(kafka.bootstrap, transactional_id=f"tx-{topic}")
    sender.init_transactions()
    for value, commit in ((b"first", True), (b"aborted", False), (b"second", True)):
        sender.begin_transaction()
        for number in range(PARTITIONS):
            sender.send(topic, value, partition=number)
        if commit:
            sender.commit_transaction()
        else:
            sender.flush()
            sender.abort_transaction()
    sender.close()
    assert read_committed(kafka.bootstrap, topic) == {number: [b"first", b"second"] for number in range(PARTITIONS)}


def test_records_of_an_open_transaction_stay_invisible(kafka: KafkaBroker, topic: str) -> None:
    sender = producer(kafka.bootstrap, transactional_id=f"tx-{topic}")
    sender.init_transactions()
    sender.begin_transaction()
    sender.send(topic, b"open", partition=0)
    sender.flush()
    assert end_offsets(kafka.bootstrap, topic, PARTITIONS)[0] == 0
    sender.abort_transaction()
    sender.close()


def test_the_broker_keeps_its_data_over_a_kill_and_a_restart(kafka: KafkaBroker, topic: str) -> None:
    if kafka.version == "given":
        pytest.xfail("a broker from the environment cannot be killed")
    sender = producer(kafka.bootstrap)
    sender.send(topic, b"kept", partition=1).get(timeout=10)
    sender.close()
    before = kafka.bootstrap
    kafka.kill()
    assert not answers(before)
    kafka.start()
    assert kafka.bootstrap == before
    kafka.restart()
    assert read_committed(kafka.bootstrap, topic)[1] == [b"kept"]


def test_the_broker_can_be_frozen_and_thawed(kafka: KafkaBroker) -> None:
    if kafka.version == "given":
        pytest.xfail("a broker from the environment cannot be frozen")
    kafka.pause()
    try:
        assert not answers(kafka.bootstrap)
    finally:
        kafka.resume()
    assert answers(kafka.bootstrap)


def test_postgres_is_real_and_each_test_has_a_database_of_its_own(postgres: PostgresServer, database_url: str) -> None:
    other = postgres.create_database()
    assert other != database_url
    assert database_url.startswith("postgresql+psycopg://")
    engine = create_engine(database_url)
    with engine.begin() as connection:
        assert str(connection.execute(text("SELECT version()")).scalar_one()).startswith("PostgreSQL ")
        connection.execute(text("CREATE TABLE mine (x int)"))
    engine.dispose()
    empty = create_engine(other)
    with empty.begin() as connection:
        assert connection.execute(text("SELECT to_regclass('mine')")).scalar_one() is None
    empty.dispose()
    postgres.drop_database(other)


def test_postgres_refuses_while_it_is_down_and_has_its_data_after(postgres: PostgresServer, database_url: str) -> None:
    plain = database_url.replace("+psycopg", "", 1)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS x")
        postgres.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(plain, connect_timeout=2)
    postgres.start()
    with psycopg.connect(plain) as connection:
        assert connection.execute("SELECT x FROM kept").fetchone() == (42,)
