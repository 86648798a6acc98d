"""A second ruleset while events flow, and events that come too late: on Kafka as in the embedded run."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import pytest

from streams.alerts.model import Alert, AlertState, Outcome
from streams.clock import MINUTE_MS, to_text
from streams.detection.check import check_files
from streams.detection.folder import load_folder
from streams.detection.program import Programs, compile_ruleset
from streams.legs import Control
from streams.pipeline import RawRecord, SourceState
from streams.replay.embedded import Embedded
from streams.store.reader import IngestTotals, ingest_totals
from streams.store.writer import open_store
from tests.integration.store_questions import ask
from tests.rig.cluster import COMMAND, FAR_MS, UNAPPROVED, Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.process import wait_until
from tests.rig.samples import BIG_RULE, PAYMENT, changed
from tests.rig.topics import drop_topics

pytestmark = pytest.mark.integration

RULE = (
    BIG_RULE
    + """\
params:
  floor: {{CNY: {floor}}}
cool_down: none
say: "paid out more than {{floor}}"
"""
)
START_MS: Final = 1_767_258_000_000
"""2026-01-01T09:00:00Z"""
EVENTS: Final = 1_200
SWITCH_MS: Final = START_MS + EVENTS // 2 * MINUTE_MS
RATE: Final = 30
"""Slow enough that the publication falls into the flow; afterwards all is sent at once, again."""
SOURCES: Final = tuple(f"{topic}/{number}" for topic in ("payments", "settlements") for number in range(4))
ROLES: Final = ("intake", "detect", "record")


class Told(NamedTuple):
    """What must agree about one alert."""

    about: str
    digest: str
    state: str
    event_ids: tuple[str, ...]


@pytest.fixture
def cluster(kafka: KafkaBroker, database_url: str, tmp_path: Path) -> Iterator[Cluster]:
    drop_topics(kafka.bootstrap)
    with Cluster(kafka.bootstrap, database_url, tmp_path) as made:
        made.settings["PAYWEIR_PREFIX"] = f"switch-{tmp_path.name.replace('_', '-')}"
        yield made
    drop_topics(kafka.bootstrap)


def folder(tmp_path: Path, name: str, rule: str) -> Path:
    path = tmp_path / name
    path.mkdir()
    (path / "big.yaml").write_text(rule)
    return path


def programs(path: Path) -> Programs:
    ruleset, findings = check_files(load_folder(path))
    assert ruleset is not None, findings
    return compile_ruleset(ruleset)


def payment(number: int, time_ms: int, amount_minor: int) -> bytes:
    moment = to_text(time_ms)
    return changed(
        PAYMENT, event_id=f"e{number}", payment_id=f"p{number}", amount_minor=amount_minor, event_time=moment,
        initiated_at=moment, accepted_at=None, settled_at=moment, debtor={"account_token": f"payer-{number % 20}"},
    )  # fmt: skip


def stream() -> list[bytes]:
    """One payment a minute: of 50, 300 and 900 yuan in turn, so that each limit divides them otherwise."""
    return [payment(n, START_MS + n * MINUTE_MS, (5_000, 30_000, 90_000)[n % 3]) for n in range(EVENTS)]


def embedded(lines: list[bytes], first: Programs, second: Programs) -> dict[str, Told]:
    """The same stream, with the same control record in the middle of it."""
    last: dict[str, Told] = {}

    def sink(outcomes: list[Outcome]) -> None:
        for one in outcomes:
            if isinstance(one, Alert):
                ids = tuple(each.event_id for each in one.evidence)
                last[one.alert_id] = Told(one.about, one.ruleset_digest, one.state.value, ids)

    run = Embedded(first, SOURCES, sink, partitions=4)
    run.rulesets[second.ruleset.digest] = second
    source = SourceState("payments", 0)
    records = [RawRecord(offset, FAR_MS, line) for offset, line in enumerate(lines)]
    run.feed(source, records[: EVENTS // 3])
    run.control(Control("ruleset", second.ruleset.digest, SWITCH_MS))
    run.feed(source, records[EVENTS // 3 :])
    run.end()
    return {key: told for key, told in last.items() if told.state != AlertState.WITHDRAWN}


def stored(cluster: Cluster) -> dict[str, Told]:
    with open_store(cluster.store_url) as store:
        alerts = ask(
            store,
            "SELECT alert_id, about, ruleset_digest, engine_state FROM v_alerts_all WHERE engine_state <> 'withdrawn'",
        )
        evidence = ask(store, "SELECT alert_id, event_id FROM v_alert_evidence ORDER BY alert_id, ordinal")
    ids: dict[str, tuple[str, ...]] = {}
    for key, event_id in evidence:
        ids[str(key)] = (*ids.get(str(key), ()), str(event_id))
    return {str(key): Told(str(about), str(digest), str(state), ids[str(key)]) for key, about, digest, state in alerts}


def totals(cluster: Cluster) -> IngestTotals:
    """Of the one source that has records."""
    with open_store(cluster.store_url) as store:
        [one] = ingest_totals(store)
    return one


def test_alerts_carry_the_ruleset_of_their_time_whenever_it_was_published(cluster: Cluster, tmp_path: Path) -> None:
    old = folder(tmp_path, "old", RULE.format(floor=200))
    new = folder(tmp_path, "new", RULE.format(floor=800))
    bad = folder(tmp_path, "bad", RULE.format(floor=200) + "colour: red\n")
    expected = embedded(stream(), programs(old), programs(new))
    by_digest = [told.digest for told in expected.values()]
    assert by_digest.count(programs(old).ruleset.digest) == EVENTS // 2 // 3 * 2
    assert by_digest.count(programs(new).ruleset.digest) == EVENTS // 2 // 3
    cluster.prepare(old)
    for role in ROLES:
        cluster.start(role, role)
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(stream()))
    feeding = [*COMMAND, "produce", str(tmp_path / "events.jsonl"), "--rate", str(RATE)]
    with subprocess.Popen(feeding, env=cluster.environment(), stdout=subprocess.DEVNULL) as flow:
        wait_until(lambda: cluster.watch("intake").total("payweir_records_total") > 0, 60, "events flow")
        refused = subprocess.run(
            [*COMMAND, "rules", "publish", str(bad)],
            env=cluster.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode == 1
        assert "nothing was published, the ruleset in force still runs" in refused.stderr
        cluster.run("rules", "publish", str(new), "--from", to_text(SWITCH_MS), "--emergency", UNAPPROVED)
        flow.terminate()
    cluster.run("produce", str(tmp_path / "events.jsonl"), "--end", "--wait", "60")
    wait_until(lambda: stored(cluster) == expected, 90, "the alerts of the embedded run")
    with open_store(cluster.store_url) as store:
        told = ask(store, "SELECT digest, activity_partition FROM v_rulesets ORDER BY from_time, activity_partition")
    digests = [programs(path).ruleset.digest for path in (old, new)]
    assert told == [(digest, place) for digest in digests for place in range(4)]
    status = msgspec.json.decode(cluster.run("rules", "status", "--json"))
    assert [one["digest"] for one in status["published"]] == digests
    judges = {(one["partition"], one["digest"], one["from_time"]) for one in status["partitions"]}
    assert judges == {(place, digests[1], to_text(SWITCH_MS)) for place in range(4)}
    assert len(status["faults"]) == 1
    assert "nobody approved" in status["faults"][0]


def test_a_late_event_is_judged_once_also_after_a_restart_of_intake(cluster: Cluster, tmp_path: Path) -> None:
    """Allowed are 60 minutes.

    time     ------10:29---------11:00----12:00------
    arrives        third (late)  second   first
    """
    cluster.settings["PAYWEIR_LATENESS"] = "1h"
    cluster.prepare(folder(tmp_path, "rules", RULE.format(floor=200)))
    for role in ROLES:
        cluster.start(role, role)
    noon = START_MS + 180 * MINUTE_MS
    lines = {
        "first": payment(0, noon, 90_000),
        "second": payment(20, noon - 60 * MINUTE_MS, 90_000),
        "late": payment(40, noon - 91 * MINUTE_MS, 90_000),
    }
    for name, line in lines.items():
        (tmp_path / f"{name}.jsonl").write_bytes(line)

    def feed(name: str, found: int) -> None:
        cluster.run("produce", str(tmp_path / f"{name}.jsonl"))
        wait_until(lambda: seen(cluster) == (found, 0), 60, f"{found} found and accounted for")

    feed("first", 1)
    cluster.stop("intake")
    cluster.start("intake", "intake-again")
    feed("second", 2)
    feed("late", 3)
    for name in ("late", "first", "late"):
        cluster.run("produce", str(tmp_path / f"{name}.jsonl"))
    wait_until(lambda: seen(cluster) == (6, 0), 60, "the repeats are accounted for")
    one = totals(cluster)
    assert (one.accepted, one.late, one.duplicate, one.conflict, one.refused) == (3, 1, 3, 0, 0)
    assert cluster.watch("detect").total("payweir_events_total", outcome="late") == 1
    cluster.run("produce", str(tmp_path / "late.jsonl"), "--end", "--wait", "60")
    wait_until(lambda: seen(cluster) == (7, 0), 60, "the end")
    assert totals(cluster).late == 1
    assert sorted(told.event_ids for told in stored(cluster).values()) == [("e0",), ("e20",)]


def seen(cluster: Cluster) -> tuple[int, int]:
    """Found and missing; nothing before the first record."""
    with open_store(cluster.store_url) as store:
        return next(((one.found, one.missing) for one in ingest_totals(store)), (0, 0))
