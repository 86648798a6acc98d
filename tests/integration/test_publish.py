"""Publishing on the real broker: all partitions or none, and a bad set never."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from streams.agents.publishing import checked, end_history, publish, published
from streams.agents.topics import create
from streams.cli.backfill import app as backfill
from streams.cli.rules import app
from streams.errors import RuleError, TopicError
from streams.legs import FORMAT_VERSION, Control, Packed, Terms, pack, unpack
from streams.settings import Settings
from streams.store import open_store
from streams.store.schema import audit_log
from tests.rig.kafka import KafkaBroker, end_offsets, producer
from tests.rig.samples import PAYMENT, changed
from tests.rig.topics import drop_topics, read_committed

pytestmark = pytest.mark.integration

NOW = 1_800_000_000_000
BEN = Terms(approved_by="ben")
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
    done = publish(settings, files("big"), NOW, BEN)
    ruleset = checked(files("big"))
    expected = [Control("sources", names=SOURCES), Control("ruleset", ruleset.digest, 0, terms=BEN)]
    assert controls(settings) == [expected] * PARTITIONS
    assert read_committed(settings.bootstrap, "rulesets", 0) == [(ruleset.digest.encode(), ruleset.text.encode())]
    assert (done.digest, done.from_time, done.first, done.partitions) == (ruleset.digest, 0, True, PARTITIONS)


def test_the_first_set_counts_from_the_beginning_and_later_ones_are_announced(settings: Settings) -> None:
    publish(settings, files("first"), NOW, BEN)
    second = publish(settings, files("second"), NOW, BEN)
    third = publish(settings, files("third"), NOW, BEN, from_ms=NOW + 5)
    again = publish(settings, files("first"), NOW, BEN, from_ms=NOW + 9)
    assert [second.from_time, third.from_time] == [NOW + 60_000, NOW + 5]
    times = [control.time for control in controls(settings)[0] if control and control.kind == "ruleset"]
    assert times == [0, NOW + 60_000, NOW + 5, NOW + 9]
    found = published(settings)
    assert [one.digest for one in found] == [second.digest, third.digest, again.digest]
    assert [one.from_time for one in found] == [NOW + 60_000, NOW + 5, NOW + 9]
    assert all(one.intact and one.files == 1 for one in found)


def test_a_bad_set_publishes_nothing_and_says_that_the_old_one_still_runs(settings: Settings) -> None:
    publish(settings, files("good"), NOW, BEN)
    before = end_offsets(settings.bootstrap, "activity", PARTITIONS)
    with pytest.raises(RuleError, match=r"big\.yaml:1:1: .* still runs"):
        publish(settings, {"big.yaml": "id: big\n"}, NOW, BEN)
    assert end_offsets(settings.bootstrap, "activity", PARTITIONS) == before
    assert len(published(settings)) == 1


def test_an_unfinished_transaction_of_another_publisher_is_fenced_and_seen_by_nobody(settings: Settings) -> None:
    torn = producer(settings.bootstrap, transactional_id="payweir-publish")
    torn.init_transactions()
    torn.begin_transaction()
    torn.send("rulesets", b"{}", key=b"half", partition=0)
    torn.send("activity", b"half", partition=0)
    torn.flush()
    publish(settings, files("whole"), NOW, BEN)
    assert [len(part) for part in controls(settings)] == [2] * PARTITIONS
    assert [key for key, _ in read_committed(settings.bootstrap, "rulesets", 0)] == [
        checked(files("whole")).digest.encode()
    ]
    torn.close(timeout=1)


def test_a_set_too_large_for_kafka_publishes_nothing(settings: Settings) -> None:
    many = {f"rule-{n}.yaml": RULE.format(name=f"rule-{n}", fires=100) + "#" * 200_000 for n in range(6)}
    with pytest.raises(RuleError, match="too large"):
        publish(settings, many, NOW, BEN)
    assert controls(settings) == [[]] * PARTITIONS
    assert published(settings) == []
    publish(settings, files("small"), NOW, BEN)
    assert len(published(settings)) == 1


def test_publishing_without_topics_says_what_to_run(settings: Settings) -> None:
    drop_topics(settings.bootstrap)
    with pytest.raises(TopicError, match="payweir topics create"):
        publish(settings, files("big"), NOW, BEN)


def test_the_end_of_history_is_in_every_partition(settings: Settings) -> None:
    assert end_history(settings) == PARTITIONS
    assert controls(settings) == [[Control("end")]] * PARTITIONS


def test_a_set_behind_which_nobody_stands_publishes_nothing(settings: Settings) -> None:
    with pytest.raises(RuleError, match=r"nobody approved the set .* still runs"):
        publish(settings, files("big"), NOW, Terms())
    assert controls(settings) == [[]] * PARTITIONS


def test_a_set_is_announced_ahead_of_sources_that_run_ahead_of_the_clock(settings: Settings) -> None:
    """A set in force from a time that has passed would judge legs twice."""
    publish(settings, files("first"), NOW, BEN)
    ahead = Packed(FORMAT_VERSION, "intake", [], [], {"payments/0": NOW + 5_000, "payments/1": NOW - 5})
    client = producer(settings.bootstrap)
    client.send("activity", pack(ahead), partition=2).get(10)
    client.close()
    assert publish(settings, files("second"), NOW, BEN).from_time == NOW + 5_000 + 60_000


def test_two_people_publish_and_one_alone_cannot(settings: Settings, folder: Path) -> None:
    where = ["--bootstrap", settings.bootstrap]
    runner = CliRunner()
    assert "No ruleset has been published" in runner.invoke(app, ["status", *where]).output
    lone = runner.invoke(app, ["publish", str(folder), *where])
    assert "is not approved" in str(lone.exception)
    assert controls(settings) == [[]] * PARTITIONS
    runner.invoke(app, ["propose", str(folder), "--by", "anna"])
    assert "anna proposed the set" in str(runner.invoke(app, ["approve", str(folder), "--by", "Anna"]).exception)
    assert runner.invoke(app, ["approve", str(folder), "--by", "ben"]).exit_code == 0
    done = runner.invoke(app, ["publish", str(folder), *where])
    assert done.exit_code == 0, done.output
    assert "with 1 rules is published to 3 partitions, in force from the beginning" in done.output
    later = runner.invoke(app, ["publish", str(folder), "--from", "2027-01-15T08:00+00:00", "--json", *where])
    entry = msgspec.json.decode(later.stdout)
    assert (entry["from_time"], entry["first"], entry["sources"]) == ("2027-01-15T08:00:00.000Z", False, list(SOURCES))
    status = json.loads(runner.invoke(app, ["status", "--json", *where]).output)
    (known,) = status["published"]
    assert (known["digest"], known["files"], known["intact"]) == (entry["digest"], 1, True)
    assert (known["terms"]["approved_by"], status["faults"]) == ("ben", [])
    assert known["digest"][:12] in runner.invoke(app, ["status", *where]).output


def test_an_emergency_is_loud_and_rolled_back_to_what_was_approved(settings: Settings, folder: Path) -> None:
    where = ["--bootstrap", settings.bootstrap]
    store = f"sqlite:///{folder / 'audit.db'}"
    open_store(store).close()
    runner = CliRunner()
    told = [*where, "--store", store]
    runner.invoke(app, ["propose", str(folder), "--by", "anna", "--store", store])
    runner.invoke(app, ["approve", str(folder), "--by", "ben", "--store", store])
    old = msgspec.json.decode(runner.invoke(app, ["publish", str(folder), "--by", "carl", "--json", *told]).stdout)
    (folder / "big.yaml").write_text(RULE.format(name="big", fires=100).replace("state: active", "state: shadow"))
    urgent = runner.invoke(app, ["publish", str(folder), "--by", "carl", "--emergency", "mules are out", *told])
    assert urgent.exit_code == 0, urgent.output
    assert "WITHOUT APPROVAL: mules are out" in urgent.stderr
    status = runner.invoke(app, ["status", "--check", *where])
    assert status.exit_code == 1
    assert "nobody approved" in status.output
    assert [control.terms.emergency for control in controls(settings)[0] if control and control.kind == "ruleset"] == [
        "",
        "mules are out",
    ]
    back = runner.invoke(app, ["rollback", "--by", "dora", "--json", *told])
    assert msgspec.json.decode(back.stdout)["digest"] == old["digest"]
    assert runner.invoke(app, ["status", "--check", *where]).exit_code == 0
    refused = runner.invoke(app, ["rollback", "--by", "dora", *told])
    assert "nobody approved" in str(refused.exception)
    with open_store(store) as opened, opened.engine.connect() as connection:
        entries = connection.execute(select(audit_log).order_by(audit_log.c.number)).all()
    assert [(entry.actor, entry.action) for entry in entries] == [
        ("anna", "ruleset proposed"),
        ("ben", "ruleset approved"),
        ("carl", "ruleset published"),
        ("carl", "ruleset published"),
        ("dora", "ruleset rolled back"),
    ]
    details = [json.loads(entry.detail) for entry in entries]
    assert [each.get("rules") for each in details[2:]] == [
        {"big": "new, active"},
        {"big": "active -> shadow"},
        {"big": "shadow -> active"},
    ]
    assert details[3]["emergency"] == "mules are out"


def test_history_is_fed_under_a_set_that_is_in_shadow_until_a_time(settings: Settings, folder: Path) -> None:
    where = ["--bootstrap", settings.bootstrap]
    (folder / "history.jsonl").write_bytes(changed(PAYMENT))
    words = [
        str(folder),
        "--input",
        str(folder / "history.jsonl"),
        "--until",
        "2026-03-01T00:00Z",
        "--emergency",
        "a test",
    ]
    runner = CliRunner()
    done = runner.invoke(backfill, [*words, "--json", *where])
    assert done.exit_code == 0, done.output
    assert msgspec.json.decode(done.stdout)["fed"]["records"]["payments"] == 1
    until = Terms(shadow_until=1_772_323_200_000, emergency="a test")
    assert [one.terms for one in controls(settings)[0] if one and one.kind == "ruleset"] == [until]
    assert (
        "in shadow until 2026-03-01T00:00:00" in runner.invoke(app, ["status", *where], env={"COLUMNS": "200"}).output
    )
    again = runner.invoke(backfill, [*words, *where])
    assert "a ruleset is in force already" in str(again.exception)


def test_a_set_whose_own_tests_fail_is_not_published_in_an_emergency_either(settings: Settings, folder: Path) -> None:
    (folder / "big.yaml").write_text(RULE.format(name="big", fires=50))
    failed = CliRunner().invoke(app, ["publish", str(folder), "--emergency", "now", "--bootstrap", settings.bootstrap])
    assert isinstance(failed.exception, RuleError)
    assert "still runs" in str(failed.exception)
    assert controls(settings) == [[]] * PARTITIONS
