"""Values that look back over legs, and means of windows: equal to a plain look at all legs, in whatever order these came."""

from collections.abc import Callable
from functools import cache
from itertools import combinations
from math import isqrt
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.clock import DAY_MS, HOUR_MS
from streams.detection import lookback
from streams.detection.check import check_files
from streams.detection.evaluation import advance
from streams.detection.program import Programs, compile_ruleset
from streams.detection.schedule import Schedule
from streams.detection.sequences import Links, newest
from streams.legs import Leg, LegKind, SubjectKind, order
from streams.state.subject import Subject

RULE: Final = """
id: back
title: Looks back
typology: test
severity: low
owner: test
per: account
on: [debit, credit]
let:
  here: count of movements over 1h
  near: count of movements where counterparty = X1 alike within 10% over 24h
  stay: median dwell of credits in debits over 48h
  cycles: count of debits answered within 24h by 80% to 110% in credits of 2 over 7d
  swept_days: count of days of at least floor swept to 10% or pocket over 5d
  mean: mean amount of movements over 24h
  spread: deviation amount of movements over 24h
  middle: median amount of movements over 24h
when: here >= 0
params:
  floor: {CNY: 5}
  pocket: {CNY: 1}
say: "{near} {stay} {cycles} {swept_days} {mean} {spread} {middle}"
cool_down: none
"""
NAMES: Final = ("near", "stay", "cycles", "swept_days", "mean", "spread", "middle")
START: Final = 100 * DAY_MS
_calm = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@cache
def programs() -> Programs:
    ruleset, findings = check_files({"rule.yaml": RULE})
    assert ruleset is not None, findings
    return compile_ruleset(ruleset)


def leg(number: int, hours: int, kind: LegKind, amount: int, more: tuple[str, str, int | None]) -> Leg:
    other, currency, balance = more
    return Leg(
        SubjectKind.ACCOUNT, "a", kind, START + hours * HOUR_MS, 0, "s", f"e{number}", number, f"p{number}", amount=amount,
        currency=currency, other=other, zone=32, balance=balance,
    )  # fmt: skip


_hours = st.one_of(st.integers(0, 24 * 4), st.sampled_from((0, 15, 16, 17, 24, 39, 40, 41, 48, 64)))
_more = st.tuples(
    st.sampled_from(("X1", "X1", "X2", "")), st.sampled_from(("CNY", "CNY", "CNY", "USD")),
    st.sampled_from((None, None, 0, 90, 5_000)),
)  # fmt: skip
_sides = st.tuples(
    _hours,
    st.sampled_from((LegKind.DEBIT, LegKind.CREDIT)),
    st.sampled_from((100, 105, 110, 111, 300, 500, 900)),
    _more,
)
legs_in_any_order = st.lists(_sides, min_size=1, max_size=12).flatmap(
    lambda sides: st.permutations([leg(i, *side) for i, side in enumerate(sides)])
)


def debit(each: Leg) -> bool:
    return each.kind == LegKind.DEBIT


