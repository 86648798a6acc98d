"""Limits per kind of account holder: whose limit counts, and what a rule file may get wrong."""

import pytest

from streams.detection.check import check_files
from streams.detection.explain import explain
from streams.replay.ruletests import run_tests

RULE = """
id: large
title: Large
typology: mule
severity: low
owner: test
per: account
on: debit
let:
  sent: sum amount of debits over 1h
when: sent >= floor
params:
  floor:
    ORG: {CNY: 5000}
    MERCHANT: {CNY: 9000}
    OTHER: {CNY: 100}
say: "{sent} (limit {floor})"
tests:
  - {name: a company below its limit, expect: none, events: ["00:00 reference a type=ORG", "09:00 a pays b 4999 CNY"]}
  - {name: a company at its limit, expect: alert, events: ["00:00 reference a type=ORG", "09:00 a pays b 5000 CNY"]}
  - {name: a person, expect: alert, events: ["00:00 reference a type=PERSON", "09:00 a pays b 100 CNY"]}
  - {name: nobody known, expect: alert, events: ["09:00 a pays b 100 CNY"]}
  - {name: a shop from ten on, expect: none, events: ["10:00 reference a type=MERCHANT", "10:00 a pays b 8999 CNY"]}
  - {name: and before ten, expect: alert, events: ["10:00 reference a type=MERCHANT", "09:59 a pays b 100 CNY"]}
  - {name: a currency without a limit, expect: none, events: ["00:00 reference a type=ORG", "09:00 a pays b 9000 USD"]}
"""


def test_the_limit_is_that_of_the_account_holder_at_the_time() -> None:
    ruleset, findings = check_files({"rule.yaml": RULE})
    assert ruleset is not None, findings
    verdicts = list(run_tests(ruleset))
    assert len(verdicts) == RULE.count("name:")
    assert [each.fault for each in verdicts if each.fault] == []


def test_a_limit_may_be_called_whatever_the_generated_code_calls_another() -> None:
    """The limits of kinds were held under a name that a limit of the rule could have too, and were then lost."""
    ruleset, findings = check_files({"rule.yaml": RULE.replace("params:\n", "params:\n  floor_BY: {CNY: 1, USD: 1}\n")})
    assert ruleset is not None, findings
    assert [each.fault for each in run_tests(ruleset) if each.fault] == []


def test_the_explanation_names_every_kind() -> None:
    ruleset, _ = check_files({"rule.yaml": RULE})
    assert ruleset is not None
    assert any(
        "for MERCHANT 9,000 CNY; for ORG 5,000 CNY; for all others 100 CNY" in each
        for each in explain(ruleset.rules[0])
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("    OTHER: {CNY: 100}\n", "", "limits for all other account holders are missing"),
        ("OTHER:", "OTHERS:", "'OTHERS' is no kind of account holder"),
        ("{CNY: 100}", "100", "the limits of OTHER are missing"),
        ("of debits over", "of debits where amount >= floor over", "'floor' differs by account holder"),
        (
            "per: account\non: debit",
            "per: merchant\non: sale",
            "limits per kind of account holder are for accounts only",
        ),
    ],
)
def test_faults_are_named(old: str, new: str, told: str) -> None:
    text = RULE.replace(old, new)
    assert text != RULE
    ruleset, findings = check_files(
        {"rule.yaml": text if "merchant\n" not in new else text.replace("of debits", "of sales")}
    )
    assert ruleset is None
    assert any(each.message.startswith(told) for each in findings.errors), findings.errors


def test_a_build_that_knows_one_limit_only_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.detection.program.segment_of", lambda _subject, _leg: "")
    ruleset, _ = check_files({"rule.yaml": RULE})
    assert ruleset is not None
    assert [each.test.name for each in run_tests(ruleset) if each.fault] == [
        "a company below its limit",
        "a shop from ten on",
    ]
