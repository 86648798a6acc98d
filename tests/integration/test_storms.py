"""An hour in which one rule says too much: shown as one line, at no lower severity, and nothing of it lost."""

import json
from random import Random
from typing import Any, Final

import pytest

from streams.alerts.model import Alert, AlertState, Evidence, Position, RulesetInForce
from streams.clock import HOUR_MS, MINUTE_MS, to_text
from streams.store import Store
from streams.store.casework import Change, Status, set_alert
from streams.store.reader import AlertFilter, StormLine, list_alerts, list_storms
from tests.integration.store_questions import ask, tell
from tests.unit.store.samples import MARCH, mule_alert, token

pytestmark = pytest.mark.integration

RULE: Final = "pass-through-account"
HOUR: Final = MARCH - MARCH % HOUR_MS
QUEUE: Final = "SELECT line, alert_id, severity, alerts FROM v_queue ORDER BY line, alert_id"


def alert(name: str, at: int = HOUR, subject: str = "", **changed: object) -> Alert:
    """Give an alert about an account of its own."""
    of_its_own = {"subject": token(subject or name), "first_hit": at, "last_hit": at, "evidence": ()}
    return mule_alert(name, **{**of_its_own, **changed})  # type: ignore[arg-type]


def shown(limits: dict[str, int], offset: int = 1, from_time: int = MARCH) -> RulesetInForce:
    """Say from how many alerts on a rule's hour is a storm."""
    return RulesetInForce(str(offset) * 64, 0, Position(1, offset, 0), from_time, (RULE,), "{}", storms=limits)


def hourful(number: int, **changed: str) -> list[Alert]:
    """Give alerts a second apart: a-00, a-01, ..."""
    return [alert(f"a-{n:02}", HOUR + n * 1_000, **changed) for n in range(number)]


def folded(store: Store) -> list[str]:
    return [name for (name,) in ask(store, "SELECT alert_id FROM v_folded ORDER BY 1")]


def test_what_a_rule_says_beyond_a_hundred_in_an_hour_is_one_line(store: Store) -> None:
    paid: dict[str, Any] = {"currency": "CNY", "evidence": (Evidence("e", "credit", MARCH, 250, "CNY", token("x")),)}
    store.write([alert(f"a-{n:03}", HOUR + n, **paid) for n in range(105)])
    lines = ask(store, "SELECT line, count(*), sum(alerts) FROM v_queue GROUP BY line ORDER BY line")
    assert lines == [("alert", 100, 100), ("storm", 1, 5)]
    assert folded(store) == [f"a-{n}" for n in range(100, 105)]
    names = "rule_id, severity, alerts, subjects, shown, newest, amounts_minor"
    [(*told, amounts)] = ask(store, f"SELECT {names} FROM v_storms")
    assert told == [RULE, "high", 5, 5, 100, "a-104 a-103 a-102"]
    assert (json.loads(amounts) if isinstance(amounts, str) else amounts) == {"CNY": 1250}
    [(reason,)] = ask(store, "SELECT reason FROM v_queue WHERE line = 'storm'")
    assert reason.startswith("A storm. Alerts beyond the first 100 of this rule and hour: 5; subjects: 5.")


def test_an_hour_is_one_of_utc_and_of_one_rule(store: Store) -> None:
    store.write([shown({RULE: 2, "other": 2}), alert("x-1", HOUR - 1), alert("x-2", HOUR - 1), *hourful(2)])
    store.write([alert(f"o-{n}", rule_id="other") for n in range(2)])
    assert folded(store) == []
    store.write([alert("a-99", HOUR + HOUR_MS - 1), alert("late", HOUR + HOUR_MS)])
    assert folded(store) == ["a-99"]
    assert ask(store, "SELECT count(*) FROM v_storms WHERE first_hit < hour_from") == [(0,)]


def test_what_matters_stays_a_line_of_its_own(store: Store) -> None:
    store.write([shown({RULE: 1}), *hourful(8)])
    store.write([alert("grave", HOUR + MINUTE_MS, severity="critical")])
    store.write([alert("elsewhere", MARCH, "a-03", rule_id="other")])
    store.write([alert("trial", MARCH, "a-06", rule_id="other", shadow=True)])
    store.write([alert("back", MARCH, "a-07", rule_id="other", state=AlertState.WITHDRAWN)])
    set_alert(store, "a-04", Change("lin", assign_to="lin"))
    set_alert(store, "a-05", Change("lin", Status.WORKING))
    assert folded(store) == ["a-01", "a-02", "a-06", "a-07"]
    kept = ["a-00", "a-03", "a-04", "a-05", "elsewhere", "grave"]
    assert [(line, name) for line, name, _, _ in ask(store, QUEUE) if line == "alert"] == [("alert", n) for n in kept]


