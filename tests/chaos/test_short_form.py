"""The strongest faults once, on the real parts, inside `make test`; `make chaos` makes all of them, again and again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import psycopg
import pytest

import streams.cli.run
from streams.cli.run import load_programs
from tests.chaos import oracle
from tests.chaos.broken import built, withdrawals_again
from tests.chaos.faults import Scene
from tests.chaos.run import (
    Outcome,
    end_history,
    finish,
    judge,
    make,
    planted,
    refuse_more_partitions,
    stage,
    unexpected,
)
from tests.chaos.stream import Feeder, Stream, make_stream
from tests.rig import raising

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(900),
    # kafka-python leaves the sockets of refused connections open (3.0.12); the feeder meets a broker that was killed.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LANES: Final = {
    "intake": ["failpoint intake/send/after", "intake: SIGKILL of both workers"],
    "detect": [
        "frozen past the session at detect/send/before",
        "failpoint detect/snapshot-commit/before",
        "failpoint detect/restore/before",
    ],
    "record": ["failpoint record/commit/before", "record: SIGKILL again and again while it recovers"],
    "broker": ["broker: SIGKILL", "way to the broker: answer lost of a commit (OffsetCommit)"],
    "store": ["way to the store: lost after COMMIT was sent", "store: disk full (a trigger raises SQLSTATE 53100)"],
}
SEED: Final = 3
EVENTS: Final = 1_500
FEED_SECONDS: Final = 240
"""There must be news until the last fault is made; then the feeder hurries."""


class Aftermath(NamedTuple):
    """Everything has come to rest; the broker and the store still run."""

    scene: Scene
    stream: Stream
    outcome: Outcome


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    folder = tmp_path_factory.mktemp("chaos")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams.cli.run, "compile_ruleset", raising.compile_with_a_fault)
        stream = make_stream(folder, EVENTS, SEED)
        with stage(stream, SEED, folder) as scene:
            outcome = Outcome()
            feeder = Feeder(scene.workers.cluster.bootstrap, stream.records, FEED_SECONDS)
            scene.workers.start()
            feeder.start()
            make(LANES, scene, outcome)
            feeder.hurry.set()
            finish(feeder, scene.workers)
            end_history(scene.workers)
            judge(outcome, scene.workers, stream)
            planted(outcome, scene.workers, stream)
            unexpected(outcome, scene.workers)
            yield Aftermath(scene, stream, outcome)


def test_nothing_is_lost_and_nothing_doubled_whatever_happened(aftermath: Aftermath) -> None:
    wrong = aftermath.outcome.verdict.wrong
    assert not wrong, "\n".join(wrong)
    assert aftermath.outcome.alerts > 300, "too few alerts to tell anything"


def test_every_fault_came_about(aftermath: Aftermath) -> None:
    made = aftermath.outcome.made
    assert [name for names in LANES.values() for name in names if not made[name]] == []
    assert made["a record that ends the engine, left out at the third attempt"] == 1


def test_a_changed_partition_count_is_refused_and_said(aftermath: Aftermath) -> None:
    outcome = Outcome()
    refuse_more_partitions(outcome, aftermath.scene.workers)
    assert outcome.verdict.wrong == []


def test_the_oracle_sees_what_is_lost_doubled_or_other(aftermath: Aftermath) -> None:
    """Last, because it spoils the store."""
    cluster = aftermath.scene.workers.cluster
    one = next(key for key, each in aftermath.stream.expected.items() if each.rule_id == "pay-to-reported")
    with psycopg.connect(cluster.store_url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in (
            "DELETE FROM alert_evidence WHERE alert_id = %s",
            "DELETE FROM alert_amendments WHERE alert_id = %s",
            "UPDATE alerts SET hits = hits + 1 WHERE rule_id = 'raises#error'",
            "UPDATE dead_letters SET source_partition = 9 WHERE source_offset = (SELECT min(source_offset) FROM dead_letters)",
            "UPDATE ingest_counters SET accepted = accepted - 1 WHERE source = 'payments/0' AND accepted > 0",
            "UPDATE sources_found SET found = found + 1 WHERE source = 'payments/1'",
        ):
            connection.execute(statement.encode(), (one,) if "%s" in statement else None)
    verdict = oracle.judge(cluster, aftermath.stream, load_programs(aftermath.stream.rules))
    said = "\n".join(verdict.wrong)
    for word in (
        "amendments and withdrawals: ", " missing", "alerts against the embedded run: ", " other than expected",
        "dead letters in SQL: ", "events accepted", "records found per source", "payweir store check",
    ):  # fmt: skip
        assert word in said
    assert verdict.lost >= 3
    assert verdict.doubled >= 1


def test_marks_told_again_change_nothing_unless_a_withdrawn_one_is_forgotten(tmp_path: Path) -> None:
    withdrawn, back = withdrawals_again(tmp_path / "honest")
    assert withdrawn > 0
    assert back == 0
    with built("a withdrawn mark forgotten"):
        assert withdrawals_again(tmp_path / "broken")[1] > 0
