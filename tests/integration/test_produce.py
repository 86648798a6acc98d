"""Feeding on the real broker: every line arrives where it belongs, also those that intake will refuse."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata
from typer.testing import CliRunner

from streams.agents.feeding import Feed, feed, wait_for_intake
from streams.agents.topics import create
from streams.cli.produce import app
from streams.errors import BrokerUnreachable, ServiceError, TopicError, UsageError
from streams.legs import Control, unpack
from streams.replay.files import open_inputs, read_all
from streams.settings import Settings
from tests.rig.iso20022 import transfer, transfers
from tests.rig.kafka import KafkaBroker, end_offsets
from tests.rig.topics import drop_topics, read_committed

pytestmark = pytest.mark.integration

LINES = [
    b'{"event_type":"payment","payment_id":"p1","debtor":{"account_token":"a"}}',
    b'{"event_type":"payment_status","payment_id":"p1"}',
    b'{"event_type":"settlement","settlement_id":"s1"}',
    b'{"event_type":"fraud_report","report_id":"r1"}',
    b'{"event_type":"account","account_token":"a"}',
    b'{"event_type":"weather"}',
    b"not JSON at all \xff",
]
KEYS = {
    "payments": {b"a": LINES[0], b"p1": LINES[1]},
    "settlements": {b"s1": LINES[2]},
    "fraud-reports": {b"r1": LINES[3]},
    "accounts": {b"a": LINES[4]},
}


@pytest.fixture
def settings(kafka: KafkaBroker) -> Iterator[Settings]:
    drop_topics(kafka.bootstrap)
    found = Settings(bootstrap=kafka.bootstrap, partitions=2, source_partitions=2, prefix="produce-test")
    create(found)
    yield found
    drop_topics(kafka.bootstrap)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\r\n".join(LINES[:2]) + b"\n" + b"\n".join(LINES[2:]))
    return path


def arrived(settings: Settings, topic: str) -> list[tuple[bytes | None, bytes]]:
    return [record for place in range(2) for record in read_committed(settings.bootstrap, topic, place)]


def test_every_line_goes_to_the_topic_of_its_type_as_it_is(settings: Settings, file: Path) -> None:
    fed = feed(settings, read_all(open_inputs([str(file)])), Feed())
    assert fed.records == {"accounts": 1, "fraud-reports": 1, "payments": 4, "settlements": 1}
    assert fed.unreadable == 2
    for topic, expected in KEYS.items():
        assert {key: value for key, value in arrived(settings, topic) if key is not None} == expected
    assert {value for key, value in arrived(settings, "payments") if key is None} == set(LINES[5:])


def test_a_repeating_producer_sends_every_record_twice_to_the_same_place(settings: Settings, file: Path) -> None:
    fed = feed(settings, read_all(open_inputs([str(file)])), Feed(repeat=2))
    assert sum(fed.records.values()) == 2 * len(LINES)
    assert arrived(settings, "settlements") == [(b"s1", LINES[2])] * 2


def test_a_spread_feed_uses_all_partitions(settings: Settings) -> None:
    feed(settings, [LINES[0]] * 10, Feed(spread=True))
    assert [len(read_committed(settings.bootstrap, "payments", place)) for place in range(2)] == [5, 5]


def test_a_rate_is_kept(settings: Settings) -> None:
    fed = feed(settings, [LINES[0]] * 51, Feed(rate=100))
    assert fed.seconds > 0.4  # the last one is due after half a second; a sleep is skipped when it would be very short


def test_many_records_all_arrive(settings: Settings) -> None:
    many = [json.dumps({"event_type": "payment", "payment_id": f"p{n}"}).encode() for n in range(45_000)]
    fed = feed(settings, many, Feed())
    assert fed.records == {"payments": 45_000}
    assert sum(end_offsets(settings.bootstrap, "payments", 2).values()) == 45_000


def test_a_line_too_large_for_kafka_is_named(settings: Settings) -> None:
    with pytest.raises(UsageError, match="line 2 is too large"):
        feed(settings, [LINES[0], b"x" * (1 << 21)], Feed())


def test_missing_topics_are_said_at_once(settings: Settings) -> None:
    drop_topics(settings.bootstrap)
    with pytest.raises(TopicError, match=r"payments.*payweir topics create"):
        feed(settings, LINES, Feed())


def test_the_command_feeds_and_ends_history(settings: Settings, file: Path) -> None:
    done = CliRunner().invoke(app, [str(file), "--bootstrap", settings.bootstrap, "--end", "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    assert (said["records"]["payments"], said["unreadable"], said["ended_partitions"]) == (4, 2, 2)
    ends = [read_committed(settings.bootstrap, "activity", place) for place in range(2)]
    assert [[unpack(value).control for _, value in part] for part in ends] == [[Control("end")]] * 2
    shown = CliRunner().invoke(app, [str(file), "--bootstrap", settings.bootstrap])
    assert "Fed and acknowledged" in shown.output


def test_messages_become_events_on_the_way_and_what_is_refused_is_counted_by_name(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "a.xml").write_text(transfers(transfer(1) + transfer(2) + transfer(1)))
    (tmp_path / "b.xml").write_text("<Document>")
    done = CliRunner().invoke(app, [str(tmp_path), "--bootstrap", settings.bootstrap, "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    assert (said["records"], said["refused"]) == ({"payments": 4}, {"repeated_id": 1, "not_xml": 1})
    told = Counter(json.loads(value).get("refusal", "") for _, value in arrived(settings, "payments"))
    assert told == {"": 2, "repeated_id": 1, "not_xml": 1}


def test_the_end_is_not_written_while_intake_has_not_read_everything(settings: Settings, file: Path) -> None:
    words = [str(file), "--bootstrap", settings.bootstrap, "--end", "--wait", "0.3"]
    done = CliRunner().invoke(app, words, env={"PAYWEIR_PREFIX": settings.prefix})
    assert isinstance(done.exception, ServiceError)
    assert sum(end_offsets(settings.bootstrap, "activity", 2).values()) == 0
    group = KafkaConsumer(
        bootstrap_servers=settings.bootstrap, group_id="produce-test-intake", enable_auto_commit=False
    )
    for topic in KEYS:
        for place, end in end_offsets(settings.bootstrap, topic, 2).items():
            group.commit({TopicPartition(topic, place): OffsetAndMetadata(end, "", -1)})
    group.close()
    assert wait_for_intake(settings, 5) == []


def test_no_broker_is_one_sentence(file: Path) -> None:
    done = CliRunner().invoke(app, [str(file), "--bootstrap", "127.0.0.1:1", "--json"])
    assert isinstance(done.exception, BrokerUnreachable)
    assert done.exception.exit_code == 3
