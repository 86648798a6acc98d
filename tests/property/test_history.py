"""What a subject usually does, from days long gone: equal to a plain look at all legs, whatever came late, was let go or slept.

::

    days     |--- 12 whole days ---|-- up to 2d before --|x
             ^ end - 12            ^ end = day of (x - 2d)
"""

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from math import isqrt
from operator import attrgetter
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.clock import DAY_MS, HOUR_MS
from streams.detection.baseline import mean_plus
from streams.detection.check import check_files
from streams.detection.evaluation import advance
from streams.detection.program import Programs, compile_ruleset
from streams.detection.schedule import Schedule
from streams.events.codec import encode_event
from streams.legs import Leg, LegKind, SubjectKind, order
from streams.pipeline import PartitionState, RawRecord, SourceState
from streams.pipeline.snapshot import fingerprint
from streams.replay.notation import read_events
from streams.state import forgetting, history
from streams.state.forgetting import evict
from streams.state.subject import FOREVER, Subject
from tests.rig.activity import activity_log, fold
from tests.rig.snapshots import Life, Topic

RULE: Final = """
id: usual
title: What is usual
typology: test
severity: low
owner: test
per: account
on: [debit, credit]
let:
  here: count of movements over 1h
  many: count of movements over 12d up to 2d before
  nights: count of movements where hour < 6 over 12d up to 2d before with at least 2 days of credits
  total: sum amount of debits over 12d up to 2d before
  largest: max amount of debits where amount >= limit over 12d up to 1d before
  active: count distinct day of credits over 12d up to 2d before
  fresh: count of new debits over 12d up to 2d before
  ceiling: mean plus 2.5 deviations of daily sum amount of debits over 12d up to 1d before with at least 2 days
  pace: mean of daily count of movements over 12d up to 1d before
when: here >= 0 and (many is given or many is missing)
params:
  limit: {CNY: 2}
say: "{many} {nights} {total} {largest} {active} {fresh} {ceiling} {pace}"
cool_down: none
"""
NAMES: Final = ("many", "nights", "total", "largest", "active", "fresh", "ceiling", "pace")
START: Final = 400 * DAY_MS
RETAINED: Final = 6 * DAY_MS
KEPT_MS: Final = 40 * DAY_MS
_calm = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@cache
def programs() -> Programs:
    ruleset, findings = check_files({"rule.yaml": RULE})
    assert ruleset is not None, findings
    return compile_ruleset(ruleset)


def leg(number: int, hours: int, kind: LegKind, amount: int, more: tuple[str, str]) -> Leg:
    other, currency = more
    return Leg(
        SubjectKind.ACCOUNT, "a", kind, START + hours * HOUR_MS, 0, "s", f"e{number}", number, f"p{number}", amount=amount,
        currency=currency, other=other,
    )  # fmt: skip


_hours = st.one_of(st.integers(0, 24 * 25), st.sampled_from((0, 23, 24, 47, 48, 49, 72, 14 * 24, 14 * 24 + 1, 15 * 24)))
_sides = st.tuples(
    _hours, st.sampled_from((LegKind.DEBIT, LegKind.CREDIT)), st.sampled_from((100, 200, 700)),
    st.tuples(st.sampled_from(("b", "c")), st.sampled_from(("CNY", "CNY", "USD"))),
)  # fmt: skip
legs_in_any_order = st.lists(_sides, min_size=1, max_size=16).flatmap(
    lambda sides: st.permutations([leg(i, *side) for i, side in enumerate(sides)])
)


