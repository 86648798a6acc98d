"""Coverage of conditions: what a rule's own tests have never shown."""

from dataclasses import dataclass

from streams.detection.comparisons import Comparison, Seen
from streams.detection.findings import Finding, Severity
from streams.detection.rule import Rule, Ruleset


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """The comparisons of one rule and those outcomes, true or false, that its tests have not shown."""

    rule_id: str
    comparisons: int
    unseen: tuple[tuple[Comparison, bool], ...]

    @property
    def outcomes(self) -> int:
        """Each comparison has two."""
        return 2 * self.comparisons

    @property
    def shown(self) -> int:
        """Outcomes that the tests have shown."""
        return self.outcomes - len(self.unseen)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the tests of a set have shown."""

    rules: tuple[RuleCoverage, ...]

    @property
    def outcomes(self) -> int:
        """All that could be shown."""
        return sum(rule.outcomes for rule in self.rules)

    @property
    def shown(self) -> int:
        """All that was shown."""
        return sum(rule.shown for rule in self.rules)

    @property
    def percent(self) -> str:
        """Say the share of outcomes shown; never rounded up to all."""
        tenths = 1000 * self.shown // self.outcomes if self.outcomes else 1000
        return f"{tenths // 10}.{tenths % 10} % ({self.shown} of {self.outcomes} outcomes)"

    def findings(self) -> list[Finding]:
        """Give each outcome that was not shown as a warning, at its place in the rule file."""
        return [
            Finding(each.spot, said(each, truth), "add a test in which it is", Severity.WARNING)
            for rule in self.rules
            for each, truth in rule.unseen
        ]


def said(comparison: Comparison, truth: bool) -> str:  # noqa: FBT001  the outcome is what is talked about
    """Say in a sentence what was not seen."""
    return f"'{comparison.text}' is never {'true' if truth else 'false'} in the rule's own tests"


def coverage(ruleset: Ruleset, seen: Seen) -> Coverage:
    """Compare the comparisons of all rules that are not ``off`` with what was seen of them."""
    return Coverage(tuple(_of(rule, seen) for rule in ruleset.rules if rule.state != "off"))


def _of(rule: Rule, seen: Seen) -> RuleCoverage:
    unseen = [(each, truth) for each in rule.comparisons for truth in seen.never(rule.id, each)]
    return RuleCoverage(rule.id, len(rule.comparisons), tuple(unseen))
