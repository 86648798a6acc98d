"""The topics as designed: what each must be, making what is missing, comparing what is there.

Nothing here ever alters a topic that exists: a changed partition count would send the legs of a subject to two places.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaTimeoutError, TopicAlreadyExistsError
from msgspec import Struct

from streams.agents.clients import admin_client, partition_counts
from streams.clock import DAY_MS
from streams.errors import TopicError
from streams.settings import Settings
from streams.settings.topics import ACTIVITY, ALERTS, DEAD_LETTERS, RULESETS, SNAPSHOTS, SOURCES

KEPT_MS: Final = 30 * DAY_MS
"""How long alerts and dead letters are kept."""
INTERNAL_BYTES_MAX: Final = 8 << 20
"""The largest record of our own topics but ``snapshots``: the legs of a whole batch may go to one partition, and a dead letter is
as large as the source allowed it to be."""
SNAPSHOT_BYTES_MAX: Final = 64 << 20
"""The largest record of ``snapshots``: a subject's day is one, and a large merchant sells 50,000 times a day. What a broker
takes in one request by itself (``socket.request.max.bytes``, 100 MiB) is more."""
ACTIVITY_BYTES_MAX: Final = INTERNAL_BYTES_MAX - (1 << 16)
"""What is longer goes out in parts; the rest is for the headers of record and batch."""
DEAD_LETTER_BYTES_MAX: Final = INTERNAL_BYTES_MAX - (1 << 16)
"""A longer record is cut in ``dead-letters``; the whole is in its source topic."""
_REPLICAS_FOR_TWO: Final = 3
_LEADERS_SECONDS_MAX: Final = 10
_AT_LEAST: Final = frozenset({"retention.ms", "retention.bytes", "min.insync.replicas", "max.message.bytes"})
"""More than designed is fine for these; -1 means without limit."""


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What one topic must be. ``fixed``: a partition count other than planned is an error."""

    name: str
    partitions: int
    replication_factor: int
    config: Mapping[str, str]
    fixed: bool


class Weight(StrEnum):
    """An error keeps workers from starting; advice does not."""

    ERROR = "error"
    ADVICE = "advice"


class TopicFinding(Struct, frozen=True):
    """A difference between a topic and its plan."""

    topic: str
    what: str
    """``topic``, ``partitions``, ``replication`` or the name of a configuration entry."""
    found: str
    wanted: str
    weight: Weight
    advice: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.topic}: {self.what} is {self.found}, wanted {self.wanted} ({self.advice})"


class TopicMade(Struct, frozen=True):
    """What ``create`` did about one topic."""

    topic: str
    partitions: int
    made: bool
    """False: it was there."""


def plan(settings: Settings) -> tuple[TopicPlan, ...]:
    """Give all topics as the design says, sources first."""
    copies = settings.replication_factor
    safe = {
        "min.insync.replicas": "2" if copies >= _REPLICAS_FOR_TWO else "1",
        "unclean.leader.election.enable": "false",
    }

    def kept(retention_ms: int) -> dict[str, str]:
        return safe | {
            "cleanup.policy": "delete", "retention.ms": str(retention_ms), "retention.bytes": "-1",
            "max.message.bytes": str(INTERNAL_BYTES_MAX),
        }  # fmt: skip

    compact = safe | {"cleanup.policy": "compact"}
    snapshots = compact | {"max.message.bytes": str(SNAPSHOT_BYTES_MAX)}
    wide = settings.partitions
    return (
        *(TopicPlan(name, settings.source_partitions, copies, safe, fixed=False) for name in SOURCES),
        TopicPlan(ACTIVITY, wide, copies, kept(settings.activity_retention_ms), fixed=True),
        TopicPlan(ALERTS, wide, copies, kept(KEPT_MS), fixed=True),
        TopicPlan(DEAD_LETTERS, 1, copies, kept(KEPT_MS), fixed=True),
        TopicPlan(RULESETS, 1, copies, compact, fixed=True),
        TopicPlan(SNAPSHOTS, wide, copies, snapshots, fixed=True),
    )


def create(settings: Settings) -> list[TopicMade]:
    """Make the topics that are missing and wait for their leaders; those that exist are left as they are.

    Raises BrokerUnreachable, and TopicError when the broker refuses or ``activity`` exists with another partition count,
    before anything is made.
    """
    wanted = plan(settings)
    with admin_client(settings) as admin:
        there = partition_counts(admin, tuple(one.name for one in wanted))
        _refuse_changed_activity(there, settings)
        missing = [one for one in wanted if one.name not in there]
        if missing:
            _make(admin, missing)
        return [TopicMade(one.name, there.get(one.name, one.partitions), one.name not in there) for one in wanted]


