"""Fraud reports: whatever comes first, report, payment, what is paid later or release, the alerts are the same in the end.

::

    09:00 payment P1     10:00 stop     10:05 debit     11:00 release     11:30 debit
    --------|----------------|--------------|----------------|-----------------|---->
                             |<-- R04 speaks of debits ----->|
"""

from collections.abc import Callable
from itertools import permutations
from operator import attrgetter
from pathlib import Path

import pytest

from streams.alerts.model import Alert, AlertState, Outcome
from streams.detection.check import check_files
from streams.detection.program import compile_ruleset
from streams.events.codec import encode_event
from streams.flow import matching
from streams.flow.marks import Address
from streams.legs import Leg
from streams.pipeline import RawRecord, SourceState
from streams.replay.embedded import Embedded
from streams.replay.notation import read_events

ROOT = Path(__file__).parents[2]
UETR = "11111111-1111-4111-8111-111111111111"
STOP, PAID, ALLEGED, MATCH, ORPHAN = (
    "outflow-after-stop", "pay-to-reported", "pay-to-alleged", "report-needs-match", "orphan-settlement",
)  # fmt: skip
UNSETTLED, ELSEWHERE, REFUND, RECALL, CONTINUES = (
    "payment-unsettled", "payment-unsettled-elsewhere", "refund-abuse", "recall-unanswered", "restricted-continues",
)  # fmt: skip
STORIES: dict[str, tuple[list[str], set[tuple[str, str, str]]]] = {
    "a stop by payment id, broken once, then released": (
        [
            "09:00 victim pays mule 5000 CNY pid=P1",
            "10:00 report STOP_PAYMENT id=R1 pid=P1",
            "10:05 mule pays b 4000 CNY",
            "11:00 release R1",
            "11:30 mule pays c 900 CNY",
        ],
        {(STOP, "mule", "10:05")},
    ),
    "a stop by uetr": (
        [
            f"09:00 victim pays mule 5000 CNY uetr={UETR}",
            f"10:00 report STOP_PAYMENT id=R1 uetr={UETR}",
            "10:05 mule pays b 4000 CNY",
        ],
        {(STOP, "mule", "10:05")},
    ),
    "a report before its payment": (
        [
            "08:00 report VICTIM_REPORT id=R1 pid=P1 by=POLICE",
            "09:00 victim pays mule 5000 CNY pid=P1",
            "09:30 v2 pays mule 70 CNY",
        ],
        {(PAID, "mule", "09:00"), (PAID, "mule", "09:30")},
    ),
    "an allegation, a listing by the police, and both taken back": (
        [
            "09:00 report VICTIM_REPORT of a id=R1 by=ALLEGED",
            "10:00 report LIST_ENTRY of a id=R2 by=POLICE",
            "10:30 v pays a 500 CNY",
            "11:00 release R1",
            "11:01 release R2",
            "12:00 w pays a 500 CNY",
        ],
        {(ALLEGED, "a", "10:30"), (PAID, "a", "10:30")},
    ),
    "an id that two payments bear": (
        [
            "09:00 x pays a 5000 CNY pid=P1",
            "09:01 y pays b 5000 CNY pid=P1 source=other",
            "10:00 report STOP_PAYMENT id=R1 pid=P1",
            "10:05 a pays c 4000 CNY",
        ],
        {(MATCH, "pid:P1", "10:00")},
    ),
    "a payment whose booked line came first": (
        ["09:00 line 500 CNY pid=P1", "09:30 x pays a 500 CNY pid=P1", "09:31 y pays a 500 CNY pid=P2"],
        set(),
    ),
    "a line that nothing explains": (
        ["09:00 line 500 CNY pid=P1", "09:31 y pays a 500 CNY pid=P2"],
        {(ORPHAN, "pid:P1", "09:00")},
    ),
    "an accepted payment that is booked under another of its ids": (
        [
            f"09:00 a pays b 5000 CNY pid=P1 uetr={UETR} e2e=INV-7 status=ACCEPTED",
            "20:00 line 5000 CNY pid=P1 payee=b",
            "21:00 a pays b 70 CNY pid=P2 status=ACCEPTED",
        ],
        {(UNSETTLED, "pid:P2", "21:00")},
    ),
    "accepted payments, one taken back and one booked to somebody else": (
        [
            "09:00 a pays b 5000 CNY pid=P1 status=ACCEPTED",
            "09:30 a pays b 5000 CNY pid=P1 status=CANCELLED",
            f"10:00 a pays b 600 CNY pid=P2 uetr={UETR} status=ACCEPTED",
            f"11:00 line 600 CNY uetr={UETR} payee=mule",
        ],
        {(ELSEWHERE, f"uetr:{UETR}", "13:00")},
    ),
    "refunds of one sale: to the buyer, and to a stranger": (
        [
            "09:00 buyer pays shop 500 CNY merchant=M1 pid=P1",
            "12:00 shop pays buyer 100 CNY merchant=M1 refund_of=P1",
            "13:00 shop pays stranger 100 CNY merchant=M1 refund_of=P1",
        ],
        {(REFUND, "pid:P1", "15:00")},
    ),
    "recalls: one refused, one not answered at all": (
        [
            "09:00 x pays a 40 CNY pid=P1",
            "09:02 x pays a 60 CNY pid=P3",
            "10:00 report RECALL id=R1 pid=P1 by=ALLEGED",
            "10:02 report RECALL id=R3 pid=P3 by=ALLEGED",
            "day 2 11:00 release R1",
        ],
        {(RECALL, "pid:P3", "10:02")},
    ),
    "a recall that is answered by a return": (
        [
            "09:01 x pays a 50 CNY pid=P2",
            "10:01 report RECALL id=R2 pid=P2 by=ALLEGED",
            "day 2 12:00 x pays a 50 CNY pid=P2 status=RETURNED",
        ],
        set(),
    ),
    "a restricted owner goes on with another account": (
        [
            "07:00 reference first owner=boss opened=2025-06-01 status=STOPPED",
            "09:00 v1 pays second 15000 CNY to_owner=boss",
            "09:20 v2 pays second 10000 CNY to_owner=boss",
            "09:45 second pays layer-2 24000 CNY from_owner=boss",
        ],
        {("pass-through-account", "second", "09:45"), (CONTINUES, "boss", "09:45")},
    ),
}  # fmt: skip
RULESET, FINDINGS = check_files({str(path.relative_to(ROOT)): path.read_text() for path in ROOT.glob("rules/*/*.yaml")})
PROGRAMS = compile_ruleset(RULESET) if RULESET is not None else None


