"""What a release left can be read and gone on from; outputs change only under a new engine number."""

import msgspec
import pytest

from streams.alerts import compose
from streams.alerts.compose import ENGINE
from streams.clock import DAY_MS
from streams.detection.check import check_files
from streams.detection.program import compile_ruleset
from streams.errors import FormatError, FormatOutdated
from streams.legs import FORMAT_VERSION, Control, Packed, pack
from streams.pipeline.snapshot import fingerprint, manifest_of, migrated, restore
from streams.pipeline.snapshot.forms import MANIFEST_KEY, SNAPSHOT_VERSION, zstd
from streams.pipeline.snapshot.migrate import MIGRATIONS
from tests.golden.golden import COMMAND, LATENESS_MS, blank, compare, engines, outputs_of, read
from tests.rig.activity import fold
from tests.rig.snapshots import Life, Topic


def with_manifest(records: dict[bytes, bytes], place: int, value: int) -> dict[bytes, bytes]:
    """Give the records with another number in a place of the manifest: 0 the format, 1 the engine."""
    manifest = msgspec.msgpack.decode(records[MANIFEST_KEY])
    manifest[place] = value
    return records | {MANIFEST_KEY: msgspec.msgpack.encode(manifest)}


def test_the_engine_of_today_has_a_golden_log() -> None:
    assert ENGINE in engines(), f"engine {ENGINE} has no golden log; run: {COMMAND}"


def test_the_outputs_of_today_are_those_of_the_golden_log() -> None:
    golden = read(ENGINE)
    programs = golden.programs
    compare(golden, outputs_of(blank(), golden.log, {programs.ruleset.digest: programs}))


def test_a_changed_output_is_found_and_the_command_to_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    golden = read(ENGINE)
    programs = golden.programs
    monkeypatch.setattr(compose, "EVIDENCE_MAX", 2)
    found = outputs_of(blank(), golden.log, {programs.ruleset.digest: programs})
    with pytest.raises(AssertionError, match=f"raise ENGINE in .*\n?.*{COMMAND}"):
        compare(golden, found)


@pytest.mark.parametrize("engine", engines())
def test_the_snapshot_a_release_left_is_gone_on_from(engine: int) -> None:
    golden = read(engine)
    programs = golden.programs
    rulesets = {programs.ruleset.digest: programs}
    records = migrated(golden.snapshot)
    manifest = manifest_of(records)
    assert manifest is not None
    assert 0 < manifest.offset < len(golden.log)
    state = restore(records, manifest, rulesets, 0)
    state.lateness_ms = LATENESS_MS
    rest = outputs_of(state, golden.log, rulesets)
    if engine == ENGINE:
        assert rest == [line for line in golden.outputs if int(line.split()[0]) >= manifest.offset]
        whole = blank()
        outputs_of(whole, golden.log, rulesets)
        assert fingerprint(state) == fingerprint(whole)


@pytest.mark.parametrize("share", [1, 8])
def test_wherever_a_worker_recovers_it_goes_on_as_if_it_never_had(share: int) -> None:
    """With sweeps before and after, and a ruleset that comes into force in the past; subjects sleep until something comes."""
    golden = read(ENGINE)
    old, log = golden.programs, list(golden.log)
    files = msgspec.json.decode(golden.ruleset, type=dict[str, str])
    ruleset, _ = check_files({name: text for name, text in files.items() if "structuring-cash" not in name})
    assert ruleset is not None
    rulesets = {each.ruleset.digest: each for each in (old, compile_ruleset(ruleset))}
    before = blank()
    fold(before, log, rulesets, len(log) * 2 // 3)
    past = Control("ruleset", ruleset.digest, before.low - 3 * DAY_MS)
    log.insert(before.next_offset, pack(Packed(FORMAT_VERSION, "publish", [], [], {}, past)))
    whole, life = blank(), Life(log, rulesets, Topic())
    told = outputs_of(whole, log, rulesets)
    at = len(log) * share // 9
    for records in (at // 2, at - at // 2):
        life.move(records)
        life.cut()
        life.finish()
    life.crash()
    assert life.state.next_offset == at
    assert life.state.asleep
    assert life.state.deadlines
    assert not life.state.subjects
    life.state.lateness_ms = LATENESS_MS
    assert outputs_of(life.state, log, rulesets) == [line for line in told if int(line.split()[0]) >= at]
    assert fingerprint(life.state) == fingerprint(whole)


def plain(snapshot: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Give it as format 1 had it, with nothing compressed."""
    found = {key: zstd.decompress(value) if key[1:2] == b":" else value for key, value in snapshot.items()}
    return with_manifest(found, 0, 1)


def test_a_snapshot_of_format_1_is_compressed_and_words_about_attempts_are_left_alone() -> None:
    today, words = migrated(read(ENGINE).snapshot), {b"a:7": b"attempts", b"k:7:1:a": b"skip"}
    old = plain(today) | words
    assert sum(map(len, old.values())) > sum(map(len, today.values())) * 3 // 2
    assert migrated(old) == today | words


def test_a_snapshot_of_an_older_format_is_migrated_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    today = migrated(read(ENGINE).snapshot)
    older = {b"old:" + key: value for key, value in plain(today).items() if key != MANIFEST_KEY}
    older |= with_manifest({MANIFEST_KEY: today[MANIFEST_KEY]}, 0, 0)

    def renamed(records: dict[bytes, bytes]) -> dict[bytes, bytes]:
        return with_manifest({key.removeprefix(b"old:"): value for key, value in records.items()}, 0, 1)

    with pytest.raises(FormatOutdated, match="format 0, which this program no longer reads"):
        migrated(older)
    monkeypatch.setitem(MIGRATIONS, 0, renamed)
    assert migrated(older) == today


def test_a_newer_format_and_a_newer_engine_are_refused() -> None:
    snapshot = read(ENGINE).snapshot
    with pytest.raises(FormatError, match="a newer version of Payweir wrote it") as refused:
        migrated(with_manifest(snapshot, 0, SNAPSHOT_VERSION + 1))
    assert not isinstance(refused.value, FormatOutdated)
    with pytest.raises(FormatError, match="a newer version of Payweir has taken over"):
        manifest_of(with_manifest(snapshot, 1, ENGINE + 1))