def meant(known: list[Leg], trigger: Leg) -> dict[str, int]:
    """Look at all legs, one after the other; nothing is kept from one trigger to the next."""
    mine = [each for each in known if each.currency == trigger.currency]
    seen: dict[str, int] = {}
    fresh = set()
    for each in sorted(known, key=order):
        if each.time - seen.get(each.other, -KEPT_MS) >= 30 * DAY_MS:
            fresh.add(each.event_id)
        seen[each.other] = each.time

    def days(wanted: Callable[[Leg], bool], before: int) -> dict[int, list[Leg]]:
        end = (trigger.time - before * DAY_MS) // DAY_MS
        found: dict[int, list[Leg]] = {}
        for each in mine:
            if wanted(each) and end - 12 <= each.time // DAY_MS < end:
                found.setdefault(each.time // DAY_MS, []).append(each)
        return found

    def debit(each: Leg) -> bool:
        return each.kind == LegKind.DEBIT

    def credit(each: Leg) -> bool:
        return not debit(each)

    def counted(found: dict[int, list[Leg]]) -> int:
        return sum(map(len, found.values()))

    def total(found: dict[int, list[Leg]]) -> list[int]:
        return [sum(each.amount for each in legs) for legs in found.values()]

    large = days(lambda each: debit(each) and currency_limit(each), 1)
    spent, busy = total(days(debit, 1)), days(lambda _: True, 1)
    return {
        "many": counted(days(lambda _: True, 2)),
        "nights": counted(days(lambda each: local_hour(each) < 6, 2)) if len(days(credit, 2)) >= 2 else -1,
        "total": sum(total(days(debit, 2))),
        "largest": max((each.amount for legs in large.values() for each in legs), default=-1),
        "active": len(days(credit, 2)),
        "fresh": counted(days(lambda each: debit(each) and each.event_id in fresh, 2)),
        "ceiling": above(spent, Fraction(5, 2)) if len(spent) >= 2 else -1,
        "pace": 100 * counted(busy) // len(busy) if busy else -1,
    }


def local_hour(each: Leg) -> int:
    return each.time // HOUR_MS % 24


def currency_limit(each: Leg) -> bool:
    return each.currency == "CNY" and each.amount >= 200


def above(values: list[int], times: Fraction) -> int:
    """The largest integer that is not above mean + times * sd, found by asking, with squares and no roots."""
    mean = Fraction(sum(values), len(values))
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    found = int(mean)
    while found + 1 <= mean or (found + 1 - mean) ** 2 <= times * times * variance:
        found += 1
    return found


def measured(subject: Subject) -> dict[str, dict[str, int]]:
    places = [measure.name for measure in programs().by_kind[SubjectKind.ACCOUNT].rules[0].plan.measures]
    found: dict[str, dict[str, int]] = {}
    for hit in subject.hits:
        assert not hit.error
        if not hit.undecided:
            found[hit.leg.event_id] = {
                name: int(value) for name, value in zip(places, hit.values, strict=True) if name in NAMES
            }
    return found


def evaluated(known: list[Leg], *, at_once: bool = False) -> Subject:
    schedule, subject = Schedule(), Subject(SubjectKind.ACCOUNT, "a")
    schedule.add(0, programs())
    for each in known:
        subject.insert(each, at_once=True)
        if not at_once:
            advance(subject, schedule)
    advance(subject, schedule)
    return subject


def differs_from_a_plain_look(known: list[Leg]) -> bool:
    found = measured(evaluated(known))
    return found != {each.event_id: meant(known, each) for each in known if each.currency == "CNY"}


@given(legs_in_any_order)
@_calm
def test_days_are_those_of_a_plain_look_at_all_legs(known: list[Leg]) -> None:
    assert not differs_from_a_plain_look(known)


def passed_on(known: list[Leg], *, sleeps: bool) -> dict[str, dict[str, int]]:
    """Let legs come in the order of their time, and let go of what is older than six days at each."""
    schedule, subject = Schedule(), Subject(SubjectKind.ACCOUNT, "a")
    schedule.add(0, programs())
    program = programs().by_kind[SubjectKind.ACCOUNT]
    found: dict[str, dict[str, int]] = {}
    for each in sorted(known, key=order):
        if sleeps:
            awake = Subject(SubjectKind.ACCOUNT, "a")
            awake.reload(subject.log)
            awake.older, awake.history = subject.older, subject.history
            subject = awake
        subject.insert(each, at_once=True)
        advance(subject, schedule)
        found |= measured(subject)
        evict(subject, each.time - RETAINED, program)
    return found


def loses_days(known: list[Leg], *, sleeps: bool) -> bool:
    return passed_on(known, sleeps=sleeps) != {
        each.event_id: meant(known, each) for each in known if each.currency == "CNY"
    }


def loses_days_asleep(known: list[Leg]) -> bool:
    return loses_days(known, sleeps=True)


@given(legs_in_any_order)
@_calm
def test_legs_let_go_stay_in_their_days(known: list[Leg]) -> None:
    assert not loses_days(known, sleeps=False)


@given(legs_in_any_order)
@_calm
def test_days_outlast_the_sleep_of_their_subject(known: list[Leg]) -> None:
    assert not loses_days_asleep(known)


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=90), st.fractions(0, 5, max_denominator=10))
@_calm
def test_an_amount_is_above_the_value_exactly_when_the_squares_say_so(values: list[int], times: Fraction) -> None:
    limit = mean_plus(values, times, 1)
    count, total = len(values), sum(values)
    spread = count * sum(value * value for value in values) - total * total
    for amount in (limit, limit + 1, total // count, total // count + 1 + isqrt(spread)):
        over = count * amount - total
        truly = over > 0 and over * over * times.denominator**2 > times.numerator**2 * spread
        assert (amount > limit) is truly


def test_days_are_forgotten_when_nothing_asks_about_them_any_more() -> None:
    subject = evaluated([leg(0, 0, LegKind.DEBIT, 100, ("b", "CNY"))])
    program = programs().by_kind[SubjectKind.ACCOUNT]
    evict(subject, START + 2 * DAY_MS, program)
    assert subject.history
    evict(subject, START + 20 * DAY_MS, program)
    assert not subject.history


def test_a_sum_of_very_many_large_amounts_still_fits_into_a_snapshot() -> None:
    panes: history.Panes = {}
    for number in range(3):
        history.note(panes, ("s", "CNY"), leg(number, 0, LegKind.DEBIT, history.SUM_MAX - 1, ("b", "CNY")))
    assert history.read(history.written(panes)) == panes


def test_a_worker_that_crashes_keeps_the_days() -> None:
    source, rulesets = SourceState("test", 0), {programs().ruleset.digest: programs()}
    texts = [f"day {day} 10:00 a pays b {day % 7 + 1} CNY" for day in range(1, 121)]
    raw = [RawRecord(n, 1 << 50, encode_event(each)) for n, text in enumerate(texts) for each in read_events(text, n)]
    log = activity_log(programs(), [(source, [each]) for each in raw])
    calm = PartitionState(lateness_ms=3 * DAY_MS)
    told = fold(calm, log, rulesets, len(log))
    life = Life(log, rulesets, Topic())
    for _ in range(0, len(log), 17):
        life.move(17)
        life.cut()
        life.finish()
        life.crash()
    life.move(len(log))
    assert calm.subjects[SubjectKind.ACCOUNT, "a"].history
    assert fingerprint(life.state) == fingerprint(calm)
    assert life.told == told


def keeps_days_that_were_rewound(patch: pytest.MonkeyPatch) -> None:
    rewind = Subject.rewind

    def broken(subject: Subject, to: int, time: int = FOREVER) -> None:
        days = subject.days
        rewind(subject, to, time)
        subject.days = days

    patch.setattr(Subject, "rewind", broken)


def forgets_what_it_lets_go(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(forgetting, "let_go", lambda *_: None)


KNOWN: Final = [
    leg(number, hours, LegKind.DEBIT, 100 * number, ("b", "CNY"))
    for number, hours in enumerate((24, 72, 120, 240, 264, 30), 1)
]


@pytest.mark.parametrize(
    ("breakage", "caught"),
    [
        (keeps_days_that_were_rewound, differs_from_a_plain_look),
        (forgets_what_it_lets_go, loses_days_asleep),
    ],
    ids=attrgetter("__name__"),
)
def test_a_broken_build_is_caught(
    breakage: Callable[[pytest.MonkeyPatch], None],
    caught: Callable[[list[Leg]], bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not caught(KNOWN)
    breakage(monkeypatch)
    assert caught(KNOWN)
