"""``payweir rules backtest --sweep``: each value says what a backtest of a set with that value says."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.rules import app
from streams.detection.check import check_files
from streams.detection.folder import load_folder
from streams.detection.rule import MoneyParam
from streams.errors import UsageError
from streams.replay.generator import GeneratorSettings, generate
from streams.replay.sweep import Sweep, with_value
from tests.rig.samples import RULE_HEAD

RULES = Path(__file__).parents[3] / "rules"
RULE = (
    RULE_HEAD.replace("id: big", "id: pass-through-account")
    + """\
let:
  sent: sum amount of debits over 24h
  many: count of debits over 24h
when: amount >= floor and many >= often and sent >= amount
params:
  floor: {{CNY: {floor}, USD: 100}}
  often: 1
  codes: [SALA]
cool_down: none
say: "{{sent}}"
tests: []
"""
)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stream")
    generate(GeneratorSettings(seed=5, events=1_500), folder)
    return folder


def rules(folder: Path, floor: int) -> Path:
    path = folder / str(floor)
    path.mkdir()
    (path / "big.yaml").write_text(RULE.format(floor=floor))
    return path


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_each_point_is_the_backtest_of_a_set_with_that_value(stream: Path, tmp_path: Path) -> None:
    page = tmp_path / "curve.html"
    swept = run(
        "backtest", "--input", stream, "--rules", rules(tmp_path, 77), "--sweep", "floor.CNY=100..2100", "--steps", 3,
        "--labels", stream / "labels.csv", "--html", page, "--json",
    )  # fmt: skip
    points = json.loads(swept)["points"]
    assert [each["value"] for each in points] == ["100.00 CNY", "1,100.00 CNY", "2,100.00 CNY"]
    for each, floor in zip(points, (100, 1100, 2100), strict=True):
        alone = run(
            "backtest",
            "--input",
            stream,
            "--rules",
            rules(tmp_path, floor),
            "--labels",
            stream / "labels.csv",
            "--json",
        )
        [row] = [row for row in json.loads(alone)["rules"] if row["rule"] == "pass-through-account"]
        assert (each["alerts"], each["precision"], each["recall"]) == (row["alerts"], row["precision"], row["recall"])
    assert points[0]["alerts"] > points[1]["alerts"] > points[2]["alerts"] > 0
    drawn = page.read_text()
    assert drawn.count("<polyline") == 3
    assert "2,100.00 CNY" in drawn


def test_a_table_shows_the_points_of_a_plain_number(stream: Path, tmp_path: Path) -> None:
    shown = run(
        "backtest",
        "--input",
        stream,
        "--rules",
        rules(tmp_path, 10),
        "--sweep",
        "pass-through-account.often=1..3",
        "--steps",
        3,
    )
    assert "pass-through-account: often tried" in shown
    assert [line.split("│")[1].strip() for line in shown.splitlines() if line.startswith("│ ")] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("floor", r"write \[RULE\.\]PARAM"),
        ("floor=1..x", r"write \[RULE\.\]PARAM"),
        ("floor=9..3", r"write \[RULE\.\]PARAM"),
        ("floor=1..3", "say which currency of pass-through-account.floor: CNY, USD"),
        ("floor.EUR=1..3", "say which currency of pass-through-account.floor: CNY, USD"),
        ("ceiling=1..3", "no rule has that; there are: pass-through-account.codes, "),
        ("small.floor=1..3", "no rule has that"),
        ("codes=1..3", "is no limit in money and no number"),
        ("often.CNY=1..3", "is no limit in money and no number"),
    ],
)
def test_what_cannot_be_tried_is_said(stream: Path, tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run("backtest", "--input", stream, "--rules", rules(tmp_path, 10), "--sweep", text)


def test_a_name_that_several_rules_have_needs_the_rule(stream: Path) -> None:
    with pytest.raises(UsageError, match="have floor; say which"):
        run("backtest", "--input", stream, "--rules", RULES, "--sweep", "floor.CNY=1..3")


def test_rules_that_the_tried_one_counts_on_come_along() -> None:
    ruleset, _ = check_files(load_folder(RULES))
    assert ruleset is not None
    tried = with_value(ruleset, Sweep("relay", "received_max", "", (5,)), 5).ruleset
    assert {rule.id for rule in tried.rules} == {"relay", "passed-on-thrice", "passed-on-twice", "passed-on"}
    asked = with_value(ruleset, Sweep("many-signs", "score_min", "", (5,)), 5).ruleset
    assert {"many-signs", "pass-through-account", "quick-first-out"} <= {rule.id for rule in asked.rules}


def test_limits_of_kinds_of_account_holder_stay_as_they_are() -> None:
    ruleset, _ = check_files({"big.yaml": RULE.format(floor=7)})
    assert ruleset is not None
    rule = ruleset.rules[0]
    params = rule.params | {"floor": MoneyParam({"CNY": 700}, {"ORG": {"CNY": 900_00}})}
    ruleset = replace(ruleset, rules=(replace(rule, params=params),))
    tried = with_value(ruleset, Sweep(rule.id, "floor", "CNY", (800,)), 800).ruleset
    assert tried.rules[0].params["floor"] == MoneyParam({"CNY": 800}, {"ORG": {"CNY": 900_00}})
