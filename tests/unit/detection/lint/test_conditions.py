"""Conditions that can never be so, or always are, are named at their place; near misses stay silent."""

from itertools import pairwise

import pytest

from streams.detection.findings import Severity
from tests.unit.detection.lint.rules import PARAMS, linted, rule

COUNTS = """
payments: count of debits over 24h
today: count of debits over 1h
payees: count distinct counterparty of debits over 24h
receipts: count of credits over 24h
incoming: sum amount of credits over 24h
sent: sum amount of debits over 24h
cash: sum amount of debits where rail = CASH_OUT over 24h
days: count distinct day of credits over 24h
passed: count of credits followed within 15m by 70% in debits over 24h
stay: median dwell of credits in debits over 24h
gap: pause before debits over 48h
usual: max amount of debits over 30d up to 1d before
score: points of verdicts from other 30, third 20 halving every 3d over 14d
kind: reference party_type
age: time since opened
stopped: time since stop
"""
IN = "receipts: count of credits over 24h"
OTHERS = (rule("amount >= floor", id="other", state="signal"), rule("amount > ceiling", id="third", state="signal"))

NEVER = [
    ("receipts >= 3 and receipts < 2", "'receipts < 2' is never so together with 'receipts >= 3'"),
    ("receipts > 2 and receipts < 3", "'receipts < 3' is never so together"),
    ("hour > 23", "'hour > 23' is never so"),
    ("amount < 0 * floor", "'amount < 0 * floor' is never so"),
    ("receipts < 0", "'receipts < 0' is never so"),
    ("rail = CASH_IN and rail = CARD", "'rail = CARD' is never so together with 'rail = CASH_IN'"),
    ("purpose in salaries and purpose = GDDS", "'purpose = GDDS' is never so together"),
    ("purpose in salaries and purpose is missing", "'purpose is missing' is never so together"),
    ("days >= 3", "'days >= 3' is never so"),
    ("passed >= 201", "'passed >= 201' is never so"),
    ("stay > 24h", "'stay > 24h' is never so"),
    ("gap > 400d", "'gap > 400d' is never so"),
    ("score > 50", "'score > 50' is never so"),
    ("incoming >= floor and incoming <= 50% of floor", "'incoming <= 50% of floor' is never so together"),
    ("cash >= 120% of sent and cash >= floor", "'cash >= 120% of sent' and"),
    ("today > payments", "'today > payments' is never so"),
    ("payees > payments", "'payees > payments' is never so"),
    ("amount > sent", "'amount > sent' is never so"),
    ("payments = 0", "'payments = 0' is never so"),
    ("at least 2 of (hour < 0, receipts < 0, days >= 2)", "'at least 2 of (hour < 0, receipts < 0, days >= 2)' is never so"),
    ("receipts >= 3 and (receipts = 1 or receipts = 2)", "'receipts = 1 or receipts = 2' is never so together"),
    ("not (hour >= 0)", "'not hour >= 0' is never so"),
    ("age < 0s", "'age < 0s' is never so"),
    ("payees + receipts >= 5 and payees <= 2 and receipts <= 2", "the parts of its condition exclude one another"),
    ("cross_border and not cross_border", "'not cross_border' is never so together"),
    ("foreign_currency and not foreign_currency", "'not foreign_currency' is never so together"),
    ("usual is missing and usual >= floor", "'usual >= floor' is never so together"),
]  # fmt: skip
ALWAYS = [
    "receipts >= 0",
    "payments >= 1",
    "hour <= 23",
    "sent >= amount",
    "receipts >= 2 or receipts < 2",
    "amount > 0 * floor",
]
SILENT = [
    "receipts >= 3 and receipts < 4",
    "hour > 22",
    "amount >= floor and amount < ceiling",
    "rail = CASH_IN or rail = CARD",
    "rail != CASH_IN and rail != CARD",
    "purpose in salaries and purpose != SALA",
    "not (purpose in salaries) and not (purpose not in salaries)",  # a purpose that is missing
    "days >= 2",
    "passed >= 200",
    "stay < 24h",
    "gap >= 400d",
    "score >= 50",
    "incoming >= floor and incoming <= 50% of ceiling",
    "cash >= 100% of sent and cash >= floor",
    "today >= payments",
    "payees >= payments",
    "payments >= 2",
    "receipts = 0",
    "payees > receipts",
    "sent > amount",
    "usual is missing or usual < floor",
    "not (usual >= floor)",
    "not (age < 30d) and (age is missing or hour > 3)",
    "2 * stay < 1h or stay is missing",
    "kind = ORG or kind is missing",
    "stopped <= 10d",
    "receipts * payees >= 5 and receipts <= 1",
]  # fmt: skip


