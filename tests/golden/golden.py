"""Making, reading and comparing golden logs.

``engine-N`` holds what the engine of that number makes of one small log: ``log.xz`` (ruleset and packed records as they stand in
the topics), ``outputs.xz`` (every outcome and mark, a line each, with the offset it came from) and ``snapshot.xz`` (the snapshots
topic after a snapshot in the middle). All of it depends on the code of its day only, never on a clock or a machine.
"""

import lzma
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from streams.alerts.compose import ENGINE
from streams.alerts.model import RulesetInForce
from streams.cli.run import load_programs
from streams.clock import DAY_MS
from streams.detection.check import check_files
from streams.detection.program import Programs, compile_ruleset
from streams.legs import FORMAT_VERSION, Control, Packed, pack
from streams.pipeline import PartitionState, RawRecord, SourceState
from streams.pipeline.snapshot import SnapshotWriter
from streams.replay.files import open_inputs
from streams.replay.generator import GeneratorSettings, generate
from tests.rig.activity import activity_log, fold

ROOT: Final = Path(__file__).parent
COMMAND: Final = "python -m tests.golden"
RELEASED: Final = ROOT / "RELEASED"
"""Engine numbers of releases, one a line: their files are never written again."""
_RULES: Final = ROOT.parents[1] / "rules"
_STREAM: Final = GeneratorSettings(seed=7, events=1_000, duplicates=0.01)
_RECEIVED: Final = 1 << 50
_CHUNK: Final = 40
LATENESS_MS: Final = 3 * DAY_MS


class Golden(NamedTuple):
    """What a release left."""

    ruleset: str
    log: list[bytes]
    outputs: list[bytes]
    snapshot: dict[bytes, bytes]

    @property
    def programs(self) -> Programs:
        """The ruleset of the log, compiled by the code of today."""
        ruleset, findings = check_files(msgspec.json.decode(self.ruleset, type=dict[str, str]))
        assert ruleset is not None, f"the published ruleset can no longer be read: {findings.errors}"
        return compile_ruleset(ruleset)


def folder(engine: int) -> Path:
    """Where the files of an engine are."""
    return ROOT / f"engine-{engine}"


def engines() -> list[int]:
    """The engines there are files of."""
    return sorted(int(each.name.removeprefix("engine-")) for each in ROOT.glob("engine-*"))


def read(engine: int) -> Golden:
    """Read the files of an engine."""
    place = folder(engine)
    ruleset, log = msgspec.msgpack.decode(
        lzma.decompress((place / "log.xz").read_bytes()), type=tuple[str, list[bytes]]
    )
    outputs = lzma.decompress((place / "outputs.xz").read_bytes()).splitlines()
    snapshot = msgspec.msgpack.decode(
        lzma.decompress((place / "snapshot.xz").read_bytes()), type=list[tuple[bytes, bytes]]
    )
    return Golden(ruleset, log, outputs, dict(snapshot))


def write(golden: Golden) -> None:
    """Write the files of today's engine."""
    place = folder(ENGINE)
    place.mkdir(exist_ok=True)
    for name, data in (
        ("log", msgspec.msgpack.encode((golden.ruleset, golden.log))),
        ("outputs", b"\n".join(golden.outputs)),
        ("snapshot", msgspec.msgpack.encode(sorted(golden.snapshot.items()))),
    ):
        (place / f"{name}.xz").write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


def make() -> Golden:
    """Make a log and all that follows by today's code."""
    with tempfile.TemporaryDirectory() as temporary:
        stream, rules = Path(temporary, "stream"), Path(temporary, "rules")
        generate(_STREAM, stream)
        shutil.copytree(_RULES, rules)
        shutil.copytree(stream / "lists", rules / "lists", dirs_exist_ok=True)
        programs = load_programs(rules)
        log = activity_log(programs, _chunks(stream))
    log.append(pack(Packed(FORMAT_VERSION, "publish", [], [], {}, Control("end"))))
    rulesets = {programs.ruleset.digest: programs}
    return Golden(programs.ruleset.text, log, outputs_of(blank(), log, rulesets), _snapshot(log, rulesets))


def blank() -> PartitionState:
    """The state before the first record."""
    return PartitionState(lateness_ms=LATENESS_MS)


def outputs_of(state: PartitionState, log: list[bytes], rulesets: Mapping[str, Programs]) -> list[bytes]:
    """Fold the rest of a log and give a line for everything that follows."""
    lines = []
    for at, each in fold(state, log, rulesets, len(log)):
        told = msgspec.structs.replace(each, text="") if isinstance(each, RulesetInForce) else each
        lines.append(f"{at} ".encode() + msgspec.json.encode(told, order="deterministic"))
    return lines


def _snapshot(log: list[bytes], rulesets: Mapping[str, Programs]) -> dict[bytes, bytes]:
    """Give the topic after two snapshots: one after a third of the log, and one of what changed in the second third."""
    state, kept = blank(), dict[bytes, bytes]()
    writer = SnapshotWriter(state, [], 0)
    for third in (1, 2):
        fold(state, log, rulesets, len(log) * third // 3)
        cut = writer.cut(state.next_offset)
        for key, value in cut.drain(1 << 30):
            if value is None:
                kept.pop(key, None)
            else:
                kept[key] = value
        cut.committed()
    return kept


def _chunks(stream: Path) -> Iterator[tuple[SourceState, list[RawRecord]]]:
    """Deal the files out as their records may have come: each source in chunks, all sources side by side."""
    due = []
    for file in open_inputs([str(stream)]):
        lines = list(file.lines())
        if file.name.startswith("payments"):
            _spoil(lines)
        source = SourceState(file.name.partition(".")[0], 0)
        records = [RawRecord(offset, _RECEIVED, line) for offset, line in enumerate(lines)]
        due += [
            ((at + 1) * 1000 // len(records), source.name, source, records[at : at + _CHUNK])
            for at in range(0, len(records), _CHUNK)
        ]
    for _, _, source, records in sorted(due, key=lambda each: each[:2]):
        yield source, records


def _spoil(lines: list[bytes]) -> None:
    """Put in what cannot be read, and another content under an event id that was there before."""
    again = msgspec.json.decode(lines[10], type=dict[str, object])
    again["amount_minor"] = 12_345
    lines[60:60] = [b"payment of 5 yuan", msgspec.json.encode(again)]


def compare(golden: Golden, found: list[bytes]) -> None:
    """Raise AssertionError, saying what to do, unless the outputs are those of the golden log."""
    if found == golden.outputs:
        return
    pairs = zip(golden.outputs, found, strict=False)
    first = next((n for n, (old, new) in enumerate(pairs) if old != new), min(len(golden.outputs), len(found)))
    old, new = ((lines[first] if first < len(lines) else b"nothing").decode() for lines in (golden.outputs, found))
    raise AssertionError(
        f"the outputs for the golden log of engine {ENGINE} have changed, first in line {first + 1}:\n  was {old}\n  is  {new}\n"
        "If that is not wanted, mend it. If it is, and this engine was released (tests/golden/RELEASED), raise ENGINE in "
        f"streams/alerts/compose.py; then run: {COMMAND}"
    )
