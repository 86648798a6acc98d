"""Hostile rule files: no crash, no hang, bounded memory, and no way out of the language."""

import random
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.detection.check import check_files
from streams.detection.folder import load_folder
from streams.detection.rulecheck import LETS_MAX, PARAMS_MAX
from streams.detection.testcheck import EVENTS_MAX, TESTS_MAX
from streams.errors import UsageError
from streams.replay.ruletests import run_tests
from tests.fuzz import inputs, oracle
from tests.rig.samples import RULE_HEAD

SECONDS_MAX = 1.0
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


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)
)
LIST = "id: psps\nkind: account\nowner: fraud-ops\nentries:\n"
ENTRY = "- {key: a%d, reason: licensed, added_by: anna, approved_by: ben, expires: 2027-12-31}\n"
TEST = "- {name: one, expect: none, events: ['09:00 a pays b 5 CNY']}\n"

HOSTILE = {
    "a bomb of aliases": BOMB,
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
    "a number beyond floats": rule(when="amount >= 1e400"),
    "a limit beyond floats": rule().replace("CNY: 100", "CNY: 1e400"),
    "a limit of many digits": rule().replace("CNY: 100", f"CNY: 1{'0' * 5_000}"),
    "a text of 50 MB": rule().replace("A big payment", "x" * 50_000_000),
    "an id with a letter of another script": rule().replace("id: big", "id: b\u0456g"),
    "an id with a space of no width": rule().replace("id: big", "id: b\u200big"),
    "a reason with a space of no width": rule(say="paid\u200b out {sent}"),
    "a reason that turns round, as an escape": rule(say="paid \\u202e out {sent}"),
    "a command to the terminal": rule(say="\\e[2J{sent}"),
    "a line that only YAML sees": rule().replace("on: debit", "on: debit # at each debit\u2028wait: 30d"),
    "five thousand conditions": rule(when=" and ".join(f"amount >= {n}" for n in range(5_000))),
    "five thousand conditions by name": rule().replace(
        "let:\n", "let:\n" + "".join(f"  c{n}: amount >= {n}\n" for n in range(5_000))
    ),
    "two thousand limits": rule().replace(
        "params:\n", "params:\n" + "".join(f"  p{n}: {{CNY: {n}}}\n" for n in range(2_000))
    ),
    "a window of a billion days": rule(let="sum amount of debits over 1000000000d"),
    "a list of a hundred thousand entries": LIST + (ENTRY % 0) * 100_000,
    "an entry whose maker approves with a sign unseen": LIST + ENTRY.replace("ben", '"anna\\u2064"') % 0,
    "an entry whose maker approves with a joiner": LIST + ENTRY.replace("ben", '"anna\u200d"') % 0,
    "a list of another folder": rule() + "unless: [../../etc/passwd]\n",
    "a list of another folder in a condition": rule(when="counterparty in ../../etc/passwd"),
    "one trigger many times": rule().replace("on: debit", f"on: [{', '.join(['debit'] * 5_000)}]"),
    "many keys that are none": rule() + "".join(f"k{n}: 1\n" for n in range(10_000)),
    "many tests": rule() + "tests:\n" + TEST * 1_000,
    "a test on a list that is not there": rule() + "tests:\n" + TEST.replace("]}", "], on_list: {psps: [a]}}"),
    "one name for a value and a limit": rule().replace("params:\n", "params:\n  sent: 5\n"),
}


HARMLESS = {
    "what looks like a pattern": rule(say="(a+)+$ {sent}"),
    "as many values, limits and tests as may be": rule()
    .replace("let:\n", "let:\n" + "".join(f"  v{n}: count of debits over {n + 1}h\n" for n in range(LETS_MAX - 1)))
    .replace("params:\n", "params:\n" + "".join(f"  p{n}: {{CNY: {n}}}\n" for n in range(PARAMS_MAX - 1)))
    + "tests:\n"
    + TEST * TESTS_MAX,
}
"""Texts for people say braces as they are; and what is just allowed costs little."""


