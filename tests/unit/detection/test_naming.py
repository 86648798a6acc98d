"""Payments whose other ends name the same account; and rules that speak only while no other one does."""

from collections.abc import Sequence

import pytest

from streams.alerts.model import Alert, Outcome
from streams.detection import plan
from streams.detection.check import check_files
from streams.detection.explain import explain
from streams.detection.program import compile_ruleset
from streams.detection.words import NAMES_MAX
from streams.events.codec import encode_event
from streams.pipeline import RawRecord, SourceState
from streams.replay.embedded import Embedded
from streams.replay.notation import read_events
from tests.rig.samples import RULE_HEAD

NAMES = f"""{RULE_HEAD.replace("id: big", "id: names").replace("on: debit", "on: credit")}state: signal
let:
  payers: count of one-off credits over 7d
when: payers >= 2
say: "{{payers}}"
"""
SHARED = f"""{RULE_HEAD.replace("id: big", "id: shared")}let:
  shared: count of one-off debits marked by names naming the same account over 5d
  partner: account named in shared
when: shared >= 2
say: "{{shared}} with {{partner}}"
cool_down: 1d
"""
LOUD = f"""{RULE_HEAD.replace("id: big", "id: loud")}when: amount >= floor
params:
  floor: {{CNY: 1000}}
say: big
cool_down: none
"""
QUIET = f"""{RULE_HEAD.replace("id: big", "id: quiet")}let:
  paid: count of debits over 24h
  told: count of verdicts from loud over 24h
when: paid >= 2 and told = 0
say: "{{paid}}"
cool_down: none
"""


def reasons(rules: Sequence[str], *story: str) -> list[tuple[str, str, str]]:
    """Rule, subject and reason of what is told of a story, in order."""
    ruleset, findings = check_files({f"{number}.yaml": text for number, text in enumerate(rules)}, read_events)
    assert ruleset is not None, findings
    told: dict[str, Alert] = {}

    def sink(outcomes: list[Outcome]) -> None:
        told.update({each.alert_id: each for each in outcomes if isinstance(each, Alert)})

    run = Embedded(compile_ruleset(ruleset), ("s/0",), sink)
    events = [each for number, text in enumerate(story, 1) for each in read_events(text, number)]
    run.feed(SourceState("s", 0), [RawRecord(i, 1 << 50, encode_event(each)) for i, each in enumerate(events)])
    run.end()
    return sorted((each.rule_id, each.subject, each.reason) for each in told.values())


def test_of_several_accounts_that_are_named_as_often_the_first_by_name_is_told() -> None:
    pays = ("z pays p", "z pays q", "b pays p", "b pays q", "a pays p", "a pays q")
    assert reasons([NAMES, SHARED], *(f"09:0{minute} {each} 10 CNY" for minute, each in enumerate(pays))) == [
        ("shared", "a", "2 with b"),
        ("shared", "b", "2 with z"),
    ]


def test_a_mark_names_the_newest_only() -> None:
    others = f"09:00 o-# pays p 10 CNY, {NAMES_MAX - 1} times every 1m"
    to_q = ("09:40 b pays q 10 CNY", "10:00 a pays p 10 CNY", "10:01 a pays q 10 CNY")
    assert ("shared", "a", "2 with b") in reasons([NAMES, SHARED], "08:59 b pays p 10 CNY", others, *to_q)
    one_more = "08:59:30 o pays p 10 CNY"
    assert not [
        each for each in reasons([NAMES, SHARED], "08:59 b pays p 10 CNY", one_more, others, *to_q) if each[1] == "a"
    ]


def test_who_is_named_can_be_asked_for() -> None:
    known = SHARED.replace("when: shared >= 2", "when: shared >= 2 and partner in watched")
    entry = "{key: b, reason: r, added_by: anna, approved_by: ben, expires: 2027-01-01}"
    watched = f"id: watched\nkind: account\nowner: x\nentries:\n  - {entry}\n"
    story = ["09:00 {} pays p 10 CNY", "09:01 {} pays q 10 CNY", "10:00 a pays p 10 CNY", "10:01 a pays q 10 CNY"]
    assert len(reasons([NAMES, known, watched], *(each.format("b") for each in story))) == 1
    assert not reasons([NAMES, known, watched], *(each.format("c") for each in story))


def test_it_is_explained() -> None:
    ruleset, _ = check_files({"names.yaml": NAMES, "shared.yaml": SHARED})
    assert ruleset is not None
    text = " ".join(explain(next(rule for rule in ruleset.rules if rule.id == "shared")))
    assert "that rule counted one and the same account there" in text
    assert "is the account that is named in “shared”" in text


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        (" marked by names", "", 10, "which rules name an account there?"),
        ("account named in shared", "account named in shred", 11, "'shred' is no value whose payments"),
        ("account named in shared", "account named shared", 11, "expected 'in'"),
        ("naming the same account", "naming the same device", 10, "expected 'account'"),
        (" over 5d", " over 90d up to 1d before", 10, "days do not know naming"),
        ("marked by names", "marked by nobody", 1, "no rule has that id"),
    ],
)
def test_faults_are_named(old: str, new: str, line: int, told: str) -> None:
    _, findings = check_files({"names.yaml": NAMES, "shared.yaml": SHARED.replace(old, new)})
    assert any(each.spot.line == line and told in each.message for each in findings), findings


STORY = ("09:00 a pays b 10 CNY", "10:00 a pays b 20 CNY")


def test_a_rule_that_asks_for_silence_of_another_speaks_where_none_ever_spoke() -> None:
    assert reasons([LOUD, QUIET], *STORY) == [("quiet", "a", "2")]
    assert reasons([LOUD, QUIET], "08:00 a pays b 1000 CNY", *STORY) == [("loud", "a", "big")]


def test_a_build_that_asks_such_rules_only_where_another_one_spoke_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan._Planner, "_needs_verdict", lambda _self, _part: True)
    assert not reasons([LOUD, QUIET], *STORY)