def check(settings: Settings) -> list[TopicFinding]:
    """Compare the topics with the design, changing nothing. Raises BrokerUnreachable, or TopicError when not allowed to look."""
    wanted = plan(settings)
    findings: list[TopicFinding] = []
    with admin_client(settings) as admin:
        names = [one.name for one in wanted]
        described = {one["name"]: one for one in admin.describe_topics(names) if not one["error_code"]}
        configs = _configs(admin, [one for one in wanted if one.name in described])
        for one in wanted:
            if one.name not in described:
                advice = "run: payweir topics create"
                findings.append(TopicFinding(one.name, "topic", "missing", "there", Weight.ERROR, advice))
                continue
            partitions = described[one.name]["partitions"]
            findings += _compare_size(one, len(partitions), min(len(p["replica_nodes"]) for p in partitions))
            findings += _compare_config(one, configs[one.name])
    return findings


def require(settings: Settings) -> list[TopicFinding]:
    """For a worker's start: give the advice; raises TopicError naming every error, or BrokerUnreachable."""
    findings = check(settings)
    errors = [str(one) for one in findings if one.weight is Weight.ERROR]
    if errors:
        raise TopicError("; ".join(errors))
    return findings


def _refuse_changed_activity(there: Mapping[str, int], settings: Settings) -> None:
    found = there.get(ACTIVITY, settings.partitions)
    if found != settings.partitions:
        raise TopicError(
            f"{ACTIVITY} has {found} partitions, the settings say {settings.partitions}. {_ACTIVITY_ADVICE}"
        )


_ACTIVITY_ADVICE: Final = (
    "The state of every subject depends on this number: set PAYWEIR_PARTITIONS to what is there, or make the topic anew "
    "and raise PAYWEIR_EPOCH"
)


def _make(admin: KafkaAdminClient, missing: list[TopicPlan]) -> None:
    """Two people may run this at once: what the other has made meanwhile is fine."""
    for one in missing:
        options = {
            "num_partitions": one.partitions, "replication_factor": one.replication_factor, "configs": dict(one.config)
        }  # fmt: skip
        try:
            admin.create_topics({one.name: options})
        except TopicAlreadyExistsError:
            continue
    try:
        admin.wait_for_topics([one.name for one in missing], timeout_ms=_LEADERS_SECONDS_MAX * 1000)
    except KafkaTimeoutError as error:
        raise TopicError(
            f"the topics were made, but have no leaders after {_LEADERS_SECONDS_MAX} s: {error}"
        ) from error


def _configs(admin: KafkaAdminClient, plans: list[TopicPlan]) -> dict[str, dict[str, str]]:
    if not plans:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, one.name, list(one.config)) for one in plans]
    found = admin.describe_configs(resources, config_filter="all")["topic"]
    return {name: {key: str(entry["value"]) for key, entry in entries.items()} for name, entries in found.items()}


def _compare_size(one: TopicPlan, partitions: int, copies: int) -> list[TopicFinding]:
    findings = []
    if one.fixed and partitions != one.partitions:
        advice = _ACTIVITY_ADVICE if one.name == ACTIVITY else "make the topic anew while no worker runs"
        # A partition more than needed costs nothing where no subject lives in it.
        weight = Weight.ERROR if one.name == ACTIVITY or partitions < one.partitions else Weight.ADVICE
        findings.append(TopicFinding(one.name, "partitions", str(partitions), str(one.partitions), weight, advice))
    if copies < one.replication_factor:
        advice = "reassign its partitions to more brokers"
        findings.append(
            TopicFinding(one.name, "replication", str(copies), str(one.replication_factor), Weight.ADVICE, advice)
        )
    return findings


def _compare_config(one: TopicPlan, found: Mapping[str, str]) -> list[TopicFinding]:
    findings = []
    for key, wanted in one.config.items():
        value = found.get(key, "unknown")
        if value != wanted and not (key in _AT_LEAST and _enough(value, wanted)):
            # Sources belong to the integrator; and a copy too few is a risk, not a fault.
            mild = not one.fixed or key == "min.insync.replicas"
            weight = Weight.ADVICE if mild else Weight.ERROR
            advice = f"kafka-configs --alter --topic {one.name} --add-config {key}={wanted}"
            findings.append(TopicFinding(one.name, key, value, wanted, weight, advice))
    return findings


def _enough(found: str, wanted: str) -> bool:
    """Tell whether a limit is at least as high as designed."""
    try:
        have, need = int(found), int(wanted)
    except ValueError:
        return False
    return have == -1 or (need != -1 and have >= need)