def taken(text: str) -> bool:
    """Take a text within the bounds of time and memory."""
    begun = time.process_time()
    check_files({"rule.yaml": text})
    assert time.process_time() - begun < SECONDS_MAX
    tracemalloc.start()
    try:
        good = oracle.take({"rule.yaml": text})
        assert tracemalloc.get_traced_memory()[1] < PEAK_MAX
    finally:
        tracemalloc.stop()
    return good


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end_soon_in_little_memory_with_a_finding(name: str) -> None:
    assert not taken(HOSTILE[name])


@pytest.mark.parametrize("name", HARMLESS)
def test_odd_texts_that_are_harmless_are_taken_at_little_cost(name: str) -> None:
    assert taken(HARMLESS[name])


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        (rule(say="a\u202eb"), "rule.yaml:14:8", "U+202E, right-to-left override"),
        (rule().replace("on: debit", "on: debit #\u2028"), "rule.yaml:8:12", "U+2028, line separator"),
        (rule().replace("big", "b\x00g"), "rule.yaml:1:6", "U+0000, a control character"),
        (
            rule() + "tests:\n" + TEST.replace("]}", "], on_list: {psps: [a]}}"),
            "rule.yaml:16:73",
            "unknown list 'psps'",
        ),
    ],
)
def test_a_finding_says_where_and_what(text: str, place: str, told: str) -> None:
    _, findings = check_files({"rule.yaml": text})
    assert [str(each.spot) for each in findings.errors] == [place]
    assert told in str(findings.errors[0])


def test_a_list_counts_once_for_a_rule() -> None:
    """Named again and again, its entries would be held again and again: the square of their number, in every worker."""
    lists = LIST + "".join(ENTRY % n for n in range(1_000))
    many = rule() + f"unless: [{', '.join(['psps'] * 5_000)}]\n"
    begun = time.process_time()
    _, findings = check_files({"list.yaml": lists, "rule.yaml": many})
    assert time.process_time() - begun < SECONDS_MAX
    assert [str(each) for each in findings.errors] == [
        "rule.yaml:15:16: error: 'psps' stands twice under 'unless' (keep one of them)"
    ]


def test_letters_that_need_a_joiner_are_letters() -> None:
    assert oracle.take({"rule.yaml": rule(say="\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 {sent}")})


def test_a_test_of_many_events_is_refused_and_not_run() -> None:
    lines = "".join("    - 09:00 a pays b 5 CNY, 999 times every 1s\n" for _ in range(4_000))
    ruleset, _ = check_files({"rule.yaml": rule() + f"tests:\n  - name: many\n    expect: none\n    events:\n{lines}"})
    assert ruleset is not None
    begun = time.process_time()
    (verdict,) = run_tests(ruleset)
    assert time.process_time() - begun < SECONDS_MAX
    assert f"more than {EVENTS_MAX:,} events" in verdict.fault


def test_a_link_out_of_the_folder_is_not_read_and_one_within_is(tmp_path: Path) -> None:
    """A finding quotes what a file says, so a link would tell whoever may write rules what is in other files."""
    (tmp_path / "secret.yaml").write_text("password: 1234\n")
    rules = tmp_path / "rules"
    (rules / "..data").mkdir(parents=True)
    (rules / "..data" / "rule.yaml").write_text(rule())
    (rules / "rule.yaml").symlink_to("..data/rule.yaml")
    assert load_folder(rules) == {"rule.yaml": rule()}
    (rules / "list.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(UsageError, match=r"list\.yaml: a link that leads out"):
        load_folder(rules)


def test_of_a_file_without_end_only_the_beginning_is_read(tmp_path: Path) -> None:
    with (tmp_path / "rule.yaml").open("wb") as file:
        file.truncate(1 << 40)
    tracemalloc.start()
    try:
        with pytest.raises(UsageError, match="larger than any rule"):
            load_folder(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < PEAK_MAX
    finally:
        tracemalloc.stop()


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
    oracle.take({"rule.yaml": said if place == "file" else RULE.format(**{**GOOD, place: said})})


def test_shipped_rules_with_changes_are_taken_without_a_crash() -> None:
    """What `make fuzz` does, without its guidance, for a moment."""
    chance = random.Random(5)
    good = [oracle.take(inputs.split(inputs.mutated(text, inputs.seeds(), chance))) for text in inputs.seeds()]
    assert any(good)
    assert not all(good)
