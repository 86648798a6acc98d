"""Publishing on the real broker: all partitions or none, and a bad set never."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from streams.agents.publishing import checked, end_history, publish, published
from streams.agents.topics import create
from streams.cli.rules import app
from streams.errors import RuleError, TopicError
from streams.legs import Control, unpack
from streams.settings import Settings
from tests.rig.kafka import KafkaBroker, end_offsets, producer
from tests.rig.topics import drop_topics, read_committed

pytestmark = pytest.mark.integration

NOW = 1_800_000_000_000
PARTITIONS = 3
SOURCES = ("payments/0", "payments/1", "settlements/0", "settlements/1")
RULE = """\
id: {name}
version: 1
title: A big payment
typology: mule
severity: high
state: active
owner: fraud-ops
per: account
on: debit
when: amount >= floor
params:
  floor: {{CNY: 100}}
say: "paid out more than {{floor}}"
tests:
  - name: fires
    events: ["09:00 a pays b {fires} CNY"]
    expect: alert
  - name: silent
    events: ["09:00 a pays b 99 CNY"]
    expect: none
"""


@pytest.fixture
def settings(kafka: KafkaBroker) -> Iterator[Settings]:
    drop_topics(kafka.bootstrap)
    found = Settings(bootstrap=kafka.bootstrap, partitions=PARTITIONS, source_partitions=2)
    create(found)
    yield found
    drop_topics(kafka.bootstrap)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "big.yaml").write_text(RULE.format(name="big", fires=100))
    return tmp_path


def controls(settings: Settings) -> list[list[Control | None]]:
    """What a reader of committed records sees, partition by partition."""
    return [
        [unpack(value).control for _, value in read_committed(settings.bootstrap, "activity", place)]
        for place in range(PARTITIONS)
    ]


def files(name: str) -> dict[str, str]:
    return {f"{name}.yaml": RULE.format(name=name, fires=100)}


def test_a_published_set_is_in_every_partition_and_its_text_in_the_topic(settings: Settings) -> None:
    done = publish(settings, files("big"), NOW)
    ruleset = checked(files("big"))
    expected = [Control("sources", names=SOURCES), Control("ruleset", ruleset.digest, 0)]
    assert controls(settings) == [expected] * PARTITIONS
    assert read_committed(settings.bootstrap, "rulesets", 0) == [(ruleset.digest.encode(), ruleset.text.encode())]
    assert (done.digest, done.from_time, done.first, done.partitions) == (ruleset.digest, 0, True, PARTITIONS)


def test_the_first_set_counts_from_the_beginning_and_later_ones_are_announced(settings: Settings) -> None:
    publish(settings, files("first"), NOW)
    second = publish(settings, files("second"), NOW)
    third = publish(settings, files("third"), NOW, from_ms=NOW + 5)
    again = publish(settings, files("first"), NOW, from_ms=NOW + 9)
    assert [second.from_time, third.from_time] == [NOW + 60_000, NOW + 5]
    times = [control.time for control in controls(settings)[0] if control and control.kind == "ruleset"]
    assert times == [0, NOW + 60_000, NOW + 5, NOW + 9]
    found = published(settings)
    assert [one.digest for one in found] == [second.digest, third.digest, again.digest]
    assert [one.from_time for one in found] == [NOW + 60_000, NOW + 5, NOW + 9]
    assert all(one.intact and one.files == 1 for one in found)


def test_a_bad_set_publishes_nothing_and_says_that_the_old_one_still_runs(settings: Settings) -> None:
    publish(settings, files("good"), NOW)
    before = end_offsets(settings.bootstrap, "activity", PARTITIONS)
    with pytest.raises(RuleError, match=r"big\.yaml:1:1: .* still runs"):
        publish(settings, {"big.yaml": "id: big\n"}, NOW)
    assert end_offsets(settings.bootstrap, "activity", PARTITIONS) == before
    assert len(published(settings)) == 1


def test_an_unfinished_transaction_of_another_publisher_is_fenced_and_seen_by_nobody(settings: Settings) -> None:
    torn = producer(settings.bootstrap, transactional_id="payweir-publish")
    torn.init_transactions()
    torn.begin_transaction()
    torn.send("rulesets", b"{}", key=b"half", partition=0)
    torn.send("activity", b"half", partition=0)
    torn.flush()
    publish(settings, files("whole"), NOW)
    assert [len(part) for part in controls(settings)] == [2] * PARTITIONS
    assert [key for key, _ in read_committed(settings.bootstrap, "rulesets", 0)] == [
        checked(files("whole")).digest.encode()
    ]
    torn.close(timeout=1)


def test_a_set_too_large_for_kafka_publishes_nothing(settings: Settings) -> None:
    many = {f"rule-{n}.yaml": RULE.format(name=f"rule-{n}", fires=100) + "#" * 200_000 for n in range(6)}
    with pytest.raises(RuleError, match="too large"):
        publish(settings, many, NOW)
    assert controls(settings) == [[]] * PARTITIONS
    assert published(settings) == []
    publish(settings, files("small"), NOW)
    assert len(published(settings)) == 1


def test_publishing_without_topics_says_what_to_run(settings: Settings) -> None:
    drop_topics(settings.bootstrap)
    with pytest.raises(TopicError, match="payweir topics create"):
        publish(settings, files("big"), NOW)


def test_the_end_of_history_is_in_every_partition(settings: Settings) -> None:
    assert end_history(settings) == PARTITIONS
    assert controls(settings) == [[Control("end")]] * PARTITIONS


def test_the_commands_publish_and_show_the_status(settings: Settings, folder: Path) -> None:
    runner = CliRunner()
    where = ["--bootstrap", settings.bootstrap]
    assert "No ruleset has been published" in runner.invoke(app, ["status", *where]).output
    done = runner.invoke(app, ["publish", str(folder), *where])
    assert done.exit_code == 0, done.output
    assert "1 rules is published to 3 partitions, in force from the beginning" in done.output
    later = runner.invoke(app, ["publish", str(folder), "--from", "2027-01-15T08:00+00:00", "--json", *where])
    entry = msgspec.json.decode(later.output)
    assert (entry["from_time"], entry["first"], entry["sources"]) == ("2027-01-15T08:00:00.000Z", False, list(SOURCES))
    (status,) = json.loads(runner.invoke(app, ["status", "--json", *where]).output)
    assert (status["digest"], status["files"], status["intact"]) == (entry["digest"], 1, True)
    assert status["digest"][:12] in runner.invoke(app, ["status", *where]).output


def test_a_set_whose_own_tests_fail_is_not_published(settings: Settings, folder: Path) -> None:
    (folder / "big.yaml").write_text(RULE.format(name="big", fires=50))
    failed = CliRunner().invoke(app, ["publish", str(folder), "--bootstrap", settings.bootstrap])
    assert isinstance(failed.exception, RuleError)
    assert "still runs" in str(failed.exception)
    assert controls(settings) == [[]] * PARTITIONS
