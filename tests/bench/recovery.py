"""How long a detect worker takes from its start until it may be counted on, with the snapshots of many accounts before it.

The state of a small stream is multiplied: every subject again under other names, in the format of the snapshots topic. The worker
is started from the command line, reads all partitions, and is ready.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from streams.agents.config import TransportConfig
from streams.agents.snapshots import SnapshotTopic
from streams.cli.run import load_programs
from streams.legs import Leg, SubjectKind, whole
from streams.pipeline import PartitionState, RawRecord, SourceState
from streams.pipeline.snapshot import SnapshotWriter, manifest_of
from streams.pipeline.snapshot.cut import SEGMENT_MAX
from streams.pipeline.snapshot.forms import (
    DORMANT,
    MANIFEST_KEY,
    Manifest,
    Segment,
    encode,
    read_events,
    read_legs,
    segment_key,
    squeeze,
)
from streams.replay.embedded import Embedded
from streams.replay.files import open_inputs
from streams.settings.topics import ACTIVITY
from tests.bench.meter import cpu_seconds, memory
from tests.bench.report import Figure, Report
from tests.bench.stream import Stream
from tests.rig.cluster import FAR_MS, Cluster
from tests.rig.kafka import KafkaBroker, end_offsets
from tests.rig.process import RigError

PARTITIONS: Final = 4
PATIENCE_SECONDS: Final = 900.0
SECONDS_MAX: Final = 60
ACCOUNTS: Final = 1_000_000
"""The target is for so many."""
_CHUNK: Final = 500
_AT_ONCE: Final = 2_000
_MARK: Final = "~"


class Template(NamedTuple):
    """The snapshots topic of one small partition, and how many accounts are in it."""

    records: dict[bytes, bytes]
    manifest: Manifest
    accounts: int


def recovery(report: Report, stream: Stream, accounts: int, folder: Path) -> None:
    """Measure the same worker with nothing before it, then with the snapshots of so many accounts."""
    template = _template(stream)
    copies = max(1, -(-accounts // template.accounts))
    with (
        KafkaBroker() as broker,
        Cluster(broker.bootstrap, f"sqlite:///{folder / 'none.db'}", folder, PARTITIONS) as cluster,
    ):
        cluster.settings = {"PAYWEIR_PREFIX": "bench", "PAYWEIR_SNAPSHOT_SECONDS": "3600"}
        cluster.prepare(stream.rules)
        bare = _ready(cluster, "bare")
        config = TransportConfig("bench", "detect", broker.bootstrap, (ACTIVITY,))
        ends = end_offsets(broker.bootstrap, ACTIVITY, PARTITIONS)
        count, size = asyncio.run(_fill(config, template, copies, ends))
        full = _ready(cluster, "full")
        halves = _ready(cluster, "one", "two")
    held = template.accounts * copies
    grown = full.peak - bare.peak
    report.figures += [
        Figure("recovery", "accounts in the snapshots", held, "accounts"),
        Figure("recovery", "records in the snapshots", count, "records"),
        Figure("recovery", "bytes in the snapshots", size / held, "bytes/account"),
        Figure("recovery", "start of a worker without state", bare.wall, "s", bare.wall),
        _against("start until ready, one worker", full.wall, held),
        _against("start until ready, two workers", halves.wall, held),
        Figure("recovery", "start until ready, CPU", full.cpu, "s CPU"),
        Figure("recovery", "start until ready, CPU over one without state", (full.cpu - bare.cpu) / held * 1e6, "us CPU/account"),
        Figure("recovery", "memory, peak over one without state", grown / held, "bytes/account"),
        Figure("recovery", "memory when ready", full.now / (1 << 20), "MiB"),
    ]  # fmt: skip


def _against(what: str, wall: float, held: int) -> Figure:
    """Hold a start against the target, where there are as many accounts as it is for."""
    if held < ACCOUNTS:
        return Figure("recovery", what, wall, "s", wall)
    return Figure("recovery", what, wall, "s", wall, f"<= {SECONDS_MAX}", wall <= SECONDS_MAX)


class _Start(NamedTuple):
    wall: float
    cpu: float
    now: int
    peak: int


def _ready(cluster: Cluster, *names: str) -> _Start:
    """Start detect workers and wait until all are ready; CPU and memory are those of all together."""
    begun = time.monotonic()
    workers = [cluster.start("detect", name) for name in names]
    watches = [cluster.watch(name) for name in names]
    while any(watch.get("/health/ready")[0] != 200 for watch in watches):
        cluster.check_alive()
        if time.monotonic() > begun + PATIENCE_SECONDS:
            raise RigError(f"not ready after {PATIENCE_SECONDS:g} s\n{cluster.logs()}")
        time.sleep(0.1)
    wall, cpu = time.monotonic() - begun, sum(cpu_seconds(worker.pid) for worker in workers)
    now, peak = map(sum, zip(*(memory(worker.pid) for worker in workers), strict=True))
    for name in names:
        cluster.stop(name)
    return _Start(wall, cpu, now, peak)


def _template(stream: Stream) -> Template:
    programs = load_programs(stream.rules)
    files = open_inputs([str(stream.folder)])
    embedded = Embedded(programs, tuple(file.name for file in files), lambda _outcomes: None)
    for file in files:
        source, lines = SourceState(file.name, 0), list(file.lines())
        for at in range(0, len(lines), _CHUNK):
            embedded.feed(source, [RawRecord(at + n, FAR_MS, line) for n, line in enumerate(lines[at : at + _CHUNK])])
    return _snapshot(embedded.states[0])


def _snapshot(state: PartitionState) -> Template:
    writer = SnapshotWriter(state, [], 0)
    for subject in state.subjects.values():
        writer.journal.note(subject)
    events, dormant = list(state.accounting.events), [whole(leg) for legs in state.dormant.values() for leg in legs]
    for at in range(0, max(len(events), len(dormant)), SEGMENT_MAX):
        writer.journal.events += events[at : at + SEGMENT_MAX]
        writer.journal.dormant += dormant[at : at + SEGMENT_MAX]
        writer.spool(1)
    records = {key: value for key, value in writer.cut(state.next_offset).drain(1 << 30) if value is not None}
    manifest = manifest_of(records)
    assert manifest is not None
    accounts = sum(kind == SubjectKind.ACCOUNT for kind, _ in state.subjects)
    return Template(records, manifest, accounts)


async def _fill(config: TransportConfig, template: Template, copies: int, ends: dict[int, int]) -> tuple[int, int]:
    """Write the copies over all partitions, as of the ends of the log; gives records and bytes."""
    count = size = 0
    for place in range(PARTITIONS):
        topic = SnapshotTopic(config, place)
        await topic.open()
        waiting: list[tuple[bytes, bytes | None]] = []
        segments: list[Segment] = []
        for copy in range(place, copies, PARTITIONS):
            for key, value in _copied(template, copy, segments):
                waiting.append((key, value))
                count, size = count + 1, size + len(key) + len(value)
                if len(waiting) >= _AT_ONCE:
                    await topic.write(waiting)
                    waiting = []
        manifest = msgspec.structs.replace(
            template.manifest,
            offset=ends[place],
            acknowledged=ends[place],
            segments=segments,
            next_segment=len(segments),
        )
        await topic.write([*waiting, (MANIFEST_KEY, encode(manifest))])
        await topic.commit()
        await topic.close()
    return count, size


def _copied(template: Template, copy: int, segments: list[Segment]) -> Iterator[tuple[bytes, bytes]]:
    """Give every record under names of its own."""
    mark = f"{_MARK}{copy}"
    for key, value in template.records.items():
        if key.startswith(b"b:"):
            yield key + mark.encode(), squeeze([_renamed(leg, mark) for leg in read_legs.decode(value)])
        elif key.startswith(b"x:"):
            yield key + mark.encode(), value
    for segment in template.manifest.segments:
        data = template.records[segment_key(segment)]
        if segment.name == DORMANT:
            data = squeeze([_renamed(leg, mark) for leg in read_legs.decode(data)])
        else:
            data = squeeze([(event_id + mark, known) for event_id, known in read_events.decode(data)])
        numbered = Segment(segment.name, len(segments), segment.newest, segment.swept_to)
        segments.append(numbered)
        yield segment_key(numbered), data


def _renamed(leg: Leg, mark: str) -> Leg:
    return msgspec.structs.replace(leg, subject=leg.subject + mark)
