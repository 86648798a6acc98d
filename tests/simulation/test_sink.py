"""The store of the simulation keeps what the real one keeps, whatever comes twice, late, and in whatever batches."""

from pathlib import Path
from random import Random
from typing import Final
from unittest.mock import patch

import pytest
from sqlalchemy import Table, select

import tests.simulation.sink as sink_module
from streams.agents.batch import TP
from streams.alerts.codec import decode_outcome
from streams.alerts.model import (
    Alert,
    DeadLetter,
    IngestCount,
    Outcome,
    RuleCount,
    RulesetInForce,
    SourceFound,
    Watermark,
)
from streams.settings.topics import ALERTS
from streams.store import open_store, schema
from streams.store.columns import REVISION
from streams.store.engine import reading
from streams.store.writer import Store
from tests.simulation.campaign import quiet
from tests.simulation.schedule import PARTITIONS, Schedule
from tests.simulation.sink import Sink

_KEYS: Final[dict[Table, tuple[str, ...]]] = {
    schema.alerts: ("alert_id", *REVISION),
    schema.alert_amendments: ("alert_id", *REVISION),
    schema.alert_evidence: ("alert_id", "event_id"),
    schema.dead_letters: ("source_topic", "source_partition", "source_offset"),
    schema.ingest_counters: ("source", "activity_partition", *REVISION),
    schema.sources_found: ("source", *REVISION),
    schema.rule_counters: ("rule_id", "activity_partition", *REVISION),
    schema.watermarks: ("activity_partition", *REVISION),
    schema.ruleset_partitions: ("digest", "activity_partition", *REVISION),
}
Kept = set[tuple[object, ...]]


def in_sql(store: Store) -> Kept:
    with reading(store.engine) as connection:
        return {
            (table.name, *row)
            for table, names in _KEYS.items()
            for row in connection.execute(select(*(table.columns[name] for name in names)))
        }


def in_memory(sink: Sink) -> Kept:
    kept: Kept = {(schema.alert_amendments.name, name, *revision) for name, revision in sink.history}
    for outcome in sink.newest.values():
        match outcome:
            case Alert():
                kept.add((schema.alerts.name, outcome.alert_id, *outcome.revision))
                kept |= {(schema.alert_evidence.name, outcome.alert_id, each.event_id) for each in outcome.evidence}
            case DeadLetter():
                kept.add((schema.dead_letters.name, outcome.topic, outcome.partition, outcome.offset))
            case IngestCount():
                kept.add((schema.ingest_counters.name, outcome.source, outcome.partition, *outcome.revision))
            case SourceFound():
                kept.add((schema.sources_found.name, outcome.source, *outcome.revision))
            case RuleCount():
                kept.add((schema.rule_counters.name, outcome.rule_id, outcome.partition, *outcome.revision))
            case Watermark():
                kept.add((schema.watermarks.name, outcome.partition, *outcome.revision))
            case RulesetInForce():
                kept.add((schema.ruleset_partitions.name, outcome.digest, outcome.partition, *outcome.revision))
    return kept


def said(seed: int) -> list[list[Outcome]]:
    """Everything the workers of a schedule said, some of it again, in no order."""
    with quiet():
        schedule = Schedule(seed)
        schedule.run()
    logs = [schedule.broker.logs[TP(ALERTS, place)] for place in range(PARTITIONS)]
    known = [decode_outcome(one.value or b"") for log in logs for one in log.read(0, 1 << 30)[1]]
    dice = Random(seed)
    known += dice.choices(known, k=len(known) // 2)
    dice.shuffle(known)
    return [known[at : at + 7] for at in range(0, len(known), 7)]


def both(seed: int, folder: Path) -> tuple[Kept, Kept]:
    sink = Sink()
    with open_store(f"sqlite:///{folder / 'real.db'}") as store:
        for batch in said(seed):
            sink.write(batch)
            store.write(batch)
        return in_memory(sink), in_sql(store)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_both_keep_the_same(seed: int, tmp_path: Path) -> None:
    memory, real = both(seed, tmp_path)
    assert memory == real
    assert {str(each[0]) for each in real} > {"alerts", "alert_amendments", "ingest_counters", "sources_found"}


def test_a_store_in_memory_that_keeps_what_comes_last_is_another(tmp_path: Path) -> None:
    with patch.object(sink_module, "newer", lambda _outcome, _known: True):
        memory, real = both(1, tmp_path)
    assert memory != real