def lets(when: str) -> str:
    """Give the values that a condition names."""
    return "\n".join(line for line in COUNTS.strip().splitlines() if line.partition(":")[0] in when)


@pytest.mark.parametrize(("when", "told"), NEVER)
def test_a_rule_that_can_never_fire_is_told_with_the_part_that_cannot_be(when: str, told: str) -> None:
    found = linted(rule(when, lets(when)), *OTHERS)
    assert [each.severity for each in found] == [Severity.WARNING]
    assert found[0].message.startswith("the rule can never fire: ")
    assert told.removesuffix(" and") in found[0].message


@pytest.mark.parametrize("when", ALWAYS)
def test_a_rule_that_always_fires_is_told(when: str) -> None:
    found = linted(rule(when, lets(when)))
    assert [each.message for each in found] == ["the rule says yes to every debit: its condition is always so"]


@pytest.mark.parametrize("when", SILENT)
def test_a_near_miss_stays_silent(when: str) -> None:
    assert linted(rule(when, lets(when)), *OTHERS) == []


def test_a_window_of_another_trigger_may_be_empty() -> None:
    assert linted(rule("payments >= 1", "payments: count of debits over 24h", on="credit")) == []
    assert linted(rule("payments >= 1", "payments: count of debits over 24h", on="[debit, credit]")) == []
    assert linted(rule("payments >= 1", "payments: count of debits over 24h", wait="48h")) == []
    assert linted(rule("moves >= 1", "moves: count of movements over 24h", on="[debit, credit]")) != []


def test_the_amount_of_a_settlement_line_may_be_below_nothing() -> None:
    when = "amount < 0 * floor"
    assert linted(rule(when, per="settlement", on="line")) == []
    assert linted(rule("paid < 0 * floor", "paid: sum amount of batches over 24h", per="merchant", on="batch")) == []


def test_the_place_is_that_of_the_text_at_fault() -> None:
    (found,) = linted(rule("receipts >= 2 and hour > 23", "receipts: count of credits over 24h"))
    assert (found.spot.line, found.spot.column) == (12, 25)
    assert found.advice == "hour is 0 to 23"
    (found,) = linted(
        rule(">-\n  receipts >= 2\n  and (hour > 23 or receipts >= 7)", "receipts: count of credits over 24h")
    )
    assert (found.spot.line, found.spot.column) == (14, 8)
    assert found.message == "'hour > 23' is never so"


@pytest.mark.parametrize(
    ("let", "when", "told"),
    [
        (IN, "amount >= floor and (receipts >= 0 or hour >= 5)", "'receipts >= 0 or hour >= 5' is always so"),
        (IN, "amount >= floor or receipts < 0", "'receipts < 0' is never so"),
        ("receipts: count of credits over 24h\nnone: receipts < 0", "amount >= floor or none", "'receipts < 0' is never so"),
        ("n: count of credits where rail = CARD and rail = QR over 24h", "n >= 2", "no leg fits 'where rail = CARD and rail = QR'"),
        ("receipts: count of credits where hour < 24 over 24h", "receipts >= 2", "every leg fits 'where hour < 24'"),
        ("receipts: count of credits where amount > 0 * floor over 24h", "receipts >= 2", ""),  # in EUR none does
        ("receipts: count of credits where purpose = SALA or purpose != SALA over 24h", "receipts >= 2", "every leg fits"),
        ("receipts: count of credits where purpose in salaries or purpose = GDDS over 24h", "receipts >= 2", ""),
        (
            "pairs: count of credits matched within 24h by 90% to 99% in debits where amount > floor and amount < floor over 7d",
            "pairs >= 2",
            "no leg fits 'where amount > floor and amount < floor'",
        ),
    ],
)  # fmt: skip
def test_a_part_that_always_comes_out_alike_is_told(let: str, when: str, told: str) -> None:
    found = linted(rule(when, let))
    assert [each.message[: len(told)] for each in found] == ([told] if told else [])


def test_what_other_conditions_imply_is_a_hint() -> None:
    (found,) = linted(
        rule("receipts >= 3 and amount >= floor and receipts >= 2", "receipts: count of credits over 24h")
    )
    assert found.severity is Severity.HINT
    assert found.message == "'receipts >= 2' says nothing that the other conditions do not say"


def test_limits_that_contradict_in_one_currency_are_told_for_it() -> None:
    params = "floor: {CNY: 100, USD: 10, JPY: 5}\nceiling: {CNY: 500, USD: 10, JPY: 4}"
    (found,) = linted(rule("amount >= floor and amount < ceiling", params=params))
    assert found.message == "the rule can never fire in JPY, USD"
    params = "floor: {CNY: 100, USD: 0}"
    (found,) = linted(rule("amount > floor", params=params))
    assert found.message == "the condition is always so in USD"


