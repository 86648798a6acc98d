"""What the lint proves is true on the engine of production: a rule it says can never fire never does, one that always does, does.

Conditions are drawn from comparisons near the borders of what is possible, legs at few times, of few counterparties and amounts.
"""

import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final, NamedTuple

import pytest

from streams.clock import DAY_MS, HOUR_MS
from streams.detection.check import check_files
from streams.detection.evaluation import advance
from streams.detection.lint import meaning, overlap, unknowns
from streams.detection.lint.meaning import Meaning
from streams.detection.lint.ruleset import lint
from streams.detection.lint.unknowns import Bounds, Window
from streams.detection.lint.worlds import Prover
from streams.detection.program import Programs, compile_ruleset
from streams.detection.rule import Ruleset
from streams.detection.schedule import Schedule
from streams.legs import Leg, LegKind, SubjectKind
from streams.state.subject import Subject

RULE: Final = """
id: r{number}
title: Drawn
typology: test
severity: low
owner: test
per: account
on: {on}
let:
  payments: count of debits over 24h
  today: count of debits over 1h
  moves: count of movements over 24h
  new_ones: count of new debits over 24h
  payees: count distinct counterparty of debits over 24h
  receipts: count of credits over 24h
  large: count of credits where amount >= floor over 24h
  lone: count of one-off movements over 48h
  sent: sum amount of debits over 24h
  cash: sum amount of debits where rail = CASH_OUT over 24h
  most: max amount of debits over 24h
  least: min amount of debits over 24h
  mean: mean amount of movements over 24h
  days: count distinct day of movements over 25h
  passed: count of credits followed within 1h by 70% in debits over 24h
  pairs: count of credits matched within 2h by 70% to 120% in debits over 24h
  near: count of credits alike within 10% over 24h
  part: count of credits of which this is 90% to 100% over 24h
  stay: median dwell of credits in debits over 24h
  gap: pause before debits over 24h
  before: count of debits over 5d up to 1h before with at least 1 days
  usual: mean of daily sum amount of debits over 5d up to 1h before
  kind: reference party_type
  age: time since opened
  quick: stay < 1h
  left: balance - floor
when: {when}
params:
  floor: {{CNY: 1, USD: 2}}
  ceiling: {{CNY: 3, USD: 6}}
  codes: [SALA, GDDS]
  three: 3
say: "drawn"
cool_down: none
"""
FILTER: Final = (
    RULE.partition("let:")[0]
    + """let:
  fits: count of movements where {when} over 30d
  every: count of movements over 30d
when: fits >= 1 and fits < every
params:"""
    + RULE.partition("params:")[2]
)
"""Never so when no leg fits, and when every leg does."""
COUNTS: Final = (
    "payments", "today", "moves", "new_ones", "payees", "receipts", "large", "lone", "days", "days", "passed", "pairs", "near",
    "part", "before", "three", "hour", "hour", "hour",
)  # fmt: skip
AMOUNTS: Final = (
    "sent",
    "cash",
    "most",
    "least",
    "mean",
    "usual",
    "balance",
    "left",
    "floor",
    "ceiling",
    "amount",
    "90% of sent",
)
SPANS: Final = ("stay", "gap", "age", "known_for", "0s", "1h", "24h", "25h", "400d")
PLAIN: Final = (
    "rail = CASH_OUT", "rail != CASH_OUT", "rail = CARD", "rail is missing", "purpose in codes", "purpose not in codes",
    "purpose = SALA", "purpose is given", "kind = ORG", "kind != ORG", "kind is missing", "counterparty is new", "cross_border",
    "foreign_currency",
    "balance is missing", "gap is given", "age is missing", "counterparty is given", "quick", "usual is given",
    "amount is a multiple of floor",
)  # fmt: skip
SAID: Final = {
    "the rule can never fire": False, "the rule says yes to every": True, "the condition is always so": True,
    "no leg fits": False, "every leg fits": False,
}  # fmt: skip
LIMITED: Final = ("CNY", "USD")
START: Final = 20_000 * DAY_MS
SETS: Final = 16
RULES: Final = 40
TURNS: Final = 8


