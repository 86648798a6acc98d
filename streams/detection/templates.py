"""Beginnings of rules: a few answers become a rule file with tests that pass."""

from collections.abc import Callable
from typing import Final, NamedTuple

from streams.clock import DAY_MS, parse_span


class Answers(NamedTuple):
    """What is asked of somebody who begins a rule. ``limit`` is in major units of ``currency``."""

    id: str
    title: str
    typology: str
    severity: str
    owner: str
    currency: str
    limit: int
    number: int
    window: str


class Template(NamedTuple):
    """What a kind of rule watches for, and how its file is made."""

    meaning: str
    asks: frozenset[str]
    """Of ``limit``, ``count`` and ``window`` those that it needs."""
    body: Callable[[Answers], str]


def rule_text(kind: str, answers: Answers) -> str:
    """Give the text of a rule file. The state is shadow: it is tried before it counts."""
    head = (
        f"id: {answers.id}\nversion: 1\ntitle: {answers.title}\ntypology: {answers.typology}\nseverity: {answers.severity}\n"
        f"state: shadow                # then active, once its alerts are seen to be right\nowner: {answers.owner}\nper: account\n"
    )
    return head + TEMPLATES[kind].body(answers)


def _large(a: Answers) -> str:
    return f"""\
on: debit
when: amount >= floor
params:
  floor: {{{a.currency}: {a.limit}}}
say: "a payment of {{floor}} or more"
cool_down: none
tests:
{_fires("fires at the limit", [f"09:00 payer pays payee {a.limit} {a.currency}"], "payer")}
{_fires("fires above it", [f"09:00 payer pays payee {a.limit + 1} {a.currency}"], "payer")}
{_silent("silent just under it", [f"09:00 payer pays payee {a.limit - 1} {a.currency}"])}
{_silent("silent for the one who is paid", [f"09:00 other pays payer {a.limit - 1} {a.currency}"])}
"""


def _sum(a: Answers) -> str:
    part = a.limit - a.limit // 2
    rest = f"{a.limit - part} {a.currency}"
    outside = [
        f"09:00 payer pays one {part} {a.currency}",
        f"day {parse_span(a.window) // DAY_MS + 2} 09:00 payer pays two {rest}",
    ]
    return f"""\
on: debit
let:
  sent: sum amount of debits over {a.window}
when: sent >= floor
params:
  floor: {{{a.currency}: {a.limit}}}
say: "{{sent}} left within {a.window} (limit {{floor}})"
cool_down: 24h
tests:
{_fires("fires on one payment of the limit", [f"09:00 payer pays payee {a.limit} {a.currency}"], "payer")}
{_fires("fires on two that make it up", [f"09:00 payer pays {who} {part} {a.currency}" for who in ("one", "two")], "payer")}
{_silent("silent just under it", [f"09:00 payer pays payee {a.limit - 1} {a.currency}"])}
{_silent("silent when the second is outside the window", outside)}
"""


def _payers(a: Answers) -> str:
    return _many(a, ("credit", "credits", "payers"), "p# pays collector {} {}", "one pays collector {} {}", "collector")


def _payees(a: Answers) -> str:
    return _many(a, ("debit", "debits", "payees"), "spreader pays p# {} {}", "spreader pays one {} {}", "spreader")


def _many(a: Answers, words: tuple[str, str, str], several: str, same: str, subject: str) -> str:
    trigger, legs, who = words

    def events(line: str, times: int) -> list[str]:
        return [f"09:00 {line.format(100, a.currency)}, {times} times every 1s"]

    return f"""\
on: {trigger}
let:
  {who}: count distinct counterparty of {legs} over {a.window}
when: {who} >= {who}_min
params:
  {who}_min: {a.number}
say: "{{{who}}} {who} within {a.window} (limit {{{who}_min}})"
cool_down: 24h
tests:
{_fires(f"fires on {a.number} {who}", events(several, a.number), subject)}
{_fires("fires on one more", events(several, a.number + 1), subject)}
{_silent("silent on one fewer", events(several, a.number - 1))}
{_silent("silent on as many payments with one", events(same, a.number))}
"""


def _fires(name: str, events: list[str], subject: str) -> str:
    return f"{_test(name, events)}\n    expect: alert\n    subject: {subject}"


def _silent(name: str, events: list[str]) -> str:
    return f"{_test(name, events)}\n    expect: none"


def _test(name: str, events: list[str]) -> str:
    lines = "\n".join(f'      - "{event}"' for event in events)
    return f"  - name: {name}\n    events:\n{lines}"


TEMPLATES: Final[dict[str, Template]] = {
    "large": Template("one payment of a limit or more", frozenset({"limit"}), _large),
    "sum": Template("payments that add up to a limit within a window", frozenset({"limit", "window"}), _sum),
    "payers": Template("so many payers of one account within a window", frozenset({"count", "window"}), _payers),
    "payees": Template("so many payees of one account within a window", frozenset({"count", "window"}), _payees),
}
