"""Coverage of conditions: which comparison of a rule its own tests have never shown true, or never false."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.rules import app
from streams.detection.check import check_files
from streams.detection.comparisons import Seen
from streams.detection.folder import load_folder
from streams.replay.coverage import coverage
from streams.replay.ruletests import run_tests
from tests.rig.samples import RULE_HEAD

SHIPPED = Path(__file__).parents[3] / "rules"
HEAD = (
    RULE_HEAD
    + """\
let:
  large: >-
    amount >= 10
    * floor
  status: reference status
when: >-
  (large or
    amount   >= floor)
  and not purpose in lawful and currency = CNY
params:
  floor: {CNY: 100, USD: 20}
  lawful: [SALA]
say: "paid out {floor}"
tests:
"""
)
FIRES = '  - {name: fires, events: ["09:00 a pays b 101 CNY"], expect: alert}\n'
LARGE = '  - {name: fires on a large one, events: ["09:00 a pays b 1000 CNY"], expect: alert}\n'
SMALL = '  - {name: silent, events: ["09:00 a pays b 9 CNY"], expect: none}\n'
SALARY = '  - {name: silent on "salary" & <wages>, events: ["09:00 a pays b 101 CNY purpose=SALA"], expect: none}\n'
RENT = '  - {name: fires on rent, events: ["09:00 a pays b 101 CNY purpose=RENT"], expect: alert}\n'
DOLLARS = '  - {name: silent on dollars, events: ["09:00 a pays b 101 USD"], expect: none}\n'
ALL = FIRES + LARGE + SMALL + SALARY + RENT + DOLLARS


def unseen(*tests: str) -> list[str]:
    """The places of what the tests do not show."""
    ruleset, findings = check_files({"big.yaml": HEAD + "".join(tests)})
    assert ruleset is not None, findings
    seen = Seen()
    assert [one.fault for one in run_tests(ruleset, seen) if one.fault] == []
    (rule,) = coverage(ruleset, seen).rules
    assert rule.comparisons == 4
    return [f"{each.spot.line}:{each.spot.column} {each.text}: never {truth}" for each, truth in rule.unseen]


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "big.yaml").write_text(HEAD + FIRES + SALARY)
    return tmp_path


def test_tests_that_show_every_outcome_leave_nothing() -> None:
    assert unseen(ALL) == []


@pytest.mark.parametrize(
    ("left_out", "told"),
    [
        (LARGE, ["11:5 amount >= 10 * floor: never True"]),
        (SMALL, ["16:5 amount >= floor: never False"]),
        (SALARY, ["17:11 purpose in lawful: never True"]),
        (RENT, ["17:11 purpose in lawful: never False"]),
        (DOLLARS, ["17:33 currency = CNY: never False"]),
    ],
)
def test_each_test_left_out_is_missed_at_the_place_of_its_comparison_over_folded_lines(
    left_out: str, told: list[str]
) -> None:
    assert unseen(ALL.replace(left_out, "")) == told


def test_a_purpose_that_is_missing_shows_neither() -> None:
    """`not purpose in lawful` holds for a payment without a purpose, and says nothing of other purposes."""
    assert "17:11 purpose in lawful: never False" in unseen(FIRES, SALARY)


def test_an_age_that_is_not_known_shows_neither() -> None:
    """An account of which no reference record says when it was opened leaves the rule undecided: nothing is shown."""
    aged = HEAD.replace("status: reference status", "age: time since opened").replace(
        "  and not purpose", "  and age >= 30d and not purpose"
    )
    known = '  - {name: n, events: ["00:00 reference a opened=2020-01-01", "09:00 a pays b 101 CNY"], expect: alert}\n'
    for test, never in ((SMALL, {True, False}), (FIRES.replace("alert", "none"), {True, False}), (known, {False})):
        ruleset, findings = check_files({"big.yaml": aged + test})
        assert ruleset is not None, findings
        seen = Seen()
        assert [one.fault for one in run_tests(ruleset, seen) if one.fault] == []
        (rule,) = coverage(ruleset, seen).rules
        assert {truth for each, truth in rule.unseen if each.text == "age >= 30d"} == never


def test_another_rules_tests_show_nothing_of_this_one() -> None:
    other = (HEAD + ALL).replace("id: big", "id: other")
    ruleset, _ = check_files({"big.yaml": HEAD + FIRES + SMALL, "other.yaml": other})
    assert ruleset is not None
    seen = Seen()
    list(run_tests(ruleset, seen))
    big, same = coverage(ruleset, seen).rules
    assert len(big.unseen) > 0
    assert same.unseen == ()


def test_watching_changes_no_verdict_of_the_shipped_rules() -> None:
    ruleset, _ = check_files(load_folder(SHIPPED))
    assert ruleset is not None
    assert list(run_tests(ruleset, Seen())) == list(run_tests(ruleset))


def test_the_command_says_it_per_rule_and_as_a_whole(folder: Path) -> None:
    code, output = run("test", folder)
    assert code == 0
    assert f"{folder}/big.yaml:16:5: 'amount >= floor' is never false in the rule's own tests" in output
    assert "2 tests, 0 failed; condition coverage 50.0 % (4 of 8 outcomes)" in output


def test_json_and_junit_say_the_same(folder: Path) -> None:
    code, output = run("test", folder, "--json", "--junit", folder / "out.xml")
    shown = json.loads(output)["coverage"]
    assert (code, shown["shown"], shown["outcomes"]) == (0, 4, 8)
    assert shown["rules"][0]["unseen"][-1] == {
        "comparison": "currency = CNY", "never": False, "file": f"{folder}/big.yaml", "line": 17, "column": 33,
    }  # fmt: skip
    suites = ET.fromstring((folder / "out.xml").read_text())  # noqa: S314  our own file
    assert suites.attrib["tests"] == "2"
    assert [case.attrib["name"] for case in suites.iter("testcase")] == ["fires", 'silent on "salary" & <wages>']
    assert {case.attrib["file"] for case in suites.iter("testcase")} == {f"{folder}/big.yaml"}
    told = suites.findtext("testsuite/system-out") or ""
    assert f"\n{folder}/big.yaml:17:33: " in told
    assert told.count("is never") == len(shown["rules"][0]["unseen"])


def test_junit_names_a_test_that_fails(folder: Path) -> None:
    (folder / "big.yaml").write_text(HEAD + SMALL.replace("9 CNY", "900 CNY"))
    code, _ = run("test", folder, "--junit", folder / "out.xml")
    suites = ET.fromstring((folder / "out.xml").read_text())  # noqa: S314  our own file
    failure = suites.find("testsuite/testcase/failure")
    assert (code, suites.attrib["failures"]) == (1, "1")
    assert failure is not None
    assert re.match(re.escape(f"{folder}/big.yaml:") + r"\d+:\d+: expected no alert", failure.attrib["message"])


def test_strict_lets_pass_only_what_is_covered_and_passes(folder: Path) -> None:
    assert run("check", folder)[0] == 0
    code, output = run("check", folder, "--strict")
    assert code == 1
    assert f"{folder}/big.yaml:17:33: warning: 'currency = CNY' is never false in the rule's own tests" in output
    (folder / "big.yaml").write_text(HEAD + ALL)
    assert run("check", folder, "--strict")[0] == 0
    (folder / "big.yaml").write_text(HEAD + ALL.replace("9 CNY", "900 CNY"))
    code, output = run("check", folder, "--strict")
    assert code == 1
    assert "error: the test 'silent' fails (expected no alert, got one on a" in output


def test_every_comparison_of_the_shipped_rules_is_found_where_it_is_said_to_stand() -> None:
    files = load_folder(SHIPPED)
    ruleset, _ = check_files(files)
    assert ruleset is not None
    for rule in ruleset.rules:
        for each in rule.comparisons:
            line = files[each.spot.file].split("\n")[each.spot.line - 1]
            assert line[each.spot.column - 1 :].startswith(each.text.split()[0]), each.text
