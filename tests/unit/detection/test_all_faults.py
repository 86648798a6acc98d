"""``check_files`` tells every fault at once, each where it stands, and none that only follows from another."""

from typing import Final

import pytest

from streams.detection.check import check_files
from streams.replay.notation import read_events

RULE: Final = """\
id: cash-through
version: 1
title: Cash through
typology: mule
severity: high
owner: fraud
per: account
on: [credit]
let:
  received: sum amount of credits where rail = CASH_IN over 24h
  payers: count distinct counterparty of credits over 24h
when: received >= floor and payers >= 3
params:
  floor: {CNY: 1000}
unless: [traders]
say: "{received} from {payers}"
tests:
  - name: fires
    expect: alert
    events: ["10:00 a pays b 100 CNY"]
  - name: silent
    expect: none
    events: ["10:00 a pays b 100 CNY"]
"""
LIST: Final = """\
id: traders
kind: account
owner: compliance
entries:
  - {key: A, reason: licensed, added_by: anna, approved_by: ben, expires: 2027-01-01}
"""


def faults(rule: str = RULE, reference: str = LIST) -> list[tuple[int, str]]:
    """Line and message of each, warnings too."""
    _, findings = check_files({"r.yaml": rule, "l.yaml": reference}, read_events)
    return [(each.spot.line, each.message) for each in sorted(findings) if each.spot.file == "r.yaml"]


def changed(*changes: tuple[str, str]) -> str:
    rule = RULE
    for old, new in changes:
        assert old in rule
        rule = rule.replace(old, new)
    return rule


def test_the_rule_itself_has_none() -> None:
    assert not faults()


def test_faults_of_every_part_come_together() -> None:
    rule = changed(
        ("owner: fraud", "ownr: fraud"),
        ("where rail = CASH_IN", "where rial = CASH_IN"),
        ("counterparty of credits over 24h", "counterparty of credits over 24huor"),
        ("payers >= 3", "payrs >= 3"),
        ("{payers}", "{payer}"),
        ("100 CNY", "hundred CNY"),
    )
    told = faults(rule)
    assert [line for line, _ in told] == [1, 6, 10, 11, 12, 16, 20, 23]
    for (_, message), part in zip(
        told,
        ("'owner'", "'ownr'", "'rial'", "'24huor'", "'payrs'", "{payer}", "is no event", "is no event"),
        strict=True,
    ):
        assert part in message


def test_who_asks_for_a_value_with_a_fault_has_none_himself() -> None:
    assert [line for line, _ in faults(changed(("where rail", "where rial")))] == [10]
    assert [line for line, _ in faults(changed(("{CNY: 1000}", "{CNY: much}")))] == [14]
    assert [line for line, _ in faults(changed(("per: account", "per: acount")))] == [7]


def test_a_condition_that_cannot_be_read_hides_nothing() -> None:
    assert [
        line
        for line, _ in faults(
            changed(("when: received >= floor and", "when: received >= floor amd"), ("rail =", "rial ="))
        )
    ] == [10, 12]


@pytest.mark.parametrize("say", ["{received} of {payers", "received} of {payers}", "{received} { {payers}"])
def test_a_brace_that_belongs_to_no_name_is_a_fault(say: str) -> None:
    assert [line for line, _ in faults(changed(("{received} from {payers}", say)))] == [16]


@pytest.mark.parametrize("kind", ["device", "ip", "contact", "merchant", "country"])
def test_a_list_that_can_never_hold_anything_is_a_fault_under_unless(kind: str) -> None:
    assert [
        line
        for line, _ in faults(reference=LIST.replace("kind: account", f"kind: {kind}").replace("key: A", "key: KH"))
    ] == [15]


def test_a_fault_in_a_list_is_none_of_the_rule_that_names_it() -> None:
    assert not faults(reference=LIST.replace("reason: licensed, ", ""))


@pytest.mark.parametrize("key", ["kh", "Cambodia", "no", "K1"])
def test_keys_of_a_list_of_countries_are_country_codes(key: str) -> None:
    countries = LIST.replace("kind: account", "kind: country").replace("key: A", f'key: "{key}"')
    _, findings = check_files({"l.yaml": countries})
    assert any("no country code" in each.message for each in findings)


def test_a_key_twice_for_the_same_time_is_told() -> None:
    entry = LIST.splitlines()[-1]
    later = entry.replace("expires", "valid_from: 2027-01-01, expires").replace(
        "expires: 2027-01-01", "expires: 2028-01-01"
    )
    assert not [each for each in check_files({"r.yaml": RULE, "l.yaml": LIST + later})[1] if each.spot.file == "l.yaml"]
    assert "stands here already" in str(list(check_files({"r.yaml": RULE, "l.yaml": LIST + entry})[1]))


@pytest.mark.parametrize(
    ("old", "new", "advice"),
    [
        ("sum amount of credits", "summ amount of credits", "did you mean 'sum' in place of 'summ'?"),
        ("count distinct", "count distict", "did you mean 'distinct' in place of 'distict'?"),
        ("counterparty of credits", "counterparty of nwe credits", "did you mean 'new' in place of 'nwe'?"),
        ("credits over 24h\nwhen", "credits ovr 24h\nwhen", "did you mean 'over' in place of 'ovr'?"),
        ("rail = CASH_IN", "rail = cash_in", "codes are in capitals: write CASH_IN"),
        ("payers >= 3", "payers == 3", "write '=' once"),
    ],
)
def test_a_misspelt_word_is_named_where_it_is_read_as_something_else(old: str, new: str, advice: str) -> None:
    _, findings = check_files({"r.yaml": changed((old, new)), "l.yaml": LIST})
    assert [each.advice for each in findings] == [advice]


def test_values_of_a_test_are_those_the_rule_measures_and_only_an_alert_has_any() -> None:
    asked = changed(
        ('CNY"]\n  - name: silent', 'CNY"]\n    values: {recieved: 100 CNY}\n  - name: silent'),
        ("    expect: none\n", "    expect: none\n    values: {payers: 3}\n"),
    )
    assert faults(asked) == [
        (21, "the rule does not measure 'recieved'"),
        (24, "a test that expects no alert has no values"),
    ]


def test_a_value_of_a_test_is_a_text() -> None:
    asked = changed(('CNY"]\n  - name: silent', 'CNY"]\n    values: {received: [100, CNY]}\n  - name: silent'))
    assert faults(asked) == [(21, "no value is expected of 'received'")]
