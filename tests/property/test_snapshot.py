"""A state written while it moves on, lost, and read back is the state; what follows is the same."""

from collections.abc import Iterator
from random import Random
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.cli.run import load_programs
from streams.clock import DAY_MS
from streams.events import Event
from streams.events.codec import encode_event
from streams.pipeline import PartitionState, RawRecord, SourceState
from streams.pipeline.snapshot import fingerprint
from streams.replay.generator import GeneratorSettings
from streams.state import subject
from streams.state.subject import DEEP
from tests.bench.report import ROOT
from tests.bench.stream import by_arrival
from tests.rig.activity import activity_log, fold
from tests.rig.snapshots import Life, Topic
from tests.rig.worlds import events, programs

_RECEIVED: Final = 1 << 50
_calm = settings(
    max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=False
)
plans = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from(("cut", "drain", "drain", "finish", "fail", "crash"))), max_size=12
)


@pytest.fixture(params=[DEEP, 0], ids=["waits when deep", "waits when late"], scope="module", autouse=True)
def _deep(request: pytest.FixtureRequest) -> Iterator[None]:
    """Legs are few here, so that none would wait; with 0 every leg out of order does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "DEEP", request.param)
        yield


def log_of(known: list[Event], chunk: int) -> list[bytes]:
    source = SourceState("world", 0)
    records = [RawRecord(offset, _RECEIVED, encode_event(event)) for offset, event in enumerate(known)]
    return activity_log(programs(), [(source, records[at : at + chunk]) for at in range(0, len(records), chunk)])


@given(events(conflicts=True, size_max=16), st.integers(1, 3), plans)
@_calm
def test_a_worker_that_crashes_and_recovers_ends_as_one_that_never_did(
    known: list[Event], chunk: int, plan: list[tuple[int, str]]
) -> None:
    log, rulesets = log_of(known, chunk), {programs().ruleset.digest: programs()}
    calm = PartitionState(lateness_ms=3 * DAY_MS)
    told = fold(calm, log, rulesets, len(log))
    life = Life(log, rulesets, Topic())
    for records, event in plan:
        life.move(records)
        getattr(life, event)()
    life.crash()
    life.move(len(log))
    assert fingerprint(life.state) == fingerprint(calm)
    assert life.told == told


def test_a_worker_under_the_shipped_rules_ends_as_one_that_never_crashed() -> None:
    programs = load_programs(ROOT / "rules")
    rulesets = {programs.ruleset.digest: programs}
    source, settings = SourceState("all/0", 0), GeneratorSettings(seed=5, events=1_500, duplicates=0.02)
    records = [RawRecord(offset, *arrival) for offset, arrival in enumerate(by_arrival(settings))]
    log = activity_log(programs, [(source, records[at : at + 6]) for at in range(0, len(records), 6)])
    calm, dice = PartitionState(lateness_ms=3 * DAY_MS), Random(5)
    told = fold(calm, log, rulesets, len(log))
    life = Life(log, rulesets, Topic())
    while life.state.next_offset < len(log):
        life.move(dice.randint(1, 25))
        getattr(life, dice.choice(("cut", "drain", "drain", "finish", "finish", "crash")))()
    life.crash()
    life.move(len(log))
    assert fingerprint(life.state) == fingerprint(calm)
    assert life.told == told