def comparison(chance: random.Random) -> str:
    sign = chance.choice((">=", "<=", ">", "<", "=", "!="))
    match chance.randrange(8):
        case 0 | 1:
            return f"{chance.choice(COUNTS)} {sign} {chance.choice((0, 0, 1, 2, 3, 4, 23, 24, 200, 201))}"
        case 2:
            return f"{chance.choice(COUNTS)} {sign} {chance.choice(COUNTS)}"
        case 3 | 4:
            return f"{chance.choice(AMOUNTS)} {sign} {chance.choice(('', '90% of ', '2 * '))}{chance.choice(AMOUNTS)}"
        case 5:
            return f"{chance.choice(SPANS)} {sign} {chance.choice(SPANS)}"
        case _:
            return chance.choice(PLAIN)


def of_a_leg(chance: random.Random) -> str:
    sign = chance.choice((">=", "<=", ">", "<", "=", "!="))
    match chance.randrange(4):
        case 0:
            return f"hour {sign} {chance.choice((0, 1, 23, 24))}"
        case 1:
            amounts = "amount", "balance", "floor", "ceiling", "0 * floor"
            return f"{chance.choice(amounts)} {sign} {chance.choice(amounts)}"
        case _:
            return chance.choice(
                [each for each in PLAIN if each.split()[0] not in {"kind", "gap", "age", "quick", "usual"}]
            )


def condition(chance: random.Random, drawn: Callable[[random.Random], str], depth: int = 2) -> str:
    if depth == 0 or chance.random() < 0.2:
        return drawn(chance)
    parts = [condition(chance, drawn, depth - 1) for _ in range(chance.randint(2, 3))]
    match chance.randrange(7):
        case 0 | 1 | 2:
            return f"({' and '.join(parts)})"
        case 3 | 4:
            return f"({' or '.join(parts)})"
        case 5:
            return f"not {parts[0]}"
        case _:
            return f"at least {chance.randint(1, len(parts))} of ({', '.join(parts)})"


def legs(chance: random.Random) -> Iterator[Leg]:
    """Payments of an account, and perhaps what is registered of it."""
    if chance.random() < 0.7:
        facts: dict[str, str | tuple[str, ...]] = {
            "party_type": chance.choice(("ORG", "PERSON")),
            "opened": str(START - DAY_MS),
        }
        yield Leg(
            SubjectKind.ACCOUNT, "a", LegKind.REFERENCE, START - DAY_MS, 0, "s", "r", 1, facts=facts
        )  # fmt: skip
    for number in range(chance.randint(1, 25)):
        hours = chance.choice((0, 1, 23, 24, 25, 26, 48, 49, chance.randrange(24 * 8)))
        yield Leg(
            SubjectKind.ACCOUNT, "a", chance.choice((LegKind.DEBIT, LegKind.CREDIT)), START + hours * HOUR_MS, 0, "s", f"e{number}",
            number, f"p{number}", amount=chance.choice((1, 99, 100, 200, 300, 301)),
            currency=chance.choice(("CNY", "CNY", "USD", "EUR")), other=chance.choice(("X", "Y", "Z", "")),
            way=chance.choice(("CASH_OUT", "CARD", "")), zone=chance.choice((0, 32, -20)),
            purpose=chance.choice(("SALA", "OTHR", "")), abroad=chance.random() < 0.5, foreign=chance.random() < 0.5,
            balance=chance.choice((None, 0, -50, 500)),
        )  # fmt: skip


@cache
def drawn(seed: int) -> tuple[Ruleset, Programs]:
    chance = random.Random(seed)
    texts: dict[str, str] = {}
    while len(texts) < RULES:
        template, of = (FILTER, of_a_leg) if len(texts) % 4 == 0 else (RULE, comparison)
        on = chance.choice(("debit", "credit", "[debit, credit]"))
        text = template.format(number=len(texts), on=on, when=condition(chance, of))
        # Some comparisons are of unlike types, or ask whether something is missing that never is.
        if check_files({"rule.yaml": text})[0] is not None:
            texts[f"{len(texts)}.yaml"] = text
    ruleset, findings = check_files(texts)
    assert ruleset is not None, findings
    return ruleset, compile_ruleset(ruleset)


