"""What a person can do wrong at the command line ends in one clear line and the right exit code, never in a stack trace.

0 fine, 1 findings, 2 usage, 3 a service cannot be reached.
"""

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from streams.settings.model import describe
from tests.rig.old_store import migrate
from tests.rig.process import free_ports
from tests.rig.samples import BIG_RULE, PAYMENT, changed
from tests.rig.terminal import Said, payweir

pytestmark = pytest.mark.integration

RULE = (
    BIG_RULE
    + """\
params:
  floor: {CNY: 100}
say: "paid out more than {floor}"
tests:
  - name: fires
    events: ["09:00 a pays b 100 CNY"]
    expect: alert
  - name: silent
    events: ["09:00 a pays b 99 CNY"]
    expect: none
"""
)
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
BAD_RULES = {
    "an unknown key": ({"big.yaml": RULE + "colour: red\n"}, "big.yaml:20:1: error: unknown key 'colour'"),
    "an unknown list": (
        {"big.yaml": RULE + "unless: [friends]\n"},
        "big.yaml:20:10: error: unknown list 'friends' (add the list's file to the folder)",
    ),
    "an alias bomb": ({"big.yaml": RULE, "bomb.yaml": BOMB}, "bomb.yaml:2:8: error: aliases (*name) are not allowed"),
    "broken YAML": ({"big.yaml": RULE.replace("title: ", "title: [")}, "big.yaml:4"),
    "two rules with one id": (
        {"big.yaml": RULE, "other.yaml": RULE},
        "two rules have the id 'big'",
    ),
    "no rules at all": ({"README.md": "nothing"}, "no rule files found"),
    "a file that is not UTF-8": ({"big.yaml": RULE + "# caf\udce9\n"}, "not UTF-8"),
}


@pytest.fixture
def event(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(changed(PAYMENT, amount_minor=10_000) + b"\n")
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "big.yaml").write_text(RULE)
    return folder


def assert_one_clear_error(said: Said, code: int, *parts: str) -> None:
    assert said.code == code, said
    assert "Traceback" not in said.err + said.out
    for part in parts:
        assert part in said.err + said.out


def test_a_good_set_on_a_good_event_is_fine(rules: Path, event: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'alerts.db'}"
    assert payweir("rules", "check", rules).code == 0
    said = payweir("run", "--input", event, "--rules", rules, "--store", store)
    assert said.code == 0, said
    assert "big" in payweir("alerts", "list", "--store", store).out


@pytest.mark.parametrize("name", BAD_RULES)
def test_a_bad_rule_set_is_refused_with_its_place_by_check_and_by_run(name: str, event: Path, tmp_path: Path) -> None:
    files, message = BAD_RULES[name]
    folder = tmp_path / "bad"
    folder.mkdir()
    for file, content in files.items():
        (folder / file).write_bytes(content.encode("utf-8", "surrogateescape"))
    code = 2 if "UTF-8" in message else 1
    assert_one_clear_error(payweir("rules", "check", folder), code, message)
    store = tmp_path / "alerts.db"
    said = payweir("run", "--input", event, "--rules", folder, "--store", f"sqlite:///{store}")
    assert_one_clear_error(said, code, message)
    assert not store.exists()


def test_a_broker_that_does_not_answer_is_code_3(rules: Path, event: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.agents.clients.ANSWER_SECONDS_MAX", 1.0)
    [port] = free_ports(1)
    nobody = {"PAYWEIR_BOOTSTRAP": f"127.0.0.1:{port}"}
    for words in (("topics", "check"), ("rules", "publish", rules, "--emergency", "a test"), ("produce", event)):
        said = payweir(*words, environment=nobody)
        assert_one_clear_error(
            said, 3, f"127.0.0.1:{port}: no Kafka broker answers", "check the address and the broker"
        )


def test_a_store_that_does_not_answer_is_code_3(rules: Path, event: Path) -> None:
    [port] = free_ports(1)
    store = f"postgresql://payweir:hunter2@127.0.0.1:{port}/payweir"
    for words in (
        ("store", "check"),
        ("store", "upgrade"),
        ("alerts", "list"),
        ("run", "--input", event, "--rules", rules),
    ):
        said = payweir(*words, "--store", store)
        assert_one_clear_error(said, 3, f"127.0.0.1:{port}")
        assert "hunter2" not in said.err + said.out


def test_a_store_of_the_schema_before_is_code_3_and_says_what_to_run(
    database_url: str, rules: Path, event: Path
) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        migrate(connection, "0001")
    engine.dispose()
    for words in (("alerts", "list"), ("run", "--input", event, "--rules", rules)):
        assert_one_clear_error(payweir(*words, "--store", database_url), 3, "0001", "payweir store upgrade")
    assert_one_clear_error(payweir("store", "check", "--store", database_url), 1, "0001", "payweir store upgrade")
    assert payweir("store", "upgrade", "--store", database_url).code == 0
    assert payweir("alerts", "list", "--store", database_url).code == 0


@pytest.mark.parametrize("variable", [one.variable for one in describe()])
def test_a_setting_out_of_range_stops_the_start_with_its_name(variable: str) -> None:
    said = payweir("worker", "--role", "intake", environment={variable: "\x01"})
    assert_one_clear_error(said, 2, f"error: {variable}: ")


def test_a_setting_nobody_knows_stops_the_start_and_the_nearest_is_named() -> None:
    said = payweir("worker", environment={"PAYWEIR_PARTITION": "4"})
    assert_one_clear_error(said, 2, "PAYWEIR_PARTITION: there is no such setting; did you mean PAYWEIR_PARTITIONS?")


def test_an_unknown_role_is_a_fault_of_usage() -> None:
    assert_one_clear_error(payweir("worker", "--role", "guess"), 2, "write one of intake, detect, record, all")
