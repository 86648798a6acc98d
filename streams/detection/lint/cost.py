"""What each rule costs a worker: what is kept running for it, what it looks for among legs, and for how long legs are kept."""

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final

from streams.clock import span_text
from streams.detection.findings import Findings
from streams.detection.plan import NOT_RUNNING, plan_rule
from streams.detection.planned import Plan, Shared
from streams.detection.rule import Rule, Ruleset
from streams.detection.words import SUBJECT_WORDS, Type
from streams.legs import SubjectKind

_OWN_MIN: Final = 10
_SHARE: Final = 4
"""A rule is dear when so many running values, and one in so many of its kind of subject, are there for it alone."""
_LONGER: Final = 2
"""And when it needs legs or days for so many times as long as any other rule."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one rule asks of every subject of its kind; lengths of time are in milliseconds."""

    rule: Rule
    own: int
    """Running values that no other rule reads; each leg of the right kind changes them."""
    shared: int
    """Running values that other rules read too: they cost nothing more."""
    looks: int
    """Values looked for among the newest legs when the cheaper conditions are so."""
    legs_ms: int
    """How long legs are kept for it: its longest window and the time over which its hits are one alert."""
    known_ms: int
    """How long counterparties, or the last leg before a pause, are known beyond that."""
    past_ms: int
    """How far back the days of the past go."""


def costs(ruleset: Ruleset) -> list[Cost]:
    """Give the cost of all rules that are not ``off``, the dearest first: legs kept, then values of its own."""
    lists = {name: each.kind for name, each in ruleset.lists.items()}
    rules = [rule for rule in ruleset.rules if rule.state != "off"]
    found: list[Cost] = []
    for kind in sorted({rule.per for rule in rules}):
        planned = [
            _planned(rule, number, lists) for number, rule in enumerate(each for each in rules if each.per is kind)
        ]
        used = Counter(value for _, values in planned for value in values)
        found += [_cost(plan, sum(used[each] == 1 for each in values), len(values)) for plan, values in planned]
    return sorted(found, key=lambda each: (-each.legs_ms, -each.own, each.rule.id))


def _planned(rule: Rule, number: int, lists: Mapping[str, Type]) -> tuple[Plan, set[Hashable]]:
    """Plan a rule as the compiler does, by itself; running values are equal when the compiler keeps them once."""
    shared = Shared(lists)
    plan = plan_rule(rule, number, shared)
    return plan, {slot for _, slot in shared.slots.numbered()}


def _cost(plan: Plan, own: int, running: int) -> Cost:
    rule = plan.rule
    looks = sum(each.how in NOT_RUNNING or each.past is not None for each in rule.aggregates())
    legs_ms = max(rule.wait_ms, rule.cool_down_ms + plan.reach_ms)
    return Cost(rule, own, running - own, looks, legs_ms, plan.memory_ms, plan.history_ms)


def dear(found: list[Cost], findings: Findings) -> None:
    """Add hints: rules for which alone much is kept that all others do without."""
    for told, advice, lengths in (
        ("legs are kept for {} for this rule alone, all others need {}", "a shorter window or cool-down",
         [(each.legs_ms, each.rule) for each in found]),
        ("the past is kept for {} for this rule alone, all others need {}", "fewer days",
         [(each.past_ms, each.rule) for each in found]),
    ):  # fmt: skip
        longest = sorted(lengths, key=lambda each: each[0], reverse=True)[:2]
        if len(longest) > 1 and longest[0][0] >= _LONGER * longest[1][0] > 0:
            (most, rule), (next_most, _) = longest
            message = told.format(span_text(most), span_text(next_most))
            findings.hint(rule.spot, message, f"{advice} would cost every {SUBJECT_WORDS[rule.per]} less")
    of_kind = Counter(each.rule.per for each in found)
    kept = Counter[SubjectKind]()
    for each in found:
        kept[each.rule.per] += each.own
    for each in found:
        per = each.rule.per
        if of_kind[per] > 1 and each.own >= _OWN_MIN and _SHARE * each.own > kept[per]:
            told = f"{each.own} running values are kept for this rule alone, of {kept[per]} that are of one rule only"
            findings.hint(each.rule.spot, told, "windows that other rules have too cost nothing more")