class Claims(NamedTuple):
    """What the lint says of a set: rules that never or always fire in a currency, and rules that others cover."""

    fires: dict[tuple[str, str], bool]
    covered: list[tuple[str, str]]


def claims_of(ruleset: Ruleset) -> Claims:
    claims = Claims({}, [])
    by_file = {rule.spot.file: rule.id for rule in ruleset.rules}
    for each in lint(ruleset):
        rule = by_file[each.spot.file]
        if other := re.fullmatch(r"'(r\d+)' says yes .*|the rule means the same as '(r\d+)'", each.message):
            claims.covered.append((rule, other[1] or other[2]))
        for start, truth in SAID.items():
            if each.message.startswith(start):
                where = re.fullmatch(r".*? in ([A-Z, ]+)", each.message)
                claims.fires.update(
                    {(rule, currency): truth for currency in (where[1].split(", ") if where else LIMITED)}
                )
    return claims


def disproven(seed: int) -> tuple[Claims, set[str]]:
    """Run a set over legs; give what was claimed, and the rules of which something else came out."""
    ruleset, programs = drawn(seed)
    claims, wrong = claims_of(ruleset), set()
    kinds = {rule.id: {int(kind) for kind in rule.on} for rule in ruleset.rules}
    for turn in range(TURNS):
        schedule, subject = Schedule(), Subject(SubjectKind.ACCOUNT, "a")
        schedule.add(0, programs)
        known = list(legs(random.Random(1000 * seed + turn)))
        for leg in known:
            subject.insert(leg, at_once=True)
            advance(subject, schedule)
        yes = {(hit.key.rule_id, hit.leg.event_id) for hit in subject.hits if not hit.undecided and not hit.error}
        for leg in known:
            told = {
                rule
                for (rule, currency), _ in claims.fires.items()
                if leg.kind in kinds[rule] and leg.currency == currency
            }
            wrong |= {rule for rule in told if ((rule, leg.event_id) in yes) is not claims.fires[rule, leg.currency]}
            wrong |= {
                small
                for small, large in claims.covered
                if (small, leg.event_id) in yes and (large, leg.event_id) not in yes
            }
    return claims, wrong


def test_what_is_proven_is_so() -> None:
    fires, covered = 0, 0
    for seed in range(SETS):
        claims, wrong = disproven(seed)
        assert wrong == set(), {rule.id: rule.texts[""].value for rule in drawn(seed)[0].rules if rule.id in wrong}
        fires, covered = fires + len(claims.fires), covered + len(claims.covered)
    assert min(fires, covered) > SETS, "nothing much was proven, so nothing was tried"


BROKEN: Final[dict[str, tuple[object, str, object]]] = {
    "a day of twelve hours": (meaning, "field_bounds", lambda name, _on: Bounds(0, 11 if name == "hour" else None)),
    "a day less in a window": (unknowns, "_days", lambda _value: 1),
    "no window is empty": (Window, "holds", lambda _self, _on: True),
    "whatever is counted is less than anything else": (unknowns, "_at_most", lambda _small, _large: True),
    "filters do not matter": (Meaning, "_asked", lambda _self, _where: frozenset()),
    "nothing is missing": (Meaning, "_missing", lambda _self, _node: set()),
    "no text is missing": (meaning, "_NONE", frozenset()),
    "not more is less": (meaning, "_SWAPPED", {**meaning._SWAPPED, ">": "<", ">=": "<"}),
    "any rule is asked of any leg": (overlap, "_may_cover", lambda _large, _small: True),
    "limits of the other rule do not matter": (overlap, "_limits", lambda rule, _place: dict.fromkeys(rule.params, 0)),
    "a case is enough": (
        Prover,
        "never",
        lambda self, cases, world: any(self._impossible(each, world, 10**6) for each in cases),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_lint_that_proves_too_much_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, what, broken = BROKEN[name]
    monkeypatch.setattr(where, what, broken)
    assert any(disproven(seed)[1] for seed in range(SETS))
