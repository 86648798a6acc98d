"""Reading the tests inside a rule file."""

from collections.abc import Mapping as MappingType
from typing import Final

from streams.detection.document import Item, Mapping, Text
from streams.detection.fields import Fields
from streams.detection.findings import Findings, Spot
from streams.detection.rule import RuleTest
from streams.detection.words import Type

TESTS_MAX: Final = 100
"""Tests of one rule: each is a run of the whole set."""
TEST_KEYS: Final = {"name", "events", "expect", "subject", "on_list"}


def read_tests(fields: Fields, lists: MappingType[str, Type], findings: Findings) -> tuple[RuleTest, ...]:
    """Read what stands under ``tests``; ``lists`` are those of the set."""
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
        tests.append(
            RuleTest(
                test.text("name"), tuple(text.value for text in test.texts("events")), test.word("expect", ("alert", "none")),
                test.text("subject", required=False), item.spot, listed,
            )
        )  # fmt: skip
    return tuple(tests)


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
