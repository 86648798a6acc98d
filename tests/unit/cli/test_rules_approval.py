"""``payweir rules propose`` and ``approve``: two people, one digest, one report of tests."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from streams.cli.rules import app
from streams.detection.check import check_files
from streams.detection.folder import load_folder
from streams.errors import RuleError, StoreUnreachable, UsageError
from streams.replay.approval import Approval, approved, read, report_of, write
from streams.store import open_store
from streams.store.audit import verify
from streams.store.schema import audit_log
from tests.rig.samples import BIG_RULE

RULE = (
    BIG_RULE
    + """\
params:
  floor: {CNY: 100}
unless: [known]
say: "paid out more than {floor}"
tests:
  - name: fires
    events: ["09:00 a pays b 101 CNY"]
    expect: alert
  - name: silent
    events: ["09:00 a pays b 99 CNY"]
    expect: none
"""
)
LIST = """\
id: known
kind: account
owner: compliance
entries:
  - {key: k, reason: a shop, added_by: anna, approved_by: ben, expires: 2030-01-01}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "big.yaml").write_text(RULE)
    (rules / "known.yaml").write_text(LIST)
    return rules


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    if done.exception is not None:
        raise done.exception
    return done.output


def stands(folder: Path) -> Approval:
    """The approval that publishing would ask for."""
    ruleset, _ = check_files(load_folder(folder))
    assert ruleset is not None
    return approved(folder, ruleset, report_of(ruleset)[0])


def sign(folder: Path) -> None:
    run("propose", folder, "--by", "anna", "--note", "first")
    run("approve", folder, "--by", "ben")


def test_a_set_is_approved_by_somebody_else_than_its_author(folder: Path) -> None:
    sign(folder)
    found = stands(folder)
    assert (found.proposed_by, found.approved_by, found.note, found.tests.passed) == ("anna", "ben", "first", 2)
    assert found.tests.coverage.startswith("100.0 %")


@pytest.mark.parametrize("name", ["anna", "Anna", "  ANNA ", "\uff41nna"])
def test_the_author_cannot_approve_however_the_name_is_written(folder: Path, name: str) -> None:
    run("propose", folder, "--by", "anna")
    with pytest.raises(RuleError, match=r"anna proposed the set .* somebody else approves it"):
        run("approve", folder, "--by", name)
    with pytest.raises(RuleError, match="was proposed by anna and is not approved"):
        stands(folder)


def test_nobody_approves_what_nobody_proposed(folder: Path) -> None:
    with pytest.raises(RuleError, match="nobody proposed the set"):
        run("approve", folder, "--by", "ben")
    with pytest.raises(RuleError, match="is not approved; run: payweir rules propose"):
        stands(folder)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("big.yaml", lambda text: text.replace("CNY: 100", "CNY: 101").replace("101 CNY", "102 CNY")),
        ("big.yaml", lambda text: text + "# a word\n"),
        ("known.yaml", lambda text: text.replace("a shop", "another shop")),
        ("known.yaml", lambda text: text.replace("2030", "2031")),
        ("more.yaml", lambda _: RULE.replace("id: big", "id: more")),
    ],
)
def test_any_change_of_a_rule_or_a_list_makes_the_approval_void(
    folder: Path, file: str, change: Callable[[str], str]
) -> None:
    sign(folder)
    place = folder / file
    place.write_text(change(place.read_text() if place.exists() else ""))
    with pytest.raises(RuleError, match="is not approved; other sets are: it was changed since"):
        stands(folder)


def test_an_approval_holds_again_when_the_change_is_taken_back(folder: Path) -> None:
    sign(folder)
    (folder / "big.yaml").write_text(RULE + "\n")
    (folder / "big.yaml").write_text(RULE)
    assert stands(folder).approved_by == "ben"


def test_an_approval_of_another_report_of_tests_does_not_hold(folder: Path) -> None:
    sign(folder)
    found = stands(folder)
    other = msgspec.structs.replace(found, tests=msgspec.structs.replace(found.tests, report="0" * 64))
    write(folder, other)
    with pytest.raises(RuleError, match="say something else than when it was proposed"):
        stands(folder)


def test_an_approval_by_the_author_written_by_hand_does_not_hold(folder: Path) -> None:
    sign(folder)
    write(folder, msgspec.structs.replace(stands(folder), approved_by="Anna"))
    with pytest.raises(RuleError, match="was approved by Anna, who proposed it"):
        stands(folder)


@pytest.mark.parametrize("text", ["", "{}", "[]", "\xff", '{"digest": 1}', "{" * 10_000])
def test_a_damaged_approval_is_said_in_one_line(folder: Path, text: str) -> None:
    sign(folder)
    [file] = (folder / "approvals").glob("*.json")
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(RuleError, match="is no approval as payweir writes it"):
        read(folder, file.stem)


def test_a_set_with_a_failing_test_is_not_proposed(folder: Path) -> None:
    (folder / "big.yaml").write_text(RULE.replace("99 CNY", "199 CNY"))
    with pytest.raises(RuleError, match="1 tests of the set fail"):
        run("propose", folder, "--by", "anna")
    assert not (folder / "approvals").exists()


