"""The shipped pack: every rule says when it speaks and when it does not, and knows its limits in ten currencies."""

import re
from collections import Counter
from pathlib import Path

import pytest

from streams.detection.check import check_files
from streams.detection.comparisons import Seen
from streams.detection.rule import MoneyParam, Rule
from streams.replay.coverage import coverage
from streams.replay.ruletests import run_tests

CURRENCIES = {"CNY", "USD", "EUR", "GBP", "HKD", "SGD", "JPY", "THB", "VND", "KHR"}
START_SET = {
    "R01", "R04", "R05", "R10", "R11", "R12", "R13", "R14", "R15", "R16", "R17", "R20", "R30", "R40", "R41", "R42", "R43",
    "R45", "R50", "R51", "R52",
}  # fmt: skip
ROOT = Path(__file__).parents[2]
RULESET, FINDINGS = check_files({str(path.relative_to(ROOT)): path.read_text() for path in ROOT.glob("rules/*/*.yaml")})
RULES = RULESET.rules if RULESET is not None else ()


def test_every_test_inside_the_rules_passes_and_together_they_show_every_comparison_true_and_false() -> None:
    assert RULESET is not None, FINDINGS
    seen = Seen()
    assert [each.fault for each in run_tests(RULESET, seen) if each.fault] == []
    assert [str(finding) for finding in coverage(RULESET, seen).findings()] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_two_tests_that_fire_and_two_that_do_not(rule: Rule) -> None:
    expected = Counter("none" if test.expect == "none" else "fires" for test in rule.tests)
    assert expected["fires"] >= 2
    assert expected["none"] >= 2


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_an_amount_is_given_in_ten_currencies(rule: Rule) -> None:
    for name, param in rule.params.items():
        if isinstance(param, MoneyParam):
            assert set(param.minor) >= CURRENCIES, name


def test_the_start_set_of_the_catalogue_is_there() -> None:
    named = {
        name for rule in RULES for name in re.findall(r"\bR\d\d\b", (ROOT / rule.spot.file).read_text(encoding="utf-8"))
    }
    assert START_SET - named == set()


def test_every_number_of_the_catalogue_is_a_rule_or_is_said_to_be_missing() -> None:
    every = {*range(1, 8), *range(10, 27), *range(30, 36), *range(40, 50), *range(50, 55), *range(60, 66)}
    _, _, catalogue = (ROOT / "rules" / "README.md").read_text(encoding="utf-8").partition("## The catalogue")
    missing = [row.split("|")[1] for row in catalogue.splitlines() if row.startswith("| R")]
    said = {int(number) for row in missing for number in re.findall(r"R(\d\d)", row)}
    said |= {
        each
        for row in missing
        for low, high in re.findall(r"R(\d\d) to R(\d\d)", row)
        for each in range(int(low), int(high) + 1)
    }
    ruled = {
        int(number)
        for rule in RULES
        for number in re.findall(
            r"\bR(\d\d)\b", (ROOT / rule.spot.file).read_text(encoding="utf-8").partition("\ntests:")[0]
        )
    }
    assert sorted(every - said - ruled) == []
