"""The reference of the rule language names every word there is; the manual explains those that do not explain themselves."""

import re
from pathlib import Path

import pytest

from streams.detection.reference import COMMAND, reference
from streams.detection.words import DISTINCT, FIELDS, LEGS, LIST_KINDS, MOMENTS, REFERENCES, TRIGGERS

PAGE = set(re.findall(r"[a-z_]+", (Path(__file__).parents[3] / "rules" / "README.md").read_text(encoding="utf-8")))
GROUPS: dict[str, set[str]] = {
    "legs": {word for words in LEGS.values() for word in words},
    "triggers": {word for words in TRIGGERS.values() for word in words},
    "fields": set(FIELDS),
    "distinct": set(DISTINCT),
    "references": {word for words in REFERENCES.values() for word in words},
    "moments": {word for words in MOMENTS.values() for word in words},
    "lists": set(LIST_KINDS),
}


def test_the_reference_is_what_the_program_knows() -> None:
    kept = (Path(__file__).parents[3] / "rules" / "REFERENCE.md").read_text(encoding="utf-8")
    assert kept == reference(), f"rules/REFERENCE.md is stale; run: {COMMAND}"


@pytest.mark.parametrize("group", GROUPS)
def test_every_word_of_the_language_stands_in_the_reference(group: str) -> None:
    assert sorted(GROUPS[group] - set(re.findall(r"[a-z_]+", reference()))) == []


@pytest.mark.parametrize("group", ["fields", "references", "moments", "lists"])
def test_the_manual_explains_what_a_rule_may_ask(group: str) -> None:
    assert GROUPS[group]
    assert sorted(GROUPS[group] - PAGE) == []
