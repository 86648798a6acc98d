"""Two people change the rules while payments flow: one switch at one event time everywhere, and a backtest that says the same.

time     T ---------------- announced ---------------- end
on time  payments under the old set | under the new set
late     some of the old times arrive only at the end
"""

import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import pytest
from sqlalchemy import select

from streams.alerts.model import Alert, AlertState, Outcome
from streams.clock import from_datetime, to_text
from streams.detection.check import check_files
from streams.detection.folder import load_folder
from streams.detection.program import Programs, compile_ruleset
from streams.legs import Control, Terms
from streams.pipeline import RawRecord, SourceState
from streams.replay.embedded import Embedded
from streams.store.schema import alert_evidence, audit_log
from streams.store.schema import alerts as alert_table
from streams.store.writer import open_store
from tests.integration.store_questions import ask
from tests.rig.cluster import COMMAND, FAR_MS, Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.process import wait_until
from tests.rig.samples import BIG_RULE, PAYMENT, changed
from tests.rig.topics import drop_topics

pytestmark = pytest.mark.integration

BIG = (
    BIG_RULE
    + """\
params:
  floor: {{CNY: {floor}}}
cool_down: none
say: "paid out more than {{floor}}"
tests:
  - {{name: fires, events: ["09:00 a pays b 900 CNY"], expect: alert}}
  - {{name: silent, events: ["09:00 a pays b 99 CNY"], expect: none}}
"""
)
FIRST = """\
id: first
version: 1
title: The first payment of a day
typology: mule
severity: low
owner: fraud-ops
per: account
on: debit
let:
  sent: count of debits over 24h
when: sent < 2
cool_down: none
say: "{sent} payment within a day"
tests:
  - {name: fires, events: ["09:00 a pays b 900 CNY"], expect: alert}
  - {name: silent, events: ["08:00 b pays c 1 CNY", "08:30 b pays c 1 CNY"], expect: alert}
"""
"""A late payment before it takes its alert back."""
SPACING_MS: Final = 40
SECONDS: Final = 24
EVENTS: Final = SECONDS * 1000 // SPACING_MS
LATE_EACH: Final = 10
ANNOUNCE_SECONDS: Final = 3
SOURCES: Final = tuple(f"{topic}/{number}" for topic in ("payments", "settlements") for number in range(4))


class Told(NamedTuple):
    """What must agree about one alert."""

    rule: str
    digest: str
    state: str
    last_hit: int
    event_ids: tuple[str, ...]


@pytest.fixture
def cluster(kafka: KafkaBroker, database_url: str, tmp_path: Path) -> Iterator[Cluster]:
    drop_topics(kafka.bootstrap)
    with Cluster(kafka.bootstrap, database_url, tmp_path) as made:
        made.settings["PAYWEIR_PREFIX"] = f"two-{tmp_path.name.replace('_', '-')}"
        made.settings["PAYWEIR_HISTORY"] = "false"
        made.settings["PAYWEIR_ANNOUNCE_SECONDS"] = str(ANNOUNCE_SECONDS)
        yield made
    drop_topics(kafka.bootstrap)


def folder(tmp_path: Path, name: str, floor: int) -> Path:
    path = tmp_path / name
    path.mkdir()
    (path / "big.yaml").write_text(BIG.format(floor=floor))
    (path / "first.yaml").write_text(FIRST)
    return path


def programs(path: Path) -> Programs:
    ruleset, findings = check_files(load_folder(path))
    assert ruleset is not None, findings
    return compile_ruleset(ruleset)


def payments(start_ms: int) -> tuple[list[bytes], list[bytes]]:
    """One every few milliseconds, of 50, 300 and 900 yuan in turn; every tenth comes late, and then is its payer's first."""
    on_time: list[bytes] = []
    late: list[bytes] = []
    for n in range(EVENTS):
        moment = to_text(start_ms + n * SPACING_MS)
        payer = f"late-{n // 50}" if n % LATE_EACH == 0 or n % 50 == 25 else f"payer-{n % 20}"
        line = changed(
            PAYMENT, event_id=f"e{n}", payment_id=f"p{n}", amount_minor=(5_000, 30_000, 90_000)[n % 3], event_time=moment,
            initiated_at=moment, accepted_at=None, settled_at=moment, debtor={"account_token": payer},
        )  # fmt: skip
        (late if n % LATE_EACH == 0 else on_time).append(line)
    return on_time, late


