"""A state written while it moves on, lost, and read back is the state; what follows is the same."""

from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.clock import DAY_MS
from streams.events import Event
from streams.events.codec import encode_event
from streams.pipeline import PartitionState, RawRecord, SourceState
from streams.pipeline.snapshot import fingerprint
from streams.state import subject
from streams.state.subject import DEEP
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
