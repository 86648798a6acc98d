"""Rules that build on rules at the other end of payments say the same in any order of arrival and from any number of partitions.

::

    v --p1--> a --p2--> b --p3--> c --p4--> d       p2 marks b's receipt (hop-2), p3 c's (hop-3), p4 alerts (hop-4)
    late p1: three accounts away an alert appears; p2 voided by another content: it is withdrawn
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from streams.alerts.model import Alert
from streams.events import Event
from streams.legs import Leg, Mark, Said
from streams.state import hearing, subject
from streams.state.hearing import _about_leg
from tests.rig import worlds
from tests.rig.rings import programs, rings

EXAMPLES: Final = 200
_calm = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=False,
)
Case = tuple[list[Event], list[Event], int]


@contextmanager
def ring_rules() -> Iterator[None]:
    """Let the world run under the rules of rings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "programs", programs)
        yield


def final(arrivals: list[Event], partitions: int = 1, chunk: int = 1) -> dict[str, Alert]:
    with ring_rules():
        return worlds.final_alerts(arrivals, partitions=partitions, chunk=chunk)


@st.composite
def arrivals(draw: st.DrawFn, *, conflicts: bool = False) -> Case:
    """Two orders of arrival of one set of payments, and a size of chunk for the second."""
    known = draw(rings(conflicts=conflicts))
    return known, draw(st.permutations(known)), draw(st.integers(1, 4))


@given(arrivals())
@_calm
def test_any_order_of_arrival_gives_the_same_alerts_and_evidence(case: Case) -> None:
    first, second, chunk = case
    assert final(first) == final(second, chunk=chunk)


@given(arrivals())
@_calm
def test_four_partitions_give_the_same_alerts_and_evidence_as_one(case: Case) -> None:
    first, second, chunk = case
    assert final(first) == final(second, partitions=4, chunk=chunk)


@given(arrivals(conflicts=True), st.sampled_from((1, 3)))
@_calm
def test_contents_that_lose_a_conflict_leave_no_mark(case: Case, partitions: int) -> None:
    first, second, chunk = case
    assert final(first) == final(second, partitions=partitions, chunk=chunk)


@pytest.mark.parametrize("rule", ["hop-4", "fan", "points", "shared", "unsaid"])
def test_every_rule_of_the_ring_finds_something(rule: str) -> None:
    found = find(
        rings(conflicts=False),
        lambda known: any(each.rule_id == rule for each in final(known).values()),
        settings=_calm,
    )
    assert found


def test_a_signal_alerts_nobody() -> None:
    signals = {rule.id for rule in programs().ruleset.rules if rule.state == "signal"}
    assert signals
    with pytest.raises(NoSuchExample):
        find(
            rings(conflicts=False),
            lambda known: any(each.rule_id in signals for each in final(known).values()),
            settings=_calm,
        )


def _keeps_the_first(heard: "hearing.Heard", leg: Leg) -> tuple[str, ...]:
    """Hear no withdrawal."""
    rules = [mark.said.rule_id for mark in heard.get(leg.event_id, ()) if mark.said and mark.said.sender == leg.other]
    return tuple(sorted(set(rules)))


def _does_not_go_back(of: subject.Subject, mark: Mark, said: Said) -> bool:
    """Mark payments that come, and none that have come."""
    of.heard = of.heard or {}
    of.heard[mark.key] = (*of.heard.get(mark.key, ()), mark)
    return bool(said.stands)


class _Nameless(set[tuple[str, tuple[str, ...]]]):
    """What stands on a leg, the same whomever it names."""

    __hash__ = None

    def __ne__(self, other: object) -> bool:
        return isinstance(other, set) and {rule for rule, _ in self} != {rule for rule, _ in other}


def _hears_no_other_names(marks: Iterable[Mark], leg: Leg) -> _Nameless:
    """Do not go back when the same rule names others."""
    return _Nameless(_about_leg(marks, leg))


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("standing", _keeps_the_first),
        ("hear", _does_not_go_back),
        ("_about_leg", _hears_no_other_names),
    ],
    ids=["no withdrawal is heard", "a mark after its payment is not heard", "other names are not heard"],
)
def test_a_broken_build_is_caught(name: str, broken: Callable[..., object]) -> None:
    def differs(case: Case) -> bool:
        truth = final(case[0])
        with pytest.MonkeyPatch.context() as patch:
            for module in (subject, hearing):
                patch.setattr(module, name, broken, raising=module is hearing)
            return final(case[1], chunk=case[2]) != truth

    first = settings(_calm, max_examples=3_000, phases=(Phase.generate,))  # any will do, it need not be small
    assert find(arrivals(conflicts=True), differs, settings=first)
