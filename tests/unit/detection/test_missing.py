"""A value made of what is missing is missing too: the comparison does not hold, and nothing fails."""

import pytest

from streams.detection.check import check_files
from streams.detection.evaluation import advance
from streams.detection.program import compile_ruleset
from streams.detection.schedule import Schedule
from streams.legs import Leg, LegKind, SubjectKind
from streams.state.subject import Subject

RULE = """
id: asks
title: A rule
typology: test
severity: low
owner: test
per: account
on: debit
let:
  stay: median dwell of credits in debits over 24h
  stopped: time since stop
  twice: 2 * stopped
  longer: stopped + 1d
when: {when}
params:
  floor: {{CNY: 1}}
say: "said"
"""


def said(when: str, balance: int | None = None) -> list[str]:
    """Give what a rule said of a payment of an account of which nothing else is known; yes is the empty text."""
    ruleset, findings = check_files({"rule.yaml": RULE.format(when=when)})
    assert ruleset is not None, findings
    schedule, subject = Schedule(), Subject(SubjectKind.ACCOUNT, "a")
    schedule.add(0, compile_ruleset(ruleset))
    leg = Leg(
        SubjectKind.ACCOUNT, "a", LegKind.DEBIT, 1, 0, "s", "e", 1, "p", amount=100, currency="CNY", balance=balance
    )
    subject.insert(leg)
    advance(subject, schedule)
    return [hit.error or hit.undecided for hit in subject.hits]


@pytest.mark.parametrize(
    "when", ["2 * stay < 1h", "stay * 2 < 1h", "2 * balance <= floor", "3 * (balance + floor) < floor"]
)
def test_a_product_with_what_is_missing_leaves_the_rule_undecided(when: str) -> None:
    (told,) = said(when)
    assert told in {"no stay", "no balance"}


@pytest.mark.parametrize("when", ["twice < 1h", "longer < 30d", "2 * stopped < 1h"])
def test_a_value_made_of_how_long_nothing_has_stood_is_silent(when: str) -> None:
    assert said(when) == []
    assert said(f"not {when}") == [""]


def test_a_limit_that_is_missing_fails_no_rule_that_says_yes_without_it() -> None:
    assert said("amount >= floor or amount > 90% of balance") == [""]
    assert said("amount >= 2 * floor and (amount > 90% of balance or amount = 100 * floor)", balance=None) == []
    assert said("amount > 90% of balance", balance=50) == [""]
