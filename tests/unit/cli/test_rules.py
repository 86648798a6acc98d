"""``payweir rules`` without a broker: check, test, explain."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.app import main
from streams.cli.rules import app
from streams.detection.folder import load_folder
from streams.errors import RuleError, UsageError
from tests.rig.samples import RULE_HEAD

SHIPPED = Path(__file__).parents[3] / "rules"
GOOD = (
    RULE_HEAD
    + """\
let:
  sent: sum amount of debits over 24h
when: (amount >= floor or sent > 90% of floor) and not sent = floor
params:
  floor: {CNY: 100.50, JPY: 2000}
say: "paid out {sent}"
tests:
  - name: fires
    events: ["09:00 a pays b 101 CNY"]
    expect: alert
  - name: silent
    events: ["09:00 a pays b 9 CNY"]
    expect: none
"""
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mule").mkdir()
    (tmp_path / "mule" / "big.yaml").write_text(GOOD)
    (tmp_path / ".hidden.yaml").write_text("not a rule")
    (tmp_path / "README.md").write_text("not a rule")
    return tmp_path


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_a_folder_is_read_by_relative_name_without_hidden_files(folder: Path) -> None:
    assert load_folder(folder) == {"mule/big.yaml": GOOD}
    assert load_folder(folder / "mule" / "big.yaml") == {"big.yaml": GOOD}


def test_a_missing_folder_and_a_file_of_another_encoding_are_said(folder: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        load_folder(folder / "nowhere")
    (folder / "latin.yml").write_bytes("title: \xe9".encode("latin-1"))
    with pytest.raises(UsageError, match=r"latin\.yml: byte 7 is not UTF-8"):
        load_folder(folder)


def test_check_accepts_a_good_set(folder: Path) -> None:
    code, output = run("check", folder)
    assert code == 0
    assert output.startswith("1 rules, 0 lists, digest ")


def test_check_names_file_line_column_and_what_to_write(folder: Path) -> None:
    (folder / "mule" / "big.yaml").write_text(GOOD.replace("on: debit", "on: debitt").replace("high", "hi"))
    code, output = run("check", folder)
    assert code == 1
    assert f"{folder}/mule/big.yaml:8:5: error: 'on' cannot be 'debitt' here (write one of: debit, " in output
    assert "2 errors: the set cannot be used" in output
    code, output = run("check", folder, "--json")
    entry = json.loads(output)
    assert (code, entry["ok"], len(entry["findings"])) == (1, False, 2)
    assert (entry["findings"][0]["line"], entry["findings"][0]["severity"]) == (5, "error")


@pytest.mark.parametrize("words", [("check",), ("test",), ("explain",), ("backtest", "--input", "-", "--rules")])
@pytest.mark.parametrize("text", [b"id: [", b"title: \xe9"])
def test_faults_of_a_set_are_json_where_json_was_asked_for(folder: Path, words: tuple[str, ...], text: bytes) -> None:
    (folder / "mule" / "big.yaml").write_bytes(text)
    done = CliRunner().invoke(app, [*words, str(folder), "--json"])
    assert done.exit_code != 0
    shown = json.loads(done.stdout)
    assert shown["ok"] is False
    assert {one["file"] for one in shown["findings"]} == {f"{folder}/mule/big.yaml"}


def test_faults_of_two_sets_say_in_which_folder_they_are(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "r.yaml").write_text(GOOD.replace("on: debit", "on: debitt"))
    for words in ((folder / "mule", other), (other, folder / "mule")):
        with pytest.raises(RuleError, match=re.escape(f"\n{other}/r.yaml:8:5: error: ")):
            run("diff", *words, "--input", folder)


def test_brackets_in_a_name_are_no_markup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("m[b]x", "[/nowhere]", "back\\"):
        monkeypatch.setattr("sys.argv", ["payweir", "rules", "check", str(tmp_path / name)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert f"error: {tmp_path / name}: no such file or folder" in capsys.readouterr().err


def test_reports_that_cannot_be_written_are_said_before_the_work(folder: Path) -> None:
    there, unread = "/nonexistent/report", folder / "no-events"
    for words in (
        ("diff", folder, folder, "--input", unread, "--html", there),
        ("backtest", "--rules", folder, "--input", unread, "--alerts", there),
        ("backtest", "--rules", folder, "--input", unread, "--sweep", "floor.CNY=1..2", "--html", there),
        ("test", unread, "--junit", there),
        ("docs", unread, "--output", f"{there}.md"),
    ):
        with pytest.raises(UsageError, match=r"/nonexistent/report.*: cannot be written"):
            run(*words)
    with pytest.raises(UsageError, match="no-events"):
        run("diff", folder, folder, "--input", unread, "--html", folder / "d.html")
    assert not (folder / "d.html").exists()


@pytest.mark.parametrize(
    "words", [("--html", "x.html"), ("--steps", "7"), ("--sweep", "floor.CNY=1..2", "--alerts", "x")]
)
def test_options_that_would_say_nothing_are_refused(folder: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=words[-2]):
        run("backtest", "--rules", folder, "--input", folder, *words)


def test_a_warning_is_an_error_only_when_strict(folder: Path) -> None:
    (folder / "mule" / "big.yaml").write_text(GOOD.partition("  - name: silent")[0])
    assert run("check", folder)[0] == 0
    assert run("check", folder, "--strict")[0] == 1


def test_test_shows_each_test_and_fails_when_one_does(folder: Path) -> None:
    code, output = run("test", folder)
    assert (code, "2 tests, 0 failed" in output) == (0, True)
    (folder / "mule" / "big.yaml").write_text(GOOD.replace("a pays b 9 CNY", "a pays b 900 CNY"))
    code, output = run("test", folder, "--json")
    entry = json.loads(output)
    assert (code, entry["ok"]) == (1, False)
    assert [(one["test"], one["ok"]) for one in entry["tests"]] == [("fires", True), ("silent", False)]
    assert entry["tests"][1]["fault"].startswith(f"{folder}/mule/big.yaml:")


def test_a_set_with_errors_is_not_tested(folder: Path) -> None:
    (folder / "mule" / "big.yaml").write_text("id: big")
    with pytest.raises(RuleError, match="errors in the rule files"):
        run("test", folder)


def test_explain_says_it_in_sentences(folder: Path) -> None:
    code, output = run("explain", folder, "big")
    assert code == 0
    assert "“sent” is the sum of the amounts of the debits in the 24h up to that moment." in output
    assert (
        "It fires when (“amount” is at least the limit “floor” or “sent” is more than 90 % of the limit “floor”) and "
        in output
    )
    assert "The limit “floor” is 100.50 CNY, 2,000 JPY; in any other currency" in output
    with pytest.raises(UsageError, match="small: no rule has that id; there are: big"):
        run("explain", folder, "small")


def test_every_shipped_rule_can_be_explained() -> None:
    code, output = run("explain", SHIPPED, "--json")
    assert code == 0
    assert all(len(sentences) >= 4 for sentences in json.loads(output).values())


@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_another_set_than_the_approved_one_is_refused_before_any_broker_is_asked(folder: Path, digest: str) -> None:
    with pytest.raises(
        RuleError, match=r"has digest [0-9a-f]{64}, approved is (none|0+); the ruleset in force still runs"
    ):
        run("publish", folder, "--digest", digest, "--bootstrap", "127.0.0.1:1")


def test_a_rule_whose_day_of_review_has_come_is_said_and_fails_the_strict_check(folder: Path) -> None:
    file = folder / "mule" / "big.yaml"
    file.write_text(GOOD.replace("owner: fraud-ops", "owner: fraud-ops\nreview_by: 2025-06-30"))
    code, output = run("check", folder)
    assert code == 0
    assert (
        "warning: big was to be looked at by 2025-06-30 (fraud-ops looks at it and sets the next review_by)" in output
    )
    assert run("check", folder, "--strict")[0] == 1
    file.write_text(GOOD.replace("owner: fraud-ops", "owner: fraud-ops\nreview_by: 2999-06-30"))
    assert "looked at" not in run("check", folder)[1]
    file.write_text(GOOD.replace("owner: fraud-ops", "owner: fraud-ops\nreview_by: soon"))
    assert "'soon' is not a date" in run("check", folder)[1]


def test_a_condition_that_cannot_be_fails_the_strict_check_only(folder: Path) -> None:
    path = folder / "mule" / "big.yaml"
    path.write_text(GOOD.replace("when: ", "when: hour > 23 and "))
    assert run("check", folder)[0] == 0
    code, output = run("check", folder, "--strict")
    assert code == 1
    assert f"{path}:11:7: warning: the rule can never fire: 'hour > 23' is never so (hour is 0 to 23)" in output


def test_a_hint_fails_nothing(folder: Path) -> None:
    head = (
        GOOD.partition("when:")[0]
        + "when: sent >= floor and sent >= 2 * floor\nparams:\n  floor: {CNY: 100}\nsay: said\ntests:\n"
    )
    tests = (
        f'  - {{name: {said} {amount}, events: ["09:00 a pays b {amount} CNY"], expect: {said}}}\n'
        for said, amount in (("alert", 200), ("none", 199), ("none", 99))
    )
    (folder / "mule" / "big.yaml").write_text(head + "".join(tests))
    code, output = run("check", folder, "--strict", "--json")
    assert code == 0, output
    (hint,) = json.loads(output)["findings"]
    assert (hint["severity"], hint["line"], hint["column"]) == ("hint", 11, 7)
    assert hint["message"] == "'sent >= floor' says nothing that the other conditions do not say"


def test_what_rules_cost_is_a_table_or_data(folder: Path) -> None:
    code, output = run("check", folder, "--cost")
    assert code == 0
    assert [cell.strip() for cell in output.split("big")[1].splitlines()[0].split("│")[1:]][:3] == ["account", "1", ""]
    (found,) = json.loads(run("check", folder, "--cost", "--json")[1])["cost"]
    assert (found["rule"], found["values_own"], found["legs_ms"]) == ("big", 1, 2 * 86_400_000)
    assert "cost" not in json.loads(run("check", folder, "--json")[1])