def test_a_storm_grows_smaller_as_people_work(store: Store) -> None:
    store.write([shown({RULE: 2}), *hourful(5)])
    assert folded(store) == ["a-02", "a-03", "a-04"]
    set_alert(store, "a-00", Change("lin", Status.DISMISSED))
    assert folded(store) == ["a-03", "a-04"]
    store.write([alert("a-02", offset=9, state=AlertState.WITHDRAWN), alert("a-03", offset=9, state=AlertState.HELD)])
    assert folded(store) == []
    assert ask(store, "SELECT line FROM v_queue") == [("alert",), ("alert",)]


def test_the_line_has_the_highest_severity_of_what_it_stands_for(store: Store) -> None:
    store.write([shown({RULE: 1}), *hourful(3, severity="low"), alert("b", HOUR + MINUTE_MS, severity="medium")])
    assert ask(store, QUEUE) == [("alert", "a-00", "low", 1), ("storm", None, "medium", 3)]


@pytest.mark.parametrize(("limits", "number"), [({RULE: 0}, 0), ({RULE: 101}, 19), ({"other": 3}, 20)])
def test_the_set_of_rules_says_how_many(store: Store, limits: dict[str, int], number: int) -> None:
    store.write([alert(f"a-{n:03}", HOUR + n) for n in range(120)])
    store.write([shown({RULE: 5}, 1, MARCH - HOUR_MS), shown(limits, 2, MARCH)])
    assert len(folded(store)) == number


def test_a_set_that_a_record_worker_of_the_release_before_writes_says_nothing(store: Store) -> None:
    columns, values = "digest, text, rule_ids, rule_count, stored_at", f"'old', '{{}}', '[]', 0, '{to_text(MARCH)}'"
    tell(store, f"INSERT INTO rulesets ({columns}) VALUES ({values})")
    store.write([*(alert(f"a-{n:03}", HOUR + n) for n in range(101)), shown({RULE: 7}, 1, MARCH - HOUR_MS)])
    tell(store, "UPDATE ruleset_partitions SET digest = 'old'")
    assert folded(store) == ["a-100"]


def test_a_list_says_what_it_leaves_out(store: Store) -> None:
    store.write([shown({RULE: 1}), *hourful(4), alert("o", rule_id="other")])
    names = [line.alert_id for line in list_alerts(store, AlertFilter(folded=False))]
    assert sorted(names) == ["a-00", "o"]
    assert len(list_alerts(store, AlertFilter())) == 5
    assert list_storms(store, AlertFilter()) == [StormLine(RULE, HOUR, "high", 3, 3)]
    assert list_storms(store, AlertFilter(rule="other")) == []
    assert list_storms(store, AlertFilter(since=HOUR + 3_000)) == [StormLine(RULE, HOUR, "high", 1, 1)]


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_and_nothing_less_severe(store: Store, seed: int) -> None:
    """Whatever alerts there are, each to do is one line or folded into one of at least its severity."""
    dice = Random(seed)
    rules = ("one", "two", "three")
    drawn: list[Any] = [
        alert(
            f"a-{n:03}", HOUR + dice.randrange(4) * HOUR_MS, f"s-{dice.randrange(90)}", rule_id=dice.choice(rules),
            severity=dice.choice(("low", "medium", "high", "critical")), state=dice.choice(tuple(AlertState)),
            shadow=dice.random() < 0.1,
        )
        for n in range(300)
    ]  # fmt: skip
    store.write([shown({"one": 3, "two": 1, "three": 0}), *drawn])
    for one in dice.sample(drawn, 40):
        set_alert(store, one.alert_id, Change("lin", dice.choice((*Status, None)), dice.choice(("lin", None)), "seen"))
    rows = ask(store, "SELECT alert_id, rule_id, severity_rank FROM v_alerts WHERE status IN ('open', 'working')")
    lines = {name for (name,) in ask(store, "SELECT alert_id FROM v_queue WHERE line = 'alert'")}
    hidden = dict(ask(store, "SELECT alert_id, hour_from FROM v_folded"))
    assert len(hidden) > 5
    assert lines | hidden.keys() == {row[0] for row in rows}
    assert lines.isdisjoint(hidden)
    assert ask(store, "SELECT sum(alerts) FROM v_queue") == [(len(rows),)]
    storms = {
        (rule, hour): rank for rule, hour, rank in ask(store, "SELECT rule_id, hour_from, severity_rank FROM v_storms")
    }
    assert all(storms[rule, hidden[name]] >= rank for name, rule, rank in rows if name in hidden)
    assert not [rule for name, rule, _ in rows if name in hidden and rule == "three"]
