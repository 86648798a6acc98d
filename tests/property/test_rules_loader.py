"""Hostile rule files: no crash, no hang, bounded memory, and no way out of the language."""

import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.detection.check import check_files
from tests.property import rules_fuzz
from tests.rig.samples import RULE_HEAD

SECONDS_MAX = 2.0
PEAK_MAX = 64 << 20
RULE = (
    RULE_HEAD
    + """\
let:
  sent: {let}
when: {when}
params:
  floor: {{CNY: 100}}
say: "{say}"
"""
)
GOOD = {"let": "sum amount of debits over 24h", "when": "sent >= floor", "say": "paid out {sent}"}


def rule(**parts: str) -> str:
    return RULE.format(**{**GOOD, **parts})


HOSTILE = {
    "a bomb of aliases": rules_fuzz.BOMB,
    "an alias of itself": "a: &a [*a]\n",
    "deep lists": "[" * 50_000,
    "deep maps": "".join(" " * n + "a:\n" for n in range(2_000)),
    "deep flow maps": "{a: " * 20_000,
    "a million keys": "".join(f"k{n}: 1\n" for n in range(30_000)),
    "one key twice": "id: big\nid: big\n",
    "a number of many digits": rule(when=f"amount >= {'9' * 20_000}"),
    "a version of many digits": rule().replace("version: 1", f"version: {'9' * 20_000}"),
    "a power of ten": rule().replace("CNY: 100", "CNY: 1e999999999"),
    "many brackets": rule(when="(" * 20_000 + "amount >= floor" + ")" * 20_000),
    "many nots": rule(when="not " * 20_000 + "amount >= floor"),
    "many ands": rule(when=" and ".join(["amount >= floor"] * 10_000)),
    "many sums": rule(when="amount " + "+ amount " * 20_000 + ">= floor"),
    "a product that explodes": rule(let="9" + " * 9" * 5_000),
    "a code object by tag": rule().replace("id: big", "id: !!python/object/apply:os.system ['true']"),
    "an import in an expression": rule(when="__import__('os').system('true') = 0"),
    "an attribute": rule(when="amount.__class__ = floor"),
    "a format that reaches in": rule(say="{sent.__class__.__init__.__globals__}"),
    "a format with a width": rule(say="{sent:999999999}"),
    "tabs": rule().replace("  floor", "\tfloor"),
    "a zero": rule().replace("big", "b\x00g"),
    "a lone surrogate": rule().replace("A big payment", "\ud800"),
    "right to left": rule().replace("A big payment", "\u202etnemyap"),
    "another script's digits": rule(when="amount >= \u0661\u0660\u0660"),
    "a window without end": rule(let="sum amount of debits over 999999999d"),
    "spaces": " " * 200_000,
    "line ends": "\n" * 200_000,
    "a mark of byte order inside": "id: big\n\ufeffversion: 1\n",
    "many documents": "---\n" * 20_000,
    "a directive": "%YAML 9.9\n---\nid: big\n",
}


HARMLESS = {"right to left", "a format that reaches in", "a format with a width"}
"""Only texts for people: braces that are no name of a value are printed as they are."""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end_soon_in_little_memory_with_a_finding(name: str) -> None:
    tracemalloc.start()
    begun = time.process_time()
    try:
        good = rules_fuzz.take(HOSTILE[name])
        seconds, peak = time.process_time() - begun, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seconds < SECONDS_MAX * 3, "tracing memory costs a factor"
    assert peak < PEAK_MAX
    assert good == (name in HARMLESS)


def test_a_file_that_is_too_large_is_refused_by_name() -> None:
    _, findings = check_files({"big.yaml": rule() + "#" * (1 << 20)})
    assert "KiB" in str(findings.errors[0])


def test_a_hundred_windows_in_one_rule_are_refused_or_cheap() -> None:
    """A rule cannot exhaust a worker by asking for more windows than anybody reads."""
    lets = "\n".join(
        f"  v{n}: count distinct counterparty of credits where amount > {n} over 30d" for n in range(2_000)
    )
    text = rule(let="count of debits over 24h").replace("let:\n", f"let:\n{lets}\n")
    begun = time.process_time()
    ruleset, findings = check_files({"many.yaml": text})
    assert time.process_time() - begun < SECONDS_MAX
    assert ruleset is None
    assert any("values" in str(each) for each in findings.errors)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.text(max_size=400),
    words=st.lists(
        st.sampled_from(
            [
                "amount",
                "floor",
                "sent",
                "and",
                "or",
                "not",
                "in",
                "is",
                "missing",
                "given",
                ">=",
                "<=",
                "=",
                "(",
                ")",
                "90%",
                "of",
                "+",
                "-",
                "*",
                "24h",
                "count",
                "sum",
                "over",
            ]
        ),
        max_size=30,
    ),
    place=st.sampled_from(["let", "when", "say", "file"]),
)
def test_any_text_in_any_place_gives_findings_or_a_rule(text: str, words: list[str], place: str) -> None:
    said = text if len(words) % 2 else " ".join(words)
    rules_fuzz.take(said if place == "file" else RULE.format(**{**GOOD, place: said}))


def test_mutations_of_the_shipped_rules_are_taken_without_a_crash() -> None:
    found = rules_fuzz.fuzz(40)
    assert found.kept > 0
    assert found.lines > 300
    assert found.slowest < SECONDS_MAX * 10, "tracing lines costs a factor"
