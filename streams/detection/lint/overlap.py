"""Rules of which another one says everything already: proven from their conditions, whatever payments come.

How many alerts of two rules meet on real payments is another question; a backtest answers that.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from streams.detection.expression import Node
from streams.detection.findings import Findings
from streams.detection.lint.conditions import prover_of
from streams.detection.lint.meaning import Meaning, TooManyCases
from streams.detection.lint.refute import Case, Row
from streams.detection.lint.worlds import Place, Prover, limits_at, segments_of, worlds
from streams.detection.rule import MoneyParam, Rule
from streams.detection.rulecheck import SEVERITIES


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """A rule, the cases in which it fires, those in which a part of its condition does not hold, and what they are about."""

    rule: Rule
    cases: list[Case]
    against: list[list[Case]]
    asks: frozenset[int]
    """Unknowns of its condition that are no limits."""
    needs: frozenset[frozenset[int]]
    """The same of each case in which a part does not hold."""
    limits: Mapping[int, str]
    prover: Prover


def look_for_overlap(read: list[Meaning], findings: Findings) -> None:
    """Add a warning for each rule whose every alert is one of another rule that is at least as severe, as far as was looked."""
    counted = {name for meaning in read for name in meaning.rule.counts_on()}
    by_kind: dict[int, list[_Known]] = defaultdict(list)
    for meaning in read:
        found = _known(meaning) if meaning.rule.state == "active" else None
        if found is not None:
            by_kind[int(meaning.rule.per)].append(found)
    for each in by_kind.values():
        left = each.copy()
        for known in each:
            # What another rule counts on has a use of its own. What covers a covered rule covers what that one would.
            if known.rule.id not in counted and _look(known, left, findings):
                left.remove(known)
            if known.prover.effort.left < 0:
                told = "this rule was not compared with all others: that asks too much"
                findings.hint(known.rule.spot, told, "payweir rules backtest shows the alerts that two rules share")


def _known(meaning: Meaning) -> _Known | None:
    rule = meaning.rule
    parts = rule.when.parts if rule.when.kind == "and" else (rule.when,)
    try:
        cases = meaning.cases(rule.when)
        against = [meaning.cases(Node("not", part.column, parts=(part,))) for part in parts]
    except TooManyCases:
        return None
    limits = frozenset(meaning.limits)
    asks = frozenset[int]().union(*(_asks(case) for case in cases)) - limits
    needs = frozenset(_asks(case) - limits for part in against for case in part)
    return _Known(rule, cases, against, asks, needs, meaning.limits, prover_of(meaning))


def _asks(case: Case) -> frozenset[int]:
    rows = (unknown for fact in case if isinstance(fact, Row) for unknown, _ in fact.terms)
    return frozenset(rows) | {fact.unknown for fact in case if not isinstance(fact, Row)}


def _look(small: _Known, rules: list[_Known], findings: Findings) -> bool:
    for large in rules:
        if large is small or not _may_cover(large, small) or not _implies(small, large):
            continue
        same = _may_cover(small, large) and _implies(large, small)
        if same and large.rule.id > small.rule.id:
            continue  # told at the other one
        advice = "take it out, or ask for something else; payweir rules backtest shows the alerts that two rules share"
        told = f"{large.rule.id!r} says yes to whatever this rule says yes to"
        findings.warn(small.rule.spot, f"the rule means the same as {large.rule.id!r}" if same else told, advice)
        return True
    return False


def _may_cover(large: _Known, small: _Known) -> bool:
    """Tell whether one rule is asked whenever the other is, is as severe, lets nobody pass besides, and asks the same."""
    one, other = large.rule, small.rule
    if not (
        set(other.on) <= set(one.on)
        and one.wait_ms == other.wait_ms
        and set(one.unless) <= set(other.unless)
        and SEVERITIES.index(one.severity) >= SEVERITIES.index(other.severity)
    ):
        return False
    implied = small.prover.unknowns.implied
    return all(need & small.asks or any(implied(each, small.asks) for each in need) for need in large.needs)


def _implies(small: _Known, large: _Known) -> bool:
    """Tell whether whenever the one says yes the other is proven to."""
    limits: dict[Place, dict[int, int]] = {}
    for place, amounts in limits_at(small.rule, segments=segments_of(large.rule)).items():
        theirs = _limits(large.rule, place)
        if theirs is None:
            return False
        limits[place] = {unknown: amounts[name] for unknown, name in small.limits.items()}
        limits[place] |= {unknown: theirs[name] for unknown, name in large.limits.items()}
    return bool(limits) and all(
        small.prover.never(((*case, *other) for case in small.cases for other in against), world)
        for world in worlds(limits)
        for against in large.against
    )


def _limits(rule: Rule, place: Place) -> dict[str, int] | None:
    """Give a rule's limits at a place; None when one is missing, as the rule then is not decided."""
    money = {name: param for name, param in rule.params.items() if isinstance(param, MoneyParam)}
    found = {name: param.of(place.segment).get(place.currency) for name, param in money.items()}
    known = {name: limit for name, limit in found.items() if limit is not None}
    return known if len(known) == len(found) else None
