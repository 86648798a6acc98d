"""What stands in the end is a function of the set of events: any order of arrival, any number of partitions, any chunks."""

from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.events import Event
from streams.state import subject
from streams.state.subject import DEEP
from tests.rig.worlds import events, final_alerts

EXAMPLES: Final = 300
_calm = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=False,
)


@pytest.fixture(params=[DEEP, 0], ids=["waits when deep", "waits when late"], scope="module", autouse=True)
def _deep(request: pytest.FixtureRequest) -> Iterator[None]:
    """Legs are few here, so that none would wait; with 0 every leg out of order does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "DEEP", request.param)
        yield


@st.composite
def arrivals(draw: st.DrawFn, *, conflicts: bool) -> tuple[list[Event], list[Event], int]:
    """Two orders of arrival of one set of events, and a size of chunk for the second."""
    known = draw(events(conflicts=conflicts))
    return known, draw(st.permutations(known)), draw(st.integers(1, 4))


@given(arrivals(conflicts=False))
@_calm
def test_any_order_of_arrival_gives_the_same_alerts_and_evidence(case: tuple[list[Event], list[Event], int]) -> None:
    first, second, chunk = case
    assert final_alerts(first) == final_alerts(second, chunk=chunk)


@given(arrivals(conflicts=False))
@_calm
def test_three_partitions_give_the_same_alerts_and_evidence_as_one(case: tuple[list[Event], list[Event], int]) -> None:
    first, second, chunk = case
    assert final_alerts(first) == final_alerts(second, partitions=3, chunk=chunk)


@given(arrivals(conflicts=True), st.sampled_from((1, 3)))
@_calm
def test_two_contents_under_one_event_id_end_alike_in_any_order(
    case: tuple[list[Event], list[Event], int], partitions: int
) -> None:
    first, second, chunk = case
    assert final_alerts(first) == final_alerts(second, partitions=partitions, chunk=chunk)
