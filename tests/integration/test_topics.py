"""The topics on the real broker: made once, compared, never altered."""

import socket
import time
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from streams.agents.topics import Weight, check, create, plan, require
from streams.cli.topics import app
from streams.errors import BrokerUnreachable, TopicError
from streams.settings import Settings
from tests.rig.kafka import KafkaBroker
from tests.rig.topics import ALL, drop_topics

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(kafka: KafkaBroker) -> Iterator[Settings]:
    drop_topics(kafka.bootstrap)
    yield Settings(bootstrap=kafka.bootstrap, partitions=3, source_partitions=2)
    drop_topics(kafka.bootstrap)


def test_create_makes_everything_once_and_the_check_is_content(settings: Settings) -> None:
    assert [one.topic for one in create(settings) if one.made] == list(ALL)
    assert [one.topic for one in create(settings) if one.made] == []
    assert check(settings) == []
    assert require(settings) == []


def test_missing_topics_are_found_and_nothing_is_made_by_looking(settings: Settings) -> None:
    findings = check(settings)
    assert [(one.topic, one.found, one.weight) for one in findings] == [(n, "missing", Weight.ERROR) for n in ALL]
    assert len(check(settings)) == len(ALL)
    with pytest.raises(TopicError, match="activity: topic is missing"):
        require(settings)


def test_another_partition_count_of_activity_is_refused_before_anything_is_made(
    settings: Settings, kafka: KafkaBroker
) -> None:
    kafka.create_topic("activity", 5)
    with pytest.raises(TopicError, match="activity has 5 partitions, the settings say 3"):
        create(settings)
    assert "payments" not in _names(kafka)
    found = [one for one in check(settings) if one.what == "partitions"]
    assert [(one.topic, one.found, one.wanted, one.weight) for one in found] == [("activity", "5", "3", Weight.ERROR)]


def test_changed_configuration_is_found_and_more_retention_is_fine(settings: Settings, kafka: KafkaBroker) -> None:
    create(settings)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.alter_configs(
        [
            ConfigResource(ConfigResourceType.TOPIC, "activity", {"retention.ms": "3600000"}),
            ConfigResource(ConfigResourceType.TOPIC, "alerts", {"retention.ms": "-1"}),
            ConfigResource(ConfigResourceType.TOPIC, "rulesets", {"cleanup.policy": "delete"}),
            ConfigResource(ConfigResourceType.TOPIC, "payments", {"unclean.leader.election.enable": "true"}),
        ]
    )
    admin.close()
    found = {(one.topic, one.what, one.found, one.weight) for one in check(settings)}
    assert found == {
        ("activity", "retention.ms", "3600000", Weight.ERROR),
        ("rulesets", "cleanup.policy", "delete", Weight.ERROR),
        ("payments", "unclean.leader.election.enable", "true", Weight.ADVICE),
    }


def test_too_few_brokers_for_the_copies_is_one_sentence(settings: Settings) -> None:
    wanted = Settings(bootstrap=settings.bootstrap, replication_factor=3)
    assert plan(wanted)[0].config["min.insync.replicas"] == "2"
    with pytest.raises(TopicError, match="refuses"):
        create(wanted)


def test_the_commands_create_and_check(settings: Settings) -> None:
    options = ["--bootstrap", settings.bootstrap, "--partitions", "3", "--source-partitions", "2"]
    runner = CliRunner()
    assert runner.invoke(app, ["check", *options]).exit_code == 1
    made = runner.invoke(app, ["create", *options])
    assert (made.exit_code, made.output.count("made")) == (0, len(ALL))
    assert "as designed" in runner.invoke(app, ["check", *options]).output
    assert runner.invoke(app, ["check", "--json", *options]).output.strip() == "[]"
    changed = runner.invoke(app, ["check", "--bootstrap", settings.bootstrap, "--partitions", "4", "--json"])
    assert changed.exit_code == 1
    assert '"topic":"activity","what":"partitions","found":"3","wanted":"4","weight":"error"' in changed.output


@pytest.mark.parametrize("silent", [False, True], ids=["nobody listens", "somebody listens and says nothing"])
def test_a_broker_that_does_not_answer_is_said_within_ten_seconds(*, silent: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if not silent:
            listener.close()
        begun = time.monotonic()
        with pytest.raises(BrokerUnreachable, match=f"127.0.0.1:{port}: no Kafka broker answers") as caught:
            check(Settings(bootstrap=f"127.0.0.1:{port}"))
        assert time.monotonic() - begun < 10
    assert caught.value.exit_code == 3


def _names(kafka: KafkaBroker) -> list[str]:
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    try:
        return list(admin.list_topics())
    finally:
        admin.close()