def embedded(lines: Sequence[bytes], first: Programs, second: Programs, switch_ms: int) -> dict[str, Told]:
    """The same events with the same schedule."""
    last: dict[str, Alert] = {}

    def sink(outcomes: list[Outcome]) -> None:
        last.update({one.alert_id: one for one in outcomes if isinstance(one, Alert)})

    run = Embedded(first, SOURCES, sink, partitions=4)
    run.rulesets[second.ruleset.digest] = second
    run.control(Control("ruleset", second.ruleset.digest, switch_ms, terms=Terms(approved_by="ben")))
    run.feed(SourceState("payments", 0), [RawRecord(offset, FAR_MS, line) for offset, line in enumerate(lines)])
    run.end()
    return {key: told(one) for key, one in last.items() if one.state is AlertState.STANDING}


def told(alert: Alert) -> Told:
    ids = tuple(each.event_id for each in alert.evidence)
    return Told(alert.rule_id, alert.ruleset_digest, alert.state.value, alert.last_hit, ids)


def stored(cluster: Cluster) -> dict[str, Told]:
    with open_store(cluster.store_url) as store:
        columns = alert_table.c
        chosen = select(
            columns.alert_id, columns.rule_id, columns.ruleset_digest, columns.engine_state, columns.last_hit
        ).where(columns.engine_state == AlertState.STANDING)
        with store.engine.connect() as connection:
            rows = connection.execute(chosen).all()
        evidence = ask(store, "SELECT alert_id, event_id FROM v_alert_evidence ORDER BY alert_id, ordinal")
    ids: dict[str, tuple[str, ...]] = {}
    for key, event_id in evidence:
        ids[str(key)] = (*ids.get(str(key), ()), str(event_id))
    return {row.alert_id: Told(*row[1:], ids.get(row.alert_id, ())) for row in rows}