def standing(texts: tuple[str, ...], partitions: int) -> set[tuple[str, str, str]]:
    """Run events in this order of arrival; gives rule, subject and time of first hit of what stands."""
    return {
        (each.rule_id, each.subject, f"{each.first_hit // 60_000 // 60 % 24:02d}:{each.first_hit // 60_000 % 60:02d}")
        for each in alerts(texts, partitions)
    }


def alerts(texts: tuple[str, ...], partitions: int) -> list[Alert]:
    """Run events in this order of arrival; gives the alerts that stand."""
    assert PROGRAMS is not None, FINDINGS
    final: dict[str, Alert] = {}

    def sink(outcomes: list[Outcome]) -> None:
        final.update({each.alert_id: each for each in outcomes if isinstance(each, Alert)})

    embedded = Embedded(PROGRAMS, ("test/0",), sink, partitions)
    source = SourceState("test", 0)
    for number, text in enumerate(texts):
        (event,) = read_events(text, number + 1)
        assert embedded.feed(source, [RawRecord(number, 1 << 50, encode_event(event))]) == []
    embedded.end()
    return [each for each in final.values() if each.state is AlertState.STANDING]


@pytest.mark.parametrize(
    ("texts", "rule", "cited"),
    [
        (("09:00 a pays b 5000 CNY pid=P1 status=ACCEPTED",), UNSETTLED, {("t1", "accepted")}),
        (
            ("09:00 a pays shop 500 CNY merchant=M1 pid=P1", "12:00 line 500 CNY pid=P1 merchant=M2"),
            "substituted-trade",
            {("t1", "payment"), ("t2", "line")},
        ),
    ],
)
def test_what_was_decided_after_a_wait_cites_what_was_decided_about(
    texts: tuple[str, ...], rule: str, cited: set[tuple[str, str]]
) -> None:
    (alert,) = [each for each in alerts(texts, 1) if each.rule_id == rule]
    assert {(item.event_id, item.role) for item in alert.evidence} == cited


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("name", STORIES)
def test_the_order_of_arrival_changes_nothing(name: str, partitions: int) -> None:
    events, expected = STORIES[name]
    for texts in list(permutations(events))[:: 1 if partitions == 1 else 7]:
        assert standing(texts, partitions) == expected, texts


def matches_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(matching, "_reported", lambda _report, _facts: {})


def takes_the_first_of_several(patch: pytest.MonkeyPatch) -> None:
    right = matching._reported

    def first(report: Leg, facts: list[Leg]) -> dict[Address, Leg]:
        names = sorted({fact.payment for fact in facts if fact.payment})
        return right(report, [fact for fact in facts if fact.payment in names[:1]])

    patch.setattr(matching, "_reported", first)


@pytest.mark.parametrize("breakage", [matches_nothing, takes_the_first_of_several], ids=attrgetter("__name__"))
def test_a_broken_build_is_caught(
    breakage: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    breakage(monkeypatch)
    assert [name for name, (events, expected) in STORIES.items() if standing(tuple(events), 1) != expected]
