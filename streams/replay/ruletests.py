"""Running the tests inside rules on the production pipeline."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from streams.alerts.model import Alert, AlertState, Outcome
from streams.detection.comparisons import Seen
from streams.detection.program import Programs, compile_ruleset
from streams.detection.rule import ListEntry, ReferenceList, Rule, Ruleset, RuleTest
from streams.detection.testcheck import EVENTS_MAX
from streams.events.codec import encode_event
from streams.events.model import Event
from streams.pipeline import RawRecord, SourceState
from streams.replay.embedded import Embedded
from streams.replay.notation import START_MS, NotationError, read_events

_FAR = 1 << 50
_FOR_THE_EYE: Final = re.compile(r"[\s,]")
_ZEROS: Final = re.compile(r"(?:\.|(\.\d*[1-9]))0+(?!\d)")


class Verdict(NamedTuple):
    """What came of one test; ``fault`` is empty when it passed."""

    rule_id: str
    test: RuleTest
    fault: str
    alerts: tuple[Alert, ...]

    @property
    def detail(self) -> str:
        """The fault without its place."""
        return self.fault.removeprefix(f"{self.test.spot}: ")


def run_tests(ruleset: Ruleset, seen: Seen | None = None) -> Iterator[Verdict]:
    """Run every test of every rule over the whole set; a test's ``on_list`` entries stand for that test only.

    ``seen`` gets how the comparisons of each rule came out in its own tests.
    """
    plain = compile_ruleset(ruleset, seen)
    for rule in ruleset.rules:
        if rule.state != "off":
            if seen is not None:
                seen.rule_id = rule.id
            aloud = _aloud(ruleset, rule)
            programs = plain if aloud is ruleset else compile_ruleset(aloud, seen)
            for test in rule.tests:
                yield _run(compile_ruleset(_with_lists(aloud, test), seen) if test.on_list else programs, rule, test)


def _aloud(ruleset: Ruleset, rule: Rule) -> Ruleset:
    """A signal never alerts, so for its own tests it is a rule that does."""
    if rule.state != "signal":
        return ruleset
    rules = tuple(replace(each, state="active") if each is rule else each for each in ruleset.rules)
    return replace(ruleset, rules=rules)


def _run(programs: Programs, rule: Rule, test: RuleTest) -> Verdict:
    events: list[Event] = []
    try:
        for number, text in enumerate(test.events, 1):
            events += read_events(text, number)
            if len(events) > EVENTS_MAX:
                return Verdict(rule.id, test, f"{test.spot}: more than {EVENTS_MAX:,} events; show it with fewer", ())
    except NotationError as error:
        return Verdict(rule.id, test, f"{test.spot}: {error}", ())
    final: dict[str, Alert] = {}

    def sink(outcomes: list[Outcome]) -> None:
        final.update({each.alert_id: each for each in outcomes if isinstance(each, Alert)})

    embedded = Embedded(programs, ("test/0",), sink)
    source = SourceState("test", 0)
    refused = embedded.feed(source, [RawRecord(i, _FAR, line) for i, line in enumerate(map(encode_event, events))])
    embedded.end()
    if refused:
        return Verdict(
            rule.id, test, f"{test.spot}: an event is refused: {refused[0].refusal}: {refused[0].detail}", ()
        )
    return _judge(rule, test, list(final.values()))


def _judge(rule: Rule, test: RuleTest, alerts: list[Alert]) -> Verdict:
    mine = tuple(alert for alert in alerts if alert.rule_id == rule.id and alert.state is AlertState.STANDING)
    fault = ""
    if test.expect == "none" and mine:
        fault = f"expected no alert, got one on {mine[0].subject}: {mine[0].reason}"
    elif test.expect == "alert" and not mine:
        fault = "expected an alert, got none"
    elif test.expect == "alert" and test.subject and test.subject not in {alert.subject for alert in mine}:
        fault = f"expected an alert on {test.subject}, got one on {mine[0].subject}"
    elif test.values:
        fault = _other_values(test, [alert for alert in mine if test.subject in {"", alert.subject}])
    return Verdict(rule.id, test, f"{test.spot}: {fault}" if fault else "", mine)


def _other_values(test: RuleTest, alerts: list[Alert]) -> str:
    """Say by what the alert that comes closest differs from the values of a test; nothing when one has them all."""
    closest: list[str] = min((_differences(test, alert) for alert in alerts), key=len)
    return "; ".join(closest)


def _differences(test: RuleTest, alert: Alert) -> list[str]:
    measured = {each.name: each.text for each in alert.values}
    return [
        f"expected {name} to be {text.value}, measured {measured.get(name, 'nothing')}"
        for name, text in test.values.items()
        if _bare(text.value) != _bare(measured.get(name, ""))
    ]


def _bare(text: str) -> str:
    """Give a value without what only helps the eye: ``1,990.00 CNY`` and ``1990 CNY`` are one value."""
    return _FOR_THE_EYE.sub("", _ZEROS.sub(r"\1", text))


def _with_lists(ruleset: Ruleset, test: RuleTest) -> Ruleset:
    lists: dict[str, ReferenceList] = dict(ruleset.lists)
    for name, keys in test.on_list.items():
        entries: dict[str, tuple[ListEntry, ...]] = {}
        for key in keys:
            entries[key] = (ListEntry(key, "test", "maker", "checker", 0, START_MS * 2),)
        lists[name] = replace(lists[name], entries=entries)
    return replace(ruleset, lists=lists)
