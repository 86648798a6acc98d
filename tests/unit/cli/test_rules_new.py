"""``payweir rules new``: whatever is answered, the file passes check --strict, or nothing is written."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from streams.cli.rules import app
from streams.detection.check import check_files
from streams.detection.templates import TEMPLATES, Answers, rule_text
from streams.errors import PayweirError, UsageError
from streams.money import EXPONENTS
from streams.replay.approval import report_of

COMMON = (
    "--id",
    "mine",
    "--title",
    "Mine",
    "--typology",
    "mule",
    "--severity",
    "low",
    "--owner",
    "ops",
    "--currency",
    "CNY",
)


def new(folder: Path, *words: str, answers: str = "") -> str:
    done = CliRunner().invoke(app, ["new", str(folder), *words], input=answers)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_template_gives_a_rule_that_passes_the_strict_check(tmp_path: Path, kind: str) -> None:
    new(tmp_path, "--kind", kind, *COMMON, "--limit", "500", "--count", "5", "--window", "12h")
    checked = CliRunner().invoke(app, ["check", "--strict", str(tmp_path)])
    assert checked.exit_code == 0, checked.output
    text = (tmp_path / "mine.yaml").read_text()
    assert (text.count("expect: alert"), text.count("expect: none")) == (2, 2)


def test_what_is_not_given_is_asked_and_asked_again_when_it_does_not_fit(tmp_path: Path) -> None:
    said = new(tmp_path, answers="payers\nmine\nMany payers\n\nhuge\nhigh\n\n\n1\n4\n\n")
    assert "write one of low, medium, high, critical" in said
    assert "write a whole number from 2" in said
    text = (tmp_path / "mine.yaml").read_text()
    assert "severity: high" in text
    assert "payers_min: 4" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--kind", "huge"), "write one of large, sum"),
        (("--kind", "large", *COMMON, "--limit", "0"), "write a whole number above 1"),
        (("--kind", "sum", *COMMON, "--limit", "9", "--window", "long"), "write 24h or 7d"),
        (("--kind", "sum", *COMMON, "--limit", "9", "--window", "400d"), "at most 30d"),
        (
            ("--kind", "payers", *COMMON, "--count", "999", "--window", "1m"),
            "at least 999s: the tests of the rule show 999",
        ),
        (
            ("--kind", "large", "--id", "No Id", *COMMON[2:], "--limit", "9"),
            "'No Id' does not fit; write 2 to 63 lower",
        ),
        (
            ("--kind", "large", "--id", "xx", "--title", "a [b]"),
            re.escape("without any of \" ' : # { } [ ] & * ! | > % @ ` ,"),
        ),
        (("--kind", "large", *COMMON[:3], "- x", *COMMON[4:], "--limit", "9"), "nothing was written"),
    ],
)
def test_answers_that_make_no_rule_write_nothing(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(PayweirError, match=message):
        new(tmp_path, *words)
    assert list(tmp_path.iterdir()) == []


def test_each_answer_is_judged_right_after_its_question(tmp_path: Path) -> None:
    said = new(tmp_path, answers="sum\nNo Id\nmine\nMine\nA Typology\nmule\n\n\n\n\n400d\n2d\n")
    assert said.index("lower case letters, digits and dashes, a letter first") < said.index("Title of its alerts")
    assert said.count("a letter first") == 2
    assert said.count("at most 30d") == 1
    assert "over 2d" in (tmp_path / "mine.yaml").read_text()


def test_the_kinds_of_rule_are_listed_where_they_are_asked_for(tmp_path: Path) -> None:
    said = new(tmp_path, *COMMON, "--limit", "9", "--window", "1h", answers="sum\n")
    for name, each in TEMPLATES.items():
        assert f"{name}: {each.meaning}\n" in said
    assert "Kind of rule (large, sum, payers, payees) [sum]:" in said


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "sumr.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"sumr\.yaml: is a file; give the folder"):
        new(tmp_path / "sumr.yaml")
    with pytest.raises(UsageError, match="/proc/x: cannot be made"):
        new(Path("/proc/x"), "--kind", "large", *COMMON, "--limit", "9")


def test_the_place_of_a_fault_is_the_file_once(tmp_path: Path) -> None:
    words = ["new", str(tmp_path), "--kind", "large", *COMMON[:3], "- x", *COMMON[4:], "--limit", "9"]
    assert f"{tmp_path}/mine.yaml:3:" in CliRunner().invoke(app, words).stderr


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("mine")
    with pytest.raises(PayweirError, match="there is such a file already"):
        new(tmp_path, "--kind", "large", *COMMON, "--limit", "9")
    assert (tmp_path / "mine.yaml").read_text() == "mine"


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(TEMPLATES)),
    limit=st.integers(2, 10**9),
    count=st.integers(2, 60),
    hours=st.integers(1, 720),
    currency=st.sampled_from(sorted(EXPONENTS)),
)
def test_any_numbers_give_tests_that_pass(kind: str, limit: int, count: int, hours: int, currency: str) -> None:
    text = rule_text(kind, Answers("mine", "Mine", "mule", "low", "ops", currency, limit, count, f"{hours}h"))
    ruleset, findings = check_files({"mine.yaml": text})
    assert ruleset is not None, (text, findings)
    tests, results, shown = report_of(ruleset)
    assert tests.failed == 0, (text, [one.fault for one in results])
    assert shown.outcomes == shown.shown
