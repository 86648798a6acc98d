"""What a rule costs: values of its own and shared ones, what is looked for among legs, and how long legs are kept."""

from streams.clock import DAY_MS
from streams.detection.check import check_files
from streams.detection.findings import Severity
from streams.detection.lint.cost import Cost, costs
from tests.unit.detection.lint.rules import linted, rule

TWO = "paid: count of debits over 24h\nsent: sum amount of debits over 24h"


def cost(*texts: str) -> dict[str, Cost]:
    ruleset, findings = check_files({f"{number}.yaml": text for number, text in enumerate(texts)})
    assert ruleset is not None, findings
    return {each.rule.id: each for each in costs(ruleset)}


def test_a_window_that_another_rule_has_too_is_shared() -> None:
    found = cost(
        rule("paid >= 3 and sent >= floor", TWO, id="one"), rule("sent >= ceiling", TWO.splitlines()[1], id="two")
    )
    assert (found["one"].own, found["one"].shared) == (1, 1)
    assert (found["two"].own, found["two"].shared) == (0, 1)


def test_windows_over_one_currency_and_over_all_are_two() -> None:
    found = cost(
        rule("paid >= 3", TWO.splitlines()[0], params="times: 3", id="all"), rule("paid >= 3", TWO, id="money")
    )
    assert (found["all"].own, found["all"].shared) == (1, 0)
    assert (found["money"].own, found["money"].shared) == (2, 0)


def test_a_condition_on_limits_of_its_own_makes_a_window_of_its_own() -> None:
    large = "large: count of debits where amount >= floor over 24h"
    found = cost(rule("large >= 3", large, id="one"), rule("large >= 3", large, id="two"))
    assert [(each.own, each.shared) for each in found.values()] == [(1, 0), (1, 0)]


def test_legs_are_kept_for_the_longest_window_and_the_cool_down() -> None:
    week = "paid: count of debits over 7d\nnear: count of credits alike within 1% over 2d"
    found = cost(rule("paid >= 3 and near >= 2", week) + "cool_down: 3d\n")["small"]
    assert (found.legs_ms, found.looks, found.past_ms, found.known_ms) == (10 * DAY_MS, 1, 0, 0)
    past = "usual: max amount of debits over 90d up to 1d before\nnew_ones: count of new debits over 24h"
    found = cost(rule("new_ones >= 3 and amount > usual", past) + "cool_down: 1d\n")["small"]
    assert (found.legs_ms, found.looks, found.past_ms, found.known_ms) == (2 * DAY_MS, 1, 92 * DAY_MS, 30 * DAY_MS)
    assert cost(rule("amount >= floor", wait="9d") + "cool_down: 1d\n")["small"].legs_ms == 9 * DAY_MS


def test_the_dearest_rule_comes_first() -> None:
    long = rule("paid >= 3", "paid: count of debits over 20d", id="long")
    assert list(cost(rule("amount >= floor"), long, rule("amount >= ceiling", id="also"))) == ["long", "also", "small"]


def test_a_rule_for_which_alone_legs_are_kept_longer_is_a_hint() -> None:
    short = rule("got >= 3", "got: count of credits over 5d", id="short")
    long = rule("paid >= 3", "paid: count of debits over 20d", id="long")
    (found,) = linted(short, long)
    assert found.severity is Severity.HINT
    assert found.message == "legs are kept for 21d for this rule alone, all others need 6d"
    assert found.spot.file == "rule-1.yaml"
    assert linted(short, long, long.replace("id: long", "id: other").replace("on: debit", "on: credit")) == []
    assert linted(short.replace("5d", "10d"), long) == []


def test_a_rule_with_very_many_windows_of_its_own_is_a_hint() -> None:
    many = "\n".join(f"n{hours}: count of credits over {hours}h" for hours in range(1, 12))
    asked = " and ".join(f"n{hours} >= {100 - hours}" for hours in range(1, 12))
    one = rule("paid >= 3", "paid: count of debits over 24h", id="one")
    found = linted(one, rule(f"not ({asked})", many, params="times: 3", id="many"))
    assert [each.message for each in found if "running" in each.message] == [
        "11 running values are kept for this rule alone, of 12 that are of one rule only"
    ]
