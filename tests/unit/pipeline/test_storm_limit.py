"""``storm`` in a rule: what it may be, what it is called, and that it reaches those who show alerts."""

import pytest

from streams.alerts.model import Outcome, RulesetInForce
from streams.detection.check import check_files
from streams.detection.explain import explain
from streams.detection.program import compile_ruleset
from streams.detection.rule import STORM_ALERTS, Rule
from streams.replay.embedded import Embedded
from tests.rig.samples import BIG_RULE

REST = '\nparams:\n  floor: {CNY: 1}\nsay: "paid out more than {floor}"\n'


def rule(lines: str = "") -> Rule:
    """Read a rule with more lines."""
    ruleset, findings = check_files({"big.yaml": BIG_RULE + REST + lines})
    assert ruleset is not None, findings.errors
    return ruleset.rules[0]


@pytest.mark.parametrize(
    ("told", "limit"), [("", STORM_ALERTS), ("storm: none", 0), ("storm: 1 an hour", 1), ("storm: 300 an hour", 300)]
)
def test_a_rule_says_how_many_alerts_of_an_hour_are_shown_one_by_one(told: str, limit: int) -> None:
    assert rule(told).storm == limit


@pytest.mark.parametrize(
    "told", ["100", "0 an hour", "-5 an hour", "100 a day", "100 in 1h", "1000000 an hour", "many"]
)
def test_anything_else_is_a_fault_with_its_place(told: str) -> None:
    ruleset, findings = check_files({"big.yaml": f"storm: {told}\n{BIG_RULE}{REST}"})
    assert ruleset is None
    [error] = findings.errors
    assert (error.spot.line, error.spot.column, error.advice) == (1, 8, "write '100 an hour', or 'none'")


def test_a_signal_has_no_storms() -> None:
    ruleset, findings = check_files({"big.yaml": f"storm: none\nstate: signal\n{BIG_RULE}{REST}"})
    assert ruleset is None
    assert [error.message for error in findings.errors] == ["a signal never alerts, so it has no storms"]


def test_it_is_explained() -> None:
    assert "Of more than 100 open alerts within an hour the rest is one line, at no lower severity." in explain(rule())
    assert "However many it gives within an hour, each is a line of its own." in explain(rule("storm: none"))


def test_the_set_tells_it_of_rules_that_say_it() -> None:
    told: list[Outcome] = []
    set_of_two = {
        "a.yaml": BIG_RULE + REST + "storm: 7 an hour\n",
        "b.yaml": BIG_RULE.replace("id: big", "id: b2") + REST,
    }
    ruleset, findings = check_files(set_of_two)
    assert ruleset is not None, findings.errors
    Embedded(compile_ruleset(ruleset), ("payments/0",), told.extend).end()
    [in_force] = [each for each in told if isinstance(each, RulesetInForce)]
    assert in_force.storms == {"big": 7}
