"""Conditions are asked cheapest first, and a fact that is known spares the looking back."""

from collections import Counter

import pytest

from streams.clock import MINUTE_MS
from streams.detection.check import check_files
from streams.detection.evaluation import advance
from streams.detection.lookback import dwell
from streams.detection.program import compile_ruleset
from streams.detection.schedule import Schedule
from streams.detection.sequences import Links
from streams.legs import Leg, LegKind, SubjectKind
from streams.state.subject import Subject

RULE = """
id: stays
title: Money stays for a short time
typology: test
severity: low
owner: test
per: account
on: [debit, credit]
let:
  stay: median dwell of credits in debits over 1h
  holder: reference party_type
when: stay <= 10m and holder = PERSON
say: "{stay} {holder}"
cool_down: 1h
"""


def leg(minute: int, kind: LegKind, *, other: str = "", holder: str = "") -> Leg:
    facts: dict[str, str | tuple[str, ...]] = {"party_type": holder} if holder else {}
    return Leg(
        SubjectKind.ACCOUNT, "a", kind, minute * MINUTE_MS, 0, "s", f"e{minute}", 0, f"p{minute}", amount=5, currency="CNY",
        other=other, facts=facts,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("holder", "said"),
    [
        ("PERSON", {"yes": 1, "no stay": 1}),
        ("ORG", {}),  # what is known decides, whatever was not found
        ("", {"no holder": 1, "no stay": 1}),  # as if facts came last
    ],
)
def test_a_known_fact_decides_before_anything_is_looked_for(
    holder: str, said: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Leg] = []

    def looking(subject: Subject, trigger: Leg, links: Links) -> int:
        looked.append(trigger)
        return dwell(subject, trigger, links)

    monkeypatch.setattr("streams.detection.program.dwell", looking)
    ruleset, findings = check_files({"rule.yaml": RULE})
    assert ruleset is not None, findings
    schedule, subject = Schedule(), Subject(SubjectKind.ACCOUNT, "a")
    schedule.add(0, compile_ruleset(ruleset))
    subject.insert(leg(0, LegKind.REFERENCE, holder=holder))
    subject.insert(leg(1, LegKind.CREDIT, other="b"))
    subject.insert(leg(2, LegKind.DEBIT, other="c"))
    advance(subject, schedule)
    assert Counter(hit.undecided or "yes" for hit in subject.hits) == said
    assert len(looked) == (0 if holder == "ORG" else 1), (
        "nothing has left at the first leg, so there is nothing to look back for"
    )
