"""What must hold after any faults; it knows nothing of them.

The reference is one thread that folds each partition's log from its beginning. Against it stand the store, the alerts topic and the
snapshots; the embedded run of the same stream stands beside it, so that a fault in the log itself is seen too.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import select

from streams.alerts.codec import decode_outcome
from streams.alerts.model import Alert, Position
from streams.detection.program import Programs
from streams.errors import EngineError
from streams.pipeline.snapshot import fingerprint
from streams.settings.topics import ALERTS, DEAD_LETTERS, SOURCES
from streams.store.check import FindingKind, check_store
from streams.store.engine import reading
from streams.store.reader import Standing, ingest_totals
from streams.store.schema import alert_amendments, dead_letters, store_errors
from streams.store.writer import open_store
from tests.chaos.log import Log, partitions_of, read
from tests.chaos.sql_faults import REFUSED_BYTES
from tests.chaos.stream import Stream
from tests.rig.cluster import Cluster

SKIP_RULE: Final = "engine-skip"
"""The alert that a record was left out; the embedded run, whose engine bears everything, has none."""
_DETAILS_MAX: Final = 5


@dataclass(slots=True)
class Verdict:
    """What is wrong, in words, and how much of it was lost and doubled."""

    wrong: list[str] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0
    attempts: int = 0
    """How often the engine failed on one record."""

    def compare(self, what: str, expected: Mapping[Any, object], found: Mapping[Any, object]) -> None:
        """Note what is missing, too much, or other than expected."""
        missing, extra = expected.keys() - found.keys(), found.keys() - expected.keys()
        other = [key for key in expected.keys() & found.keys() if expected[key] != found[key]]
        self.lost += len(missing) + len(other)
        self.doubled += len(extra)
        for word, keys, side in (("missing", missing, expected), ("too many", extra, found)):
            if keys:
                few = [(key, side[key]) for key in list(keys)[:_DETAILS_MAX]]
                self.wrong.append(f"{what}: {len(keys)} {word}: {few}")
        if other:
            both = [(key, expected[key], found[key]) for key in other[:_DETAILS_MAX]]
            self.wrong.append(f"{what}: {len(other)} other than expected: {both}")


def judge(cluster: Cluster, stream: Stream, programs: Programs) -> Verdict:
    """Hold everything against the reference. Costs a second or two for each thousand records."""
    verdict = Verdict()
    rulesets = {programs.ruleset.digest: programs}
    logs = [Log(cluster, partition, rulesets) for partition in range(cluster.partitions)]
    verdict.attempts = max(log.attempts for log in logs)
    verdict.compare("alerts against the embedded run", stream.expected, without_skips(cluster.found()))
    _states(verdict, logs)
    _history(verdict, cluster, logs)
    _books(verdict, cluster, stream)
    _letters(verdict, cluster, stream)
    for log in logs:
        if news := log.marks_again():
            verdict.wrong.append(f"activity/{log.partition}: {news} repeated marks were taken for news")
            verdict.doubled += news
    return verdict


def without_skips(found: Mapping[str, Standing]) -> dict[str, Standing]:
    """Leave out the alerts that say that a record was left out."""
    return {key: value for key, value in found.items() if value.rule_id != SKIP_RULE}


def _states(verdict: Verdict, logs: list[Log]) -> None:
    """What a new owner would recover is the fold of the whole log; and no partition missed a word of a publisher."""
    verdict.wrong += [f"activity/{log.partition}: {news}" for log in logs if (news := _recovery(log))]
    said = [[(each.kind, each.digest, each.time, each.names) for each in log.controls] for log in logs]
    if any(each != said[0] for each in said):
        verdict.wrong.append(f"control records differ between partitions: {said}")


def _recovery(log: Log) -> str:
    """Say what is wrong with what a new owner would recover, or nothing."""
    whole, end = fingerprint(log.whole), log.records[-1][0]
    try:
        recovered = log.recovered()
        if recovered is None:
            return "no snapshot was finished"
        state, offset = recovered
        if offset <= end:
            return f"snapshots stand still at {offset}, the log is at {end}"
        same = fingerprint(state) == whole
    except (EngineError, LookupError) as error:
        return f"records of different snapshots are mixed: {error!r}"
    return "" if same else f"the state recovered from offset {offset} is not the fold of the log"


def _history(verdict: Verdict, cluster: Cluster, logs: list[Log]) -> None:
    """Amendments and withdrawals are those of the same log; one id and revision never has two contents."""
    expected = {key: told for log in logs for key, told in log.told.items()}
    table = alert_amendments.c
    columns = (
        table.alert_id, table.revision_epoch, table.revision_offset, table.revision_index, table.engine_state, table.reason,
        table.hits, table.evidence_ids, table.held_by, table.withdrawn_because,
    )  # fmt: skip
    with open_store(cluster.store_url) as store, reading(store.engine) as connection:
        rows = [tuple(row) for row in connection.execute(select(*columns))]
    found = {
        (row[0], (row[1], row[2], row[3])): (row[0], (row[1], row[2], row[3]), *row[4:7], tuple(row[7]), *row[8:])
        for row in rows
    }
    verdict.compare("amendments and withdrawals", expected, found)
    contents: defaultdict[tuple[str, Position], set[bytes]] = defaultdict(set)
    for partition in range(cluster.partitions):
        for _, _, value in read(cluster, ALERTS, partition):
            outcome = decode_outcome(value) if value is not None else None
            if isinstance(outcome, Alert):
                same = msgspec.msgpack.encode(msgspec.structs.replace(outcome, detected_at=0))
                contents[outcome.alert_id, outcome.revision].add(same)
    if twice := [key for key, values in contents.items() if len(values) > 1]:
        verdict.doubled += len(twice)
        verdict.wrong.append(f"{len(twice)} revisions with two contents: {twice[:_DETAILS_MAX]}")


def _books(verdict: Verdict, cluster: Cluster, stream: Stream) -> None:
    """Accepted + refused + duplicate = found, for every source, and every event was accepted once."""
    for finding in check_store(cluster.store_url):
        # The planted rows: looked at one by one below, where dead letters are.
        if finding.kind not in {FindingKind.REFUSED, FindingKind.DEAD_LETTERS}:
            verdict.wrong.append(f"payweir store check: {finding}")
    with open_store(cluster.store_url) as store:
        totals = ingest_totals(store)
    found = {each.source: each.found for each in totals if each.found}
    there = {}
    for topic in SOURCES:
        for partition in partitions_of(cluster, topic):
            if count := len(list(read(cluster, topic, partition))):
                there[f"{topic}/{partition}"] = count
    verdict.compare("records found per source", there, found)
    accepted = sum(each.accepted for each in totals)
    verdict.lost += max(0, stream.accepted - accepted)
    verdict.doubled += max(0, accepted - stream.accepted)
    if accepted != stream.accepted:
        verdict.wrong.append(f"{accepted} events accepted, {stream.accepted} were sent")


def _letters(verdict: Verdict, cluster: Cluster, stream: Stream) -> None:
    """Dead letters are exactly the poison: in the topic with their bytes, in SQL by name, but for what SQL refuses."""
    poison = stream.poison
    sent = {
        (topic, partition, offset): value
        for topic in SOURCES
        for partition in partitions_of(cluster, topic)
        for offset, _, value in read(cluster, topic, partition)
        if value in poison
    }
    in_topic: dict[tuple[str, int, int], bytes | None] = {}
    for _, key, value in read(cluster, DEAD_LETTERS, 0):
        place = msgspec.json.decode(key or b"{}")
        in_topic[place["topic"], place["partition"], place["offset"]] = value
    verdict.compare("dead letters in their topic", sent, in_topic)
    letters = dead_letters.c
    with open_store(cluster.store_url) as store, reading(store.engine) as connection:
        columns = letters.source_topic, letters.source_partition, letters.source_offset, letters.refusal
        in_sql = {tuple(row[:3]): row[3] for row in connection.execute(select(*columns))}
        refused = Counter(key for (key,) in connection.execute(select(store_errors.c.key)))
    planted = {place for place, value in sent.items() if value is not None and len(value) == REFUSED_BYTES}
    verdict.compare("dead letters in SQL", {at: poison[sent[at]] for at in sent.keys() - planted}, in_sql)
    verdict.compare("rows SQL refuses", Counter("/".join(map(str, at)) for at in planted), refused)
