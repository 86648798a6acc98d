"""Reading the tests inside a rule file."""

from collections.abc import Callable, Sized
from collections.abc import Mapping as MappingType
from typing import Final

from streams.detection.document import Item, Mapping, Text
from streams.detection.fields import Fields
from streams.detection.findings import Findings, Spot
from streams.detection.rule import RuleTest
from streams.detection.words import Type

TESTS_MAX: Final = 100
"""Tests of one rule: each is a run of the whole set."""
TEST_KEYS: Final = {"name", "events", "expect", "subject", "on_list", "values"}


EVENTS_MAX: Final = 5_000
"""Events of one test."""
EventReader = Callable[[str, int], Sized]
"""Reads the short form of a test's events, of a number within the test; raises ValueError for what is none."""


def read_tests(
    fields: Fields, lists: MappingType[str, Type], findings: Findings, read_events: EventReader | None
) -> tuple[RuleTest, ...]:
    """Read what stands under ``tests``; ``lists`` are those of the set. Events are looked at when there is a reader."""
    items = fields.maps("tests")
    if len(items) > TESTS_MAX:
        findings.error(
            items[TESTS_MAX].spot, f"a rule has at most {TESTS_MAX} tests", "keep those that show its limits"
        )
        return ()
    tests = []
    for item in items:
        test = Fields(item, findings)
        test.unknown(TEST_KEYS)
        listed = {
            name: _keys(value, spot, findings)
            for name, (spot, value) in test.mapping("on_list").items()
            if known_list(name, spot, lists, findings)
        }
        events = test.texts("events")
        if read_events is not None:
            _look_at(events, read_events, findings)
        expect, subject = test.word("expect", ("alert", "none")), test.text("subject", required=False)
        texts = tuple(text.value for text in events)
        tests.append(
            RuleTest(test.text("name"), texts, expect, subject, item.spot, listed, _values(test, expect, findings))
        )
    return tuple(tests)


def _values(test: Fields, expect: str, findings: Findings) -> dict[str, Text]:
    values: dict[str, Text] = {}
    if expect == "none" and test.document.get("values") is not None:
        findings.error(test.spot("values"), "a test that expects no alert has no values", "take 'values' out")
        return values
    for name, (spot, value) in test.mapping("values").items():
        if isinstance(value, Text) and value.value.strip():
            values[name] = value
        else:
            findings.error(
                spot, f"no value is expected of {name!r}", f"write it as the alert shows it: '{name}: 2,000 CNY'"
            )
    return values


def _look_at(events: list[Text], read_events: EventReader, findings: Findings) -> None:
    count = 0
    for number, text in enumerate(events, 1):
        try:
            count += len(read_events(text.value, number))
        except ValueError as error:
            findings.error(text.spot, str(error))
        if count > EVENTS_MAX:
            findings.error(text.spot, f"more than {EVENTS_MAX:,} events up to here", "show it with fewer")
            return


def known_list(name: str, spot: Spot, lists: MappingType[str, Type], findings: Findings) -> bool:
    """Tell whether the set has a list of that id; add a finding if not."""
    if name not in lists:
        advice = "known lists: " + ", ".join(sorted(lists)) if lists else "add the list's file to the folder"
        findings.error(spot, f"unknown list {name!r}", advice)
    return name in lists


def _keys(item: Item, spot: Spot, findings: Findings) -> tuple[str, ...]:
    if isinstance(item, Text):
        return (item.value,)
    if isinstance(item, Mapping):
        findings.error(spot, "the entries of a test's list are keys", "write [A, B]")
        return ()
    return tuple(each.value for each in item if isinstance(each, Text))
