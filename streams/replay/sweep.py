"""A limit of one rule, tried at several values: what it would have alerted, on the engine of production."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from streams.detection.program import Programs, compile_ruleset
from streams.detection.rule import MoneyParam, Param, Rule, Ruleset
from streams.errors import UsageError
from streams.money import EXPONENTS, format_minor
from streams.replay.backtest import Backtest
from streams.replay.generator.story import Scenario
from streams.replay.rulestats import stats_of

STEPS: Final = 5
STEPS_MAX: Final = 100
_HOW: Final = "write [RULE.]PARAM[.CURRENCY]=FROM..TO, like pass-through-account.floor.CNY=10000..50000"


class Sweep(NamedTuple):
    """Which limit of which rule, and the values to try: minor units for money."""

    rule_id: str
    param: str
    currency: str
    """Empty for a plain number."""
    values: tuple[int, ...]

    def text(self, value: int) -> str:
        """Write a value for people."""
        return format_minor(value, self.currency) if self.currency else str(value)


class Point(NamedTuple):
    """What the rule would have said at one value."""

    value: str
    alerts: int
    per_10000: float
    silenced: int
    precision: float | None
    recall: float | None


def read_sweep(text: str, steps: int, ruleset: Ruleset) -> Sweep:
    """Read what to try; raises UsageError and says what there is."""
    name, equals, span = text.partition("=")
    start, dots, end = span.partition("..")
    if not (equals and dots and start.strip().isdecimal() and end.strip().isdecimal()) or int(start) >= int(end):
        raise UsageError(f"--sweep {text}: {_HOW}")
    *rule_words, last = name.strip().split(".")
    currency = last if last in EXPONENTS and rule_words else ""
    *rule_words, param = rule_words if currency else [*rule_words, last]
    rule = _rule(text, ".".join(rule_words), param, ruleset)
    known = rule.params[param]
    if isinstance(known, MoneyParam):
        currency = currency or (next(iter(known.minor)) if len(known.minor) == 1 else "")
        if currency not in known.minor:
            raise UsageError(f"--sweep {text}: say which currency of {rule.id}.{param}: {', '.join(known.minor)}")
        scale = 10 ** EXPONENTS[currency]
    elif isinstance(known, int) and not currency:
        scale = 1
    else:
        raise UsageError(f"--sweep {text}: {rule.id}.{param} is no limit in money and no number")
    low, high = int(start) * scale, int(end) * scale
    values = {low + (high - low) * step // (steps - 1) for step in range(steps)}
    return Sweep(rule.id, param, currency, tuple(sorted(values)))


def with_value(ruleset: Ruleset, sweep: Sweep, value: int) -> Programs:
    """Compile the rule with the value, and those it counts on; other rules change nothing about it."""
    by_id = {rule.id: rule for rule in ruleset.rules}
    wanted, names = [sweep.rule_id], set[str]()
    while wanted:
        name = wanted.pop()
        if name not in names:
            names.add(name)
            wanted += by_id[name].counts_on()
    rule = by_id[sweep.rule_id]
    known = rule.params[sweep.param]
    tried: Param = (
        replace(known, minor=known.minor | {sweep.currency: value}) if isinstance(known, MoneyParam) else value
    )
    changed = replace(rule, params=rule.params | {sweep.param: tried})
    rules = tuple(changed if name == rule.id else by_id[name] for name in sorted(names))
    return compile_ruleset(replace(ruleset, rules=rules))


def point(run: Backtest, truth: Sequence[Scenario] | None, sweep: Sweep, value: int) -> Point:
    """Say what a backtest at one value says of the rule."""
    [row] = [each for each in stats_of(run, truth, 0).rules if each.rule_id == sweep.rule_id]
    return Point(sweep.text(value), row.alerts, row.per_10000, row.silenced, row.precision, row.recall)


def _rule(text: str, name: str, param: str, ruleset: Ruleset) -> Rule:
    found = [rule for rule in ruleset.rules if param in rule.params and name in {"", rule.id} and rule.state != "off"]
    if not found:
        known = sorted(f"{rule.id}.{each}" for rule in ruleset.rules for each in rule.params)
        raise UsageError(f"--sweep {text}: no rule has that; there are: {', '.join(known)}")
    if len(found) > 1:
        raise UsageError(
            f"--sweep {text}: {', '.join(rule.id for rule in found)} have {param}; say which: RULE.{param}=..."
        )
    return found[0]
