"""Every value a rule may measure is the same whether legs came in order, in any order, or after older ones were let go."""

from functools import cache
from typing import Final, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS
from streams.detection.check import check_files
from streams.detection.evaluation import advance
from streams.detection.program import Programs, compile_ruleset
from streams.detection.schedule import Schedule
from streams.detection.slots import Slot, change
from streams.legs import Leg, LegKind, SubjectKind
from streams.state.forgetting import evict
from streams.state.subject import FOREVER, Subject

RULE: Final = """
id: everything
title: Everything a rule may measure
typology: test
severity: low
owner: test
per: account
on: [debit, credit]
let:
  cash: sum amount of debits where rail = CASH_OUT over 2h
  small: count of movements where amount < limit and purpose not in regular over 1h
  least: min amount of movements where known_for < 20d over 2h
  most: max amount of movements where country = KH or purpose in regular over 2h
  others: count distinct counterparty of movements over 2h
  fresh: count distinct counterparty of new movements over 1h
  same: count of movements with the same counterparty over 2h
  days: count distinct day of movements over 2h
  same_sum: sum amount of credits with the same device over 2h
  listed: count of debits where counterparty in watched over 2h
  left: count of credits followed within 1h by 70% in debits over 2h
  mirrored: count of credits where amount >= limit matched within 1h by 50% to 150% in debits alike within 20% over 2h
  at_night: count of movements where hour < 6 over 2h
  round: count of movements where amount is a multiple of step over 2h
  sizes: count distinct amount of movements over 2h
  poor: count of debits where balance <= limit over 2h
  quiet: pause before movements where purpose not in regular over 2h
  once: count of one-off movements over 2h
  once_in: count of one-off credits where amount < limit over 2h
  once_lately: count of one-off movements over 30m
when: others >= 0
params:
  limit: {CNY: 3}
  step: {CNY: 2}
  regular: [SALA]
say: "{cash}"
cool_down: 1h
"""
WATCHED: Final = """
id: watched
kind: account
owner: test
entries:
  - {key: b, reason: test, added_by: one, approved_by: two, valid_from: 1970-01-01, expires: 1970-01-12}
"""
START: Final = 10 * DAY_MS
_calm = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


class Side(NamedTuple):
    """What a drawn leg is made from."""

    time: int
    kind: LegKind
    other: str
    amount: int
    way: str
    purpose: str
    country: str
    currency: str


def leg(number: int, side: Side) -> Leg:
    return Leg(
        SubjectKind.ACCOUNT, "a", side.kind, side.time, 0, "s", f"e{number}", number, f"p{number}", amount=side.amount,
        currency=side.currency, other=side.other, device=side.country, way=side.way, purpose=side.purpose, country=side.country,
        zone=32 if side.country else 0, balance=None if side.purpose else side.amount,
    )  # fmt: skip


_minutes = st.sampled_from((0, 0, 30, 60, 60, 90, 120, 150, 240))
_days = st.sampled_from((0, 0, 0, 0, 3, 31, 190, 195))
sides = st.builds(
    Side, st.builds(lambda days, minutes: START + days * DAY_MS + minutes * MINUTE_MS, _days, _minutes),
    st.sampled_from((LegKind.DEBIT, LegKind.CREDIT)), st.sampled_from(("", "b", "c")), st.sampled_from((100, 200, 300, 400)),
    st.sampled_from(("BANK", "CASH_OUT")), st.sampled_from(("", "", "SALA")), st.sampled_from(("", "KH")),
    st.sampled_from(("CNY", "CNY", "CNY", "USD")),
)  # fmt: skip


@cache
def programs() -> Programs:
    ruleset, findings = check_files({"rule.yaml": RULE, "list.yaml": WATCHED})
    assert ruleset is not None, findings
    return compile_ruleset(ruleset)


def values(subject: Subject) -> dict[str, tuple[int | str, ...] | str]:
    return {hit.leg.event_id: hit.undecided or hit.values for hit in subject.hits}


def evaluated(legs: list[Leg], known: Programs, *, at_once: bool) -> Subject:
    schedule, subject = Schedule(), Subject(SubjectKind.ACCOUNT, "a")
    schedule.add(0, known)
    for each in legs:
        subject.insert(each, at_once=True)
        if not at_once:
            advance(subject, schedule)
    advance(subject, schedule)
    return subject


@given(
    st.lists(sides, min_size=1, max_size=14).flatmap(
        lambda known: st.tuples(st.just(known), st.permutations(range(len(known))))
    )
)
@_calm
def test_rewound_values_are_those_of_an_evaluation_from_scratch(case: tuple[list[Side], list[int]]) -> None:
    known, order = case
    moved = evaluated([leg(i, known[i]) for i in order], programs(), at_once=False)
    fresh = evaluated([leg(i, known[i]) for i in range(len(known))], programs(), at_once=True)
    assert len(fresh.hits) == len(known)
    assert values(moved) == values(fresh)
    moved.rewind(0)
    assert not moved.pairs
    assert all(not any(group) for group in moved.groups.values())


@given(st.lists(st.tuples(sides, st.booleans()), min_size=3, max_size=14))
@_calm
def test_legs_taken_out_at_once_leave_no_trace_in_the_values_of_others(known: list[tuple[Side, bool]]) -> None:
    schedule, moved = Schedule(), Subject(SubjectKind.ACCOUNT, "a")
    schedule.add(0, programs())
    for i, (side, stays) in enumerate(known):
        moved.insert(leg(i, side), at_once=True)
        advance(moved, schedule)
        if not stays:
            moved.void(f"e{i}", i, FOREVER)
    advance(moved, schedule)
    fresh = evaluated([leg(i, side) for i, (side, stays) in enumerate(known) if stays], programs(), at_once=True)
    assert values(moved) == values(fresh)