def meant(known: list[Leg], trigger: Leg) -> dict[str, int]:
    """Look at all legs up to the trigger, one after the other."""
    upto = [each for each in sorted(known, key=order) if order(each) <= order(trigger)]
    mine = [each for each in upto if each.currency == trigger.currency]

    def within(hours: int) -> list[Leg]:
        return [each for each in mine if each.time > trigger.time - hours * HOUR_MS]

    amounts = sorted(each.amount for each in within(24))
    total = sum(amounts)
    return {
        "near": largest_group([each.amount for each in within(24) if each.other == "X1"]),
        "stay": median_stay(within(48)),
        "cycles": answered_most(within(7 * 24)),
        "swept_days": swept_days(mine, trigger),
        "mean": total // len(amounts),
        "spread": isqrt(len(amounts) * sum(each * each for each in amounts) - total * total) // len(amounts),
        "middle": amounts[(len(amounts) - 1) // 2],
    }


def largest_group(amounts: list[int]) -> int:
    """Try every pair as smallest and largest."""
    pairs = [(each, each) for each in amounts] + [(min(pair), max(pair)) for pair in combinations(amounts, 2)]
    return max(
        (sum(low <= each <= high for each in amounts) for low, high in pairs if 10 * high <= 11 * low), default=0
    )


def median_stay(seen: list[Leg]) -> int:
    """Follow every minor unit on its own."""
    units: list[int] = []
    stays: list[int] = []
    for each in seen:
        if debit(each):
            gone, units = units[: each.amount], units[each.amount :]
            stays += [each.time - came for came in gone]
        else:
            units += [each.time] * each.amount
    stays.sort()
    return stays[(len(stays) - 1) // 2] if stays else -1


def answered_most(seen: list[Leg]) -> int:
    """Ask of each deposit which later receipts are nearer to it than to another to the same counterparty."""
    counts: dict[str, int] = {}
    for at, deposit in enumerate(seen):
        if not debit(deposit) or not deposit.other:
            continue
        got, payers = 0, set()
        for later in seen[at + 1 :]:
            if debit(later) and later.other == deposit.other:
                break
            if debit(later) or later.other in {"", deposit.other} or later.time - deposit.time > 24 * HOUR_MS:
                continue
            got += later.amount
            payers.add(later.other)
        fine = len(payers) >= 2 and 80 * deposit.amount <= 100 * got <= 110 * deposit.amount
        counts[deposit.other] = counts.get(deposit.other, 0) + fine
    return max(counts.values(), default=0)


def swept_days(seen: list[Leg], trigger: Leg) -> int:
    """Sort legs into days that begin at 16:00 UTC, which is midnight eight hours to the east."""
    today = (trigger.time + 8 * HOUR_MS) // DAY_MS
    count = 0
    for day in range(today - 5, today):
        legs = [each for each in seen if (each.time + 8 * HOUR_MS) // DAY_MS == day]
        came = sum(each.amount for each in legs if not debit(each))
        if came < 500:
            continue
        told = legs[-1].balance
        left = 2 * came - sum(each.amount for each in legs) if told is None else told
        count += 10 * left <= came or left <= 100
    return count


def measured(subject: Subject) -> dict[str, dict[str, int]]:
    places = [measure.name for measure in programs().by_kind[SubjectKind.ACCOUNT].rules[0].plan.measures]
    found: dict[str, dict[str, int]] = {}
    for hit in subject.hits:
        assert not hit.error
        if not hit.undecided:
            pairs = zip(places, hit.values, strict=True)
            found[hit.leg.event_id] = {name: int(value) for name, value in pairs if name in NAMES}
    return found


def differs_from_a_plain_look(known: list[Leg]) -> bool:
    schedule, subject = Schedule(), Subject(SubjectKind.ACCOUNT, "a")
    schedule.add(0, programs())
    for each in known:
        subject.insert(each, at_once=True)
        advance(subject, schedule)
    return measured(subject) != {each.event_id: meant(known, each) for each in known if each.currency == "CNY"}


@given(legs_in_any_order)
@_calm
def test_values_are_those_of_a_plain_look_at_all_legs(known: list[Leg]) -> None:
    assert not differs_from_a_plain_look(known)


CASES: Final = {
    "cycles": [(0, False, 300, "X1"), (1, True, 111, "X2"), (2, True, 100, "X3"), (3, True, 100, "X4"), (9, True, 10, "X2")],
    "stay": [(0, True, 300, "X1"), (1, False, 100, "X2"), (9, False, 200, "X2")],
    "swept_days": [(0, True, 500, "X1"), (2, False, 500, "X2"), (20, True, 500, "X1"), (47, True, 100, "X1")],
    "near": [(0, True, 100, "X1"), (1, True, 110, "X1"), (2, True, 111, "X1"), (3, True, 105, "X1")],
}  # fmt: skip


def legs_of(case: str) -> list[Leg]:
    return [
        leg(i, hours, LegKind.CREDIT if credit else LegKind.DEBIT, amount, (other, "CNY", None))
        for i, (hours, credit, amount, other) in enumerate(CASES[case])
    ]


@pytest.mark.parametrize(("case", "value"), [("cycles", 1), ("stay", 9 * HOUR_MS), ("swept_days", 1), ("near", 3)])
def test_values_are_what_their_words_say(case: str, value: int) -> None:
    known = legs_of(case)
    assert meant(known, known[-1])[case] == value
    assert not differs_from_a_plain_look(known)


def counts_one_payer_as_many(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lookback, "_made_up", lambda deposit, links: links.between(deposit.got, deposit.amount))


def lets_the_newest_money_leave_first(patch: pytest.MonkeyPatch) -> None:
    def broken(subject: Subject, trigger: Leg, links: Links) -> int:
        legs = [each for each, _ in newest(subject, trigger, links)]
        return legs[-1].time - legs[-2].time if len(legs) > 1 else -1

    patch.setattr("streams.detection.program.dwell", broken)


def forgets_the_zone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lookback, "QUARTER_MS", 0)


def takes_the_whole_window_as_alike(patch: pytest.MonkeyPatch) -> None:
    def broken(subject: Subject, _trigger: Leg, wanted: lookback.Alike) -> int:
        return sum(map(wanted.fits, subject.log))

    patch.setattr("streams.detection.program.alike", broken)


BREAKAGES: Final = {
    "cycles": counts_one_payer_as_many,
    "stay": lets_the_newest_money_leave_first,
    "swept_days": forgets_the_zone,
    "near": takes_the_whole_window_as_alike,
}
BROKEN_CASES: Final = CASES | {"cycles": [(0, False, 300, "X1"), (1, True, 300, "X2")]}


@pytest.mark.parametrize("case", BREAKAGES)
def test_a_broken_build_is_caught(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CASES, case, BROKEN_CASES[case])
    known = legs_of(case)
    assert not differs_from_a_plain_look(known)
    breakage: Callable[[pytest.MonkeyPatch], None] = BREAKAGES[case]
    breakage(monkeypatch)
    programs.cache_clear()
    try:
        assert differs_from_a_plain_look(known)
    finally:
        monkeypatch.undo()
        programs.cache_clear()
