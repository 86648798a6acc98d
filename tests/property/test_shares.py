"""Several processes that share a run say what one says, revision for revision withdrawn or not, whatever came in what order.

::

    process 0: account a  --mark-->  process 1: account b  --mark-->  process 2: device     one round after the other
"""

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.alerts.model import Alert, AlertState, Outcome, Position
from streams.detection.program import Programs
from streams.events import Event
from streams.events.codec import encode_event
from streams.pipeline import RawRecord, SourceState
from streams.replay.embedded import Embedded, Marks, Share
from streams.replay.processes import Link, in_processes
from streams.replay.run import Summary
from streams.replay.shares import share
from tests.rig import rings, worlds

EXAMPLES: Final = 150
_RECEIVED: Final = 1 << 50
Spoken = tuple[str, Alert]
MakeShare = Callable[[int, int, Link], Share]


class Case(NamedTuple):
    """Events in their order of arrival, and how many come at once."""

    world: str
    arrivals: list[Event]
    chunk: int


class Said(NamedTuple):
    """All that was said: every revision of every alert but for its position, by alert, and the counts."""

    alerts: dict[str, list[Alert]]
    counts: Summary


RULES: Final[dict[str, Callable[[], Programs]]] = {"small": worlds.programs, "rings": rings.programs}


def ran(case: Case, share: Share | None = None) -> Said:
    said = Said({}, Summary())

    def sink(outcomes: list[Outcome]) -> None:
        said.counts.take(outcomes)
        for each in outcomes:
            if isinstance(each, Alert):
                plain = msgspec.structs.replace(each, revision=Position(0, 0, 0))
                said.alerts.setdefault(each.alert_id, []).append(plain)

    embedded = Embedded(RULES[case.world](), ("world/0",), sink, share=share)
    source = SourceState("world", 0)
    records = [RawRecord(offset, _RECEIVED, encode_event(event)) for offset, event in enumerate(case.arrivals)]
    for at in range(0, len(records), case.chunk):
        embedded.feed(source, records[at : at + case.chunk])
    embedded.end()
    return said


def ran_all(cases: list[Case], number: int, of: int, made: MakeShare, link: Link) -> list[Said]:
    return [ran(case, made(number, of, link)) for case in cases]


def together(cases: list[Case], of: int, made: MakeShare = share) -> list[Said]:
    """Run all cases in ``of`` real processes and put together what each process said."""
    jobs = [partial(ran_all, cases, number, of, made) for number in range(of)]
    parts = in_processes(jobs, of, lambda _done, _records: None, of)
    found = []
    for several in zip(*parts, strict=True):
        said = Said({}, Summary())
        for each in several:
            assert not said.alerts.keys() & each.alerts.keys()
            said.alerts.update(each.alerts)
            said.counts.add(each.counts)
        found.append(said)
    return found


def lossy(number: int, of: int, link: Link) -> Share:
    """Lose the last mark for another process."""
    whole = share(number, of, link)

    def exchange(marks: Marks) -> Marks:
        others = [p for p in marks if p != number]
        return whole.exchange({p: each[:-1] if p in others[-1:] else each for p, each in marks.items()})

    return Share(number, of, exchange)


def hasty(number: int, of: int, link: Link) -> Share:
    """Take no notice of what others say."""
    whole = share(number, of, link)

    def exchange(marks: Marks) -> Marks:
        heard = whole.exchange(marks)
        return {number: marks.get(number, [])} if heard else {}

    return Share(number, of, exchange)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """What the other tests of order try one by one; together, as starting processes for each would take hours."""
    found: list[Case] = []

    @given(
        st.one_of(
            st.tuples(st.just("small"), worlds.events(conflicts=True)),
            st.tuples(st.just("rings"), rings.rings(conflicts=True).flatmap(st.permutations)),
        ),
        st.integers(1, 4),
    )
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    def collect(drawn: tuple[str, list[Event]], chunk: int) -> None:
        found.append(Case(*drawn, chunk))

    collect()
    return found


@pytest.fixture(scope="module")
def alone(cases: list[Case]) -> list[Said]:
    return [ran(case) for case in cases]


def differing(left: list[Said], right: list[Said]) -> list[int]:
    return [at for at, pair in enumerate(zip(left, right, strict=True)) if _plain(pair[0]) != _plain(pair[1])]


def _plain(said: Said) -> tuple[object, ...]:
    counts = said.counts
    totals = [counts.total(name) for name in ("accepted", "late", "duplicate", "conflict")]
    return said.alerts, totals, counts.refused, counts.undecided, counts.by_rule


def test_the_cases_hold_what_can_go_wrong(cases: list[Case], alone: list[Said]) -> None:
    assert {case.world for case in cases} == set(RULES)
    last = [revisions[-1] for said in alone for revisions in said.alerts.values()]
    assert {AlertState.STANDING, AlertState.WITHDRAWN} <= {alert.state for alert in last}
    assert {"fan", "event-conflict"} <= {alert.rule_id for alert in last}
    assert any(said.counts.total("conflict") for said in alone)
    assert any(said.counts.undecided for said in alone)


@pytest.mark.parametrize("of", [2, 3])
def test_several_processes_say_what_one_says(cases: list[Case], alone: list[Said], of: int) -> None:
    assert differing(together(cases, of), alone) == []


@pytest.mark.parametrize("broken", [lossy, hasty])
def test_a_mark_that_is_lost_between_processes_is_noticed(
    cases: list[Case], alone: list[Said], broken: MakeShare
) -> None:
    assert len(differing(together(cases, 2, broken), alone)) > 5