@given(st.lists(sides, min_size=2, max_size=14))
@_calm
def test_legs_let_go_leave_what_later_values_need(known: list[Side]) -> None:
    legs = [leg(i, side) for i, side in enumerate(known)]
    whole = values(evaluated(legs, programs(), at_once=True))
    border = START + 25 * DAY_MS
    program = programs().by_kind[SubjectKind.ACCOUNT]
    early = [each for each in legs if each.time < border]
    late = [each for each in legs if each.time >= border]
    subject = evaluated(early, programs(), at_once=True)
    evict(subject, border - 3 * HOUR_MS, program)
    schedule = Schedule()
    schedule.add(0, programs())
    again = Subject(SubjectKind.ACCOUNT, "a")
    again.reload(subject.log)
    again.older = subject.older
    for each in late:
        again.insert(each)
    advance(again, schedule)
    assert not [each for each in again.log if each.time < border]
    assert values(again) == {each.event_id: whole[each.event_id] for each in late}


def named(name: str, side_list: list[Side]) -> int | str:
    """Give the value a rule measured at the last leg."""
    subject = evaluated([leg(i, side) for i, side in enumerate(side_list)], programs(), at_once=True)
    measures = programs().by_kind[SubjectKind.ACCOUNT].rules[0].plan.measures
    return subject.hits[-1].values[[measure.name for measure in measures].index(name)]


PLAIN: Final = ("BANK", "", "")
CASH: Final = ("CASH_OUT", "", "")
SALARY: Final = ("BANK", "SALA", "")
ABROAD: Final = ("BANK", "", "KH")


def side(
    minutes: int,
    kind: LegKind = LegKind.DEBIT,
    *,
    other: str = "b",
    amount: int = 300,
    more: tuple[str, str, str] = PLAIN,
) -> Side:
    return Side(START + minutes * MINUTE_MS, kind, other, amount, *more, "CNY")


CREDIT: Final = LegKind.CREDIT


@pytest.mark.parametrize(
    ("name", "known", "value"),
    [
        # window of 2 h:  (0 ----------- 120]   the leg at 0 is out at 120
        ("cash", [side(0, more=CASH), side(60, more=CASH), side(120)], 300),
        ("small", [side(0, amount=200), side(10, amount=200, more=SALARY), side(20, amount=300)], 1),
        ("least", [side(0, amount=100), side(30 * 24 * 60, amount=400)], 0),
        ("most", [side(0, amount=400), side(5, more=ABROAD, amount=200), side(10)], 200),
        ("same", [side(0, other="c"), side(5), side(10)], 2),
        ("days", [side(23 * 60), side(24 * 60)], 2),
        ("same_sum", [side(0, CREDIT, more=ABROAD), side(5, CREDIT), side(9, CREDIT, more=ABROAD, amount=200)], 500),
        ("listed", [side(0), side(2 * 24 * 60, other="c"), side(2 * 24 * 60 + 1)], 0),
        ("left", [side(0, CREDIT), side(1, CREDIT), side(60, amount=210)], 1),
        ("left", [side(0, CREDIT), side(61, amount=300)], 0),
        ("mirrored", [side(0, CREDIT), side(5), side(6, CREDIT, amount=400), side(9, amount=240)], 1),
        ("mirrored", [side(0, CREDIT), side(5), side(6, CREDIT, amount=400), side(9, amount=400)], 2),
        ("quiet", [side(0), side(60, more=SALARY), side(180), side(200)], 180 * MINUTE_MS),
        ("quiet", [side(0), side(60)], -1),
        # 22:00 UTC is 06:00 eight hours to the east, 21:59 is still night there
        ("at_night", [side(21 * 60 + 59, more=ABROAD), side(22 * 60, more=ABROAD), side(22 * 60 + 1)], 1),
        ("at_night", [side(5 * 60 + 59), side(6 * 60)], 1),
        ("round", [side(0, amount=400), side(1, amount=300), side(2, amount=100)], 1),
        ("once", [side(0), side(1, other="c")], 2),
        ("once", [side(0), side(1, other="c"), side(2, CREDIT)], 1),
        ("once", [side(0), side(90), side(150, other="c")], 1),  # the first with b has left, another is no first
        ("once_in", [side(0, CREDIT, amount=200), side(1, CREDIT, other="c", amount=300), side(2, other="d")], 1),
        ("sizes", [side(0, amount=400), side(1, amount=300), side(2, amount=400)], 2),
        ("poor", [side(0, amount=400), side(1, amount=300, more=SALARY), side(2, amount=200)], 1),
    ],
)
def test_values_are_what_their_words_say(name: str, known: list[Side], value: int) -> None:
    assert named(name, known) == value


def test_a_build_that_forgets_to_undo_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def into_only(slot: Slot, place: int, beside: list[tuple[str, str]], *, into: bool) -> list[str]:
        return change(slot, place, beside, into=into) if into or slot.how == "count" else ["pass"]

    monkeypatch.setattr("streams.detection.codegen.change", into_only)
    broken = compile_ruleset(programs().ruleset)
    known = [side(60), side(0, other="c"), side(90)]
    moved = evaluated([leg(i, known[i]) for i in (0, 2, 1)], broken, at_once=False)
    fresh = evaluated([leg(i, known[i]) for i in range(3)], programs(), at_once=True)
    assert values(moved) != values(fresh)