def test_limits_of_one_kind_of_account_holder_are_looked_at_too() -> None:
    params = "floor: {ORG: {CNY: 900}, OTHER: {CNY: 100}}\nceiling: {CNY: 500}"
    (found,) = linted(rule("amount >= floor and amount < ceiling", params=params))
    assert found.message == "the rule can never fire in CNY for ORG"


def test_a_limit_that_is_missing_in_a_currency_is_told_at_the_limit() -> None:
    params = "floor: {CNY: 100, USD: 10}\nceiling: {CNY: 500}"
    (found,) = linted(rule("amount >= floor and amount < ceiling", params=params))
    assert found.severity is Severity.WARNING
    assert found.message == "'ceiling' has no limit in USD, so the rule is never decided there"
    assert (found.spot.line, found.spot.column) == (13, 3)


def test_a_currency_that_most_rules_have_is_a_hint() -> None:
    few = rule("amount > floor and hour < 3", params="floor: {CNY: 1}", id="few")
    found = linted(
        few, rule("amount >= floor", id="one", on="credit"), rule("amount >= ceiling", id="two", on="initiated")
    )
    assert [(each.severity, each.message) for each in found] == [
        (Severity.HINT, "no limits in USD, which most rules of the set have")
    ]


def test_a_code_that_a_field_never_has_is_told_wherever_a_list_names_it() -> None:
    params = PARAMS + "rails: [CARD, CARDS]"
    (found,) = linted(rule("rail in rails and amount >= floor", params=params))
    assert found.message == "'rail' is never CARDS, which 'rails' names"


def test_the_place_of_what_follows_where_is_its_own() -> None:
    let = "n: >-\n    count of credits\n    where hour > 1 and hour > 23 over 24h"
    (found,) = linted(rule("n >= 2", let))
    assert (found.spot.line, found.spot.column) == (13, 13)


def test_what_is_not_looked_at_is_said() -> None:
    """Silence would be taken for a clean bill: of ten choices of two nothing is proven as a whole, of nine it is."""
    choices = [f"(counterparty in watched or amount = {n} * floor)" for n in range(1, 11)]
    lets = "watched: reference owner"
    never = "rail = CARD and rail = QR"
    (found,) = linted(
        rule(" and ".join([never, *choices[:9]]).replace("counterparty in watched", "watched is given"), lets)
    )
    assert found.message.startswith("the rule can never fire")
    (hint,) = linted(rule(" and ".join([never, *choices]).replace("counterparty in watched", "watched is given"), lets))
    assert hint.severity is Severity.HINT
    assert hint.message.startswith("this was not looked at as a whole: there are more than 1,000 ways")
    assert hint.spot.line == 12


def test_choices_without_number_end_soon() -> None:
    (found,) = linted(rule(f"at least 30 of ({', '.join(['0 > 1'] * 60)})"))
    assert found.message.startswith("the rule can never fire")
    names = [f"n{number}" for number in range(40)]
    lets = "\n".join(f"{name}: count of credits over {number + 1}h" for number, name in enumerate(names))
    compared = " and ".join(f"({one} > {other} or {other} > {one} + 1)" for one, other in pairwise(names[:24]))
    linted(rule(compared, lets))
    linted(rule(f"at least 20 of ({', '.join(f'{name} >= 2' for name in names)})", lets))


@pytest.mark.parametrize(
    ("when", "advice"),
    [
        ("hour > 23", "hour is 0 to 23"),
        ("receipts < 0", "receipts is never below 0"),
        ("payments = 0", "what triggers the rule is counted in payments itself"),
        ("amount <= 0 * floor", "amount is always above 0"),
        ("score > 50", "score is 0 to 50"),
        ("stay > 24h", "stay is 0 to 24h"),
        ("gap > 400d", "gap is 0 to 400d"),
        ("payees > payments", "ask for something that can happen"),
        ("rail = CARD and rail = QR", "change one of the two"),
    ],
)
def test_the_advice_says_what_is_known_of_the_value(when: str, advice: str) -> None:
    (found,) = linted(rule(when, lets(when)), *OTHERS)
    assert found.advice == advice


def test_codes_are_those_of_what_a_name_stands_for() -> None:
    params = PARAMS + "kinds: [ORG, COMPANY]\ncountries: [KH, MM]"
    let = "kind: reference party_type\nstatus: reference home_country"
    (found,) = linted(rule("(kind in kinds or status in countries) and amount >= floor", let, params))
    assert found.message == "'kind' is never COMPANY, which 'kinds' names"


def test_a_rule_that_is_off_is_left_alone() -> None:
    assert linted(rule("hour > 23", state="off")) == []