def test_a_backtest_of_this_set_belongs_to_the_approval_and_one_of_another_set_does_not(
    folder: Path, tmp_path: Path
) -> None:
    ruleset, _ = check_files(load_folder(folder))
    assert ruleset is not None
    report = tmp_path / "report.json"
    data = {
        "digest": ruleset.digest,
        "payments": 10,
        "days": 2,
        "alerts": 3,
        "score": {"recall": 0.5, "precision": 1.0},
    }
    report.write_text(json.dumps(data))
    run("propose", folder, "--by", "anna", "--backtest", report)
    run("approve", folder, "--by", "ben")
    found = stands(folder).backtest
    assert found is not None
    assert (found.payments, found.alerts, found.recall) == (10, 3, 0.5)
    report.write_text(json.dumps(data | {"digest": "0" * 64}))
    with pytest.raises(RuleError, match="is the backtest of the set 000000000000"):
        run("propose", folder, "--by", "anna", "--backtest", report)
    report.write_text("[]")
    with pytest.raises(UsageError, match="is no report of payweir rules backtest --json"):
        run("propose", folder, "--by", "anna", "--backtest", report)


@pytest.mark.parametrize("name", ["anna", "Anna", "\uff21nna"])
def test_an_entry_of_a_list_that_its_maker_approved_is_an_error_of_the_set(folder: Path, name: str) -> None:
    (folder / "known.yaml").write_text(LIST.replace("approved_by: ben", f"approved_by: {name}"), encoding="utf-8")
    with pytest.raises(RuleError, match="errors in the rule files"):
        run("propose", folder, "--by", "carl")
    _, findings = check_files(load_folder(folder))
    assert any("added and approved by the same person" in str(each) for each in findings.errors)


def test_who_proposed_and_approved_is_in_the_audit_log(folder: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'audit.db'}"
    open_store(store).close()
    run("propose", folder, "--by", "anna", "--store", store)
    run("approve", folder, "--by", "ben", "--store", store)
    with open_store(store) as opened:
        assert verify(opened).faults == ()
        with opened.engine.connect() as connection:
            entries = connection.execute(select(audit_log).order_by(audit_log.c.number)).all()
    digest = stands(folder).digest
    assert [(entry.actor, entry.action, entry.about) for entry in entries] == [
        ("anna", "ruleset proposed", digest),
        ("ben", "ruleset approved", digest),
    ]


@pytest.mark.parametrize("name", ["", " ", "a\nb\x00", "x" * 201])
def test_a_name_that_is_none_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match="say who you are"):
        run("propose", folder, "--by", name)


NOWHERE = "postgresql://127.0.0.1:1/x"


def test_nothing_is_signed_that_the_audit_log_was_not_told_of(folder: Path) -> None:
    with pytest.raises(StoreUnreachable):
        run("propose", folder, "--by", "anna", "--store", NOWHERE)
    assert not (folder / "approvals").exists()
    run("propose", folder, "--by", "anna")
    with pytest.raises(StoreUnreachable):
        run("approve", folder, "--by", "ben", "--store", NOWHERE)
    with pytest.raises(RuleError, match="is not approved"):
        stands(folder)


def test_a_file_that_cannot_be_written_is_in_the_audit_log(folder: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'audit.db'}"
    open_store(store).close()
    (folder / "approvals").symlink_to("/proc/nowhere")
    with pytest.raises(UsageError, match="cannot be written"):
        run("propose", folder, "--by", "anna", "--store", store)
    with open_store(store) as opened, opened.engine.connect() as connection:
        actions = [entry.action for entry in connection.execute(select(audit_log))]
    assert actions == ["ruleset proposed", "ruleset proposed: failed"]


def test_a_set_without_tests_is_not_proposed(folder: Path) -> None:
    (folder / "big.yaml").write_text(RULE.split("tests:")[0] + "tests: []\n")
    with pytest.raises(RuleError, match="the set has 0 tests"):
        run("propose", folder, "--by", "anna")
    (folder / "big.yaml").write_text(
        RULE.split("tests:")[0].replace("severity", "state: off\nseverity") + "tests: []\n"
    )
    assert "0 tests: nothing shows what it does" in run("propose", folder, "--by", "anna")


def test_both_who_sign_see_the_warnings_of_the_strict_check(folder: Path) -> None:
    (folder / "big.yaml").write_text(RULE.split("  - name: silent")[0])
    for words in (("propose", folder, "--by", "anna"), ("approve", folder, "--by", "ben")):
        said = run(*words)
        assert f"{folder}/big.yaml:9:7: warning: 'amount >= floor' is never false" in said
        assert "warnings of payweir rules check --strict: 1\n" in said


def test_an_approval_is_not_overwritten_unasked(folder: Path) -> None:
    sign(folder)
    for words in (("approve", folder, "--by", "carl"), ("propose", folder, "--by", "carl")):
        with pytest.raises(RuleError, match=r"ben approved the set|approved by ben"):
            run(*words)
        assert stands(folder).approved_by == "ben"
    assert "In place of proposed by anna, approved by ben." in run("propose", folder, "--by", "carl", "--again")
    with pytest.raises(RuleError, match="was proposed by carl and is not approved"):
        stands(folder)