def refused(cluster: Cluster, path: Path) -> str:
    done = subprocess.run(
        [*COMMAND, "rules", "publish", str(path)],
        env=cluster.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done
    assert "the ruleset in force still runs" in done.stderr
    return done.stderr


def sign(cluster: Cluster, path: Path) -> None:
    cluster.run("rules", "propose", str(path), "--by", "anna")
    cluster.run("rules", "approve", str(path), "--by", "ben")


def test_two_people_change_the_rules_under_load_and_the_log_says_the_same_again(
    cluster: Cluster, tmp_path: Path
) -> None:
    old, new = folder(tmp_path, "old", 200), folder(tmp_path, "new", 800)
    broken, lone = folder(tmp_path, "broken", 200), folder(tmp_path, "lone", 500)
    (broken / "big.yaml").write_text(BIG.format(floor=200) + "colour: red\n")
    cluster.run("store", "upgrade", "--store", cluster.store_url)
    cluster.run("topics", "create")
    sign(cluster, old)
    sign(cluster, new)
    cluster.run("rules", "publish", str(old), "--by", "carl")
    for role in ("intake", "detect", "record"):
        cluster.start(role, role)
    wait_until(lambda: cluster.watch("intake").total("payweir_ready") == 1, 60, "intake is ready")

    start_ms = int(time.time() * 1000)
    on_time, late = payments(start_ms)
    for name, lines in (("on-time", on_time), ("late", late)):
        (tmp_path / f"{name}.jsonl").write_bytes(b"\n".join(lines))
    rate = str(len(on_time) / SECONDS)
    feeding = [*COMMAND, "produce", str(tmp_path / "on-time.jsonl"), "--rate", rate]
    with subprocess.Popen(feeding, env=cluster.environment(), stdout=subprocess.DEVNULL) as flow:
        wait_until(lambda: cluster.watch("intake").total("payweir_records_total") > 0, 60, "payments flow")
        published = msgspec.json.decode(cluster.run("rules", "publish", str(new), "--by", "carl", "--json"))
        assert "colour" in refused(cluster, broken)
        assert "is not approved" in refused(cluster, lone)
        assert flow.wait(SECONDS * 4) == 0
    cluster.run("produce", str(tmp_path / "late.jsonl"), "--end", "--wait", "60")

    switch_ms = from_datetime(datetime.fromisoformat(published["from_time"]))
    expected = embedded([*on_time, *late], programs(old), programs(new), switch_ms)
    wait_until(lambda: stored(cluster) == expected, 90, "the alerts of the embedded run")
    digests = [programs(path).ruleset.digest for path in (old, new)]
    assert {(one.digest, one.last_hit >= switch_ms) for one in expected.values()} == {
        (digests[0], False),
        (digests[1], True),
    }
    behind = {f"e{n}" for n in range(0, EVENTS, LATE_EACH)}
    assert {one.digest for one in expected.values() if not behind.isdisjoint(one.event_ids)} == set(digests)
    with open_store(cluster.store_url) as store:
        schedule = ask(store, "SELECT activity_partition, digest, approved_by FROM v_rulesets ORDER BY from_time, 1")
    assert schedule == [(place, digest, "ben") for digest in digests for place in range(4)]
    status = msgspec.json.decode(cluster.run("rules", "status", "--check", "--json"))
    assert {(one["digest"], one["from_time"]) for one in status["partitions"]} == {(digests[1], published["from_time"])}

    log = tmp_path / "alerts.jsonl"
    cluster.run("rules", "backtest", "--activity", "--processes", "2", "--alerts", str(log), "--json")
    again = {one.alert_id: whole(one) for one in map(_alert.decode, log.read_bytes().splitlines())}
    wait_until(lambda: live(cluster) == again, 30, "the live alerts, revision by revision, are those of the backtest")
    assert {one[3] for one in again.values()} == {"standing", "withdrawn"}
    assert audited(cluster) == [
        *[("anna", "ruleset proposed"), ("ben", "ruleset approved")] * 2, *[("carl", "ruleset published")] * 2
    ]  # fmt: skip


_alert = msgspec.json.Decoder(Alert)
Whole = tuple[object, ...]


def whole(alert: Alert) -> Whole:
    """Everything of an alert that has to agree."""
    return (
        *alert.revision, alert.state.value, alert.rule_id, alert.ruleset_digest, alert.hits, alert.reason, alert.shadow,
        alert.first_hit, alert.last_hit, alert.withdrawn_because, tuple(each.event_id for each in alert.evidence),
    )  # fmt: skip


def live(cluster: Cluster) -> dict[str, Whole]:
    """All alerts the workers stored, whatever their state."""
    columns = alert_table.c
    wanted = (
        columns.revision_epoch, columns.revision_offset, columns.revision_index, columns.engine_state, columns.rule_id,
        columns.ruleset_digest, columns.hits, columns.reason, columns.shadow, columns.first_hit, columns.last_hit,
        columns.withdrawn_because,
    )  # fmt: skip
    with open_store(cluster.store_url) as store, store.engine.connect() as connection:
        rows = connection.execute(select(columns.alert_id, *wanted)).all()
        items = connection.execute(select(alert_evidence).order_by(alert_evidence.c.alert_id, alert_evidence.c.ordinal))
        ids: dict[str, tuple[str, ...]] = {}
        for item in items:
            ids[item.alert_id] = (*ids.get(item.alert_id, ()), item.event_id)
    return {row.alert_id: (*row[1:], ids.get(row.alert_id, ())) for row in rows}


def audited(cluster: Cluster) -> list[tuple[str, str]]:
    with open_store(cluster.store_url) as store, store.engine.connect() as connection:
        rows = connection.execute(select(audit_log.c.actor, audit_log.c.action).order_by(audit_log.c.number)).all()
    return [(row.actor, row.action) for row in rows]
