"""A rule that says no more than another does is told; one that could say more stays silent."""

import pytest

from streams.detection.findings import Severity
from tests.unit.detection.lint.rules import linted, rule

LARGE = rule("amount >= floor", id="large")
CREDITS = "received: sum amount of credits over 24h\npayers: count distinct counterparty of credits over 24h"
MANY = rule("received >= floor and payers >= 3", CREDITS, id="many")
COVERED = [
    (LARGE, rule("amount >= ceiling")),
    (LARGE, rule("amount >= 2 * floor and hour < 6")),
    (rule("amount >= floor", id="large", params="floor: {ORG: {CNY: 500}, OTHER: {CNY: 100}}"), rule("amount >= ceiling",
        params="ceiling: {CNY: 500}")),
    (LARGE, rule("amount > floor", severity="medium", on="debit")),
    (LARGE, rule("amount >= limit", params="limit: {CNY: 100}")),
    (rule("amount >= floor", id="large", on="[debit, credit]"), rule("amount >= ceiling")),
    (rule("amount >= floor or hour < 6", id="large"), rule("amount >= ceiling")),
    (MANY, rule("payers >= 5 and received >= ceiling", CREDITS)),
    (MANY, rule("payers >= 5 and received >= ceiling", CREDITS.replace("24h", "1d"))),
    (MANY, rule("payers >= 5 and received >= ceiling", CREDITS.replace("24h", "2h").replace("of credits", "of new credits"))),
    (MANY, rule("n >= 5 and came >= ceiling", CREDITS.replace("received", "came").replace("payers", "n"))),
    (
        rule("stay <= 2h and amount >= floor", "stay: median dwell of credits in debits over 24h", id="large"),
        rule("dwell < 1h and amount >= ceiling", "dwell: median dwell of credits in debits over 1d"),
    ),
    (rule("not purpose in salaries and amount >= floor", id="large"), rule("not purpose in salaries and amount >= ceiling")),
    (rule("rail in rails", id="large", params="rails: [CARD, QR]"), rule("rail = CARD and hour < 6")),
]  # fmt: skip
MORE = [
    (LARGE, rule("amount >= 90% of floor")),
    (LARGE, rule("amount >= ceiling", on="[debit, credit]")),
    (LARGE, rule("amount >= ceiling", severity="critical")),
    (LARGE, rule("amount >= ceiling", state="shadow")),
    (LARGE, rule("amount >= ceiling", wait="1h")),
    (LARGE, rule("amount >= limit", params="limit: {CNY: 100, EUR: 100}")),
    (LARGE, rule("amount >= limit", params="limit: {CNY: 100, USD: 9}")),
    (LARGE, rule("amount >= ceiling or hour < 6")),
    (rule("amount >= floor", id="large", params="floor: {ORG: {CNY: 900}, OTHER: {CNY: 100}}"), rule("amount >= ceiling",
        params="ceiling: {CNY: 500}")),
    (rule("amount >= floor and hour < 6", id="large"), rule("amount >= ceiling")),
    (MANY, rule("payers >= 5 and received >= ceiling", CREDITS.replace("24h", "48h"))),
    (MANY, rule("payers >= 5 and received >= ceiling", CREDITS.replace("of credits", "of movements"))),
    (
        rule("receipts >= 3", "receipts: count of credits over 24h", id="large", params="times: 3"),
        rule("receipts >= 5 and amount >= floor", "receipts: count of credits over 24h"),  # in one currency, the other in all
    ),
    (rule("not purpose in salaries and amount >= floor", id="large"), rule("purpose not in codes and amount >= ceiling",
        params="codes: [SALA]\nceiling: {CNY: 500}")),
    (rule("balance <= floor and amount >= floor", id="large"), rule("amount >= ceiling and balance is given")),
    (
        rule("n <= 3 and amount >= floor", "n: count of credits over 24h", id="large"),
        rule("n <= 3 and amount >= ceiling", "n: count of credits over 1h"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("large", "small"), COVERED)
def test_a_rule_that_another_one_covers_is_told(large: str, small: str) -> None:
    (found,) = linted(large, small)
    assert found.severity is Severity.WARNING
    assert found.spot.file == "rule-1.yaml"
    assert f"'{'many' if 'id: many' in large else 'large'}' says yes to whatever this rule says yes to" in found.message


@pytest.mark.parametrize(("large", "small"), MORE)
def test_a_rule_that_may_say_more_stays_silent(large: str, small: str) -> None:
    assert [each for each in linted(large, small) if each.spot.file == "rule-1.yaml"] == []


def test_of_two_rules_that_mean_the_same_one_is_told() -> None:
    (found,) = linted(LARGE, rule("not amount < limit", params="limit: {CNY: 100, USD: 10}"))
    assert found.message == "the rule means the same as 'large'"
    assert found.spot.file == "rule-1.yaml"


def test_lists_of_who_is_left_out_count_too() -> None:
    entry = "{{key: a, reason: r, added_by: p, approved_by: q, expires: 2030-01-01}}"
    entries = f"id: {{id}}\nkind: account\nowner: x\nentries: [{entry}]"
    lists = [entries.format(id=name) for name in ("friends", "shops")]
    lenient = LARGE + "unless: [friends, shops]\n"
    strict = rule("amount >= ceiling") + "unless: [friends]\n"
    assert linted(lenient, strict, *lists) == []
    (found,) = linted(LARGE + "unless: [friends]\n", rule("amount >= ceiling") + "unless: [shops, friends]\n", *lists)
    assert "'large' says yes" in found.message


def test_a_rule_that_others_count_on_has_a_use_of_its_own() -> None:
    counting = rule("said >= 2", "said: count of verdicts from small over 7d", id="counting")
    assert [
        each for each in linted(LARGE, rule("amount >= ceiling"), counting) if each.spot.file == "rule-1.yaml"
    ] == []


def test_a_rule_is_told_once_with_the_rule_that_covers_all() -> None:
    found = linted(LARGE, rule("amount >= ceiling", id="larger"), rule("amount >= 2 * ceiling", id="largest"))
    assert [(each.spot.file, each.message.split()[0]) for each in found] == [
        ("rule-1.yaml", "'large'"),
        ("rule-2.yaml", "'large'"),
    ]
