"""``payweir score``: what a user's own run found."""

import gzip
import shutil
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from streams.cli.run import app as run_app
from streams.cli.score import app
from streams.errors import PayweirError, UsageError
from streams.replay.generator import GeneratorSettings, generate
from streams.replay.truth import read_truth

SHIPPED = Path(__file__).parents[3] / "rules"
TYPOLOGIES = ("pass_through", "payroll_batch", "group_gift", "psp_pool", "orphan_settlement", "late_payment")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a stream and a store into which it was run under two of the shipped rules."""
    folder = tmp_path_factory.mktemp("ran")
    generate(GeneratorSettings(seed=5, events=10_000, per_typology=2, typologies=TYPOLOGIES), folder / "stream")
    (folder / "rules").mkdir()
    for name in ("mule/pass-through-account.yaml", "settlement/orphan-settlement.yaml"):
        shutil.copy(SHIPPED / name, folder / "rules")
    shutil.copytree(folder / "stream" / "lists", folder / "rules" / "lists")
    done = CliRunner().invoke(
        run_app, ["--input", str(folder / "stream"), "--rules", str(folder / "rules"), "--store", url(folder), "--json"]
    )
    assert done.exit_code == 0, done.output
    return folder


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'run.db'}"


def test_the_score_of_a_run_is_that_of_its_alerts(ran: Path) -> None:
    done = CliRunner().invoke(app, ["--labels", str(ran / "stream" / "labels.csv"), "--store", url(ran), "--json"])
    assert done.exit_code == 0, done.output
    told = msgspec.json.decode(done.output)
    assert {row["typology"]: (row["hit"], row["instances"]) for row in told["typologies"]} == {
        "orphan_settlement": (2, 2), "pass_through": (2, 2), "group_gift": (0, 2), "late_payment": (0, 2),
        "payroll_batch": (0, 2), "psp_pool": (0, 2),
    }  # fmt: skip
    assert (told["recall"], told["found"], told["instances"]) == (1.0, 4, 4)
    assert sum(rule["true_alerts"] for rule in told["rules"]) / told["alerts"] == told["precision"] > 0
    payments = (ran / "stream" / "payments.jsonl").read_bytes().count(b"\n")
    assert told["payments"] == payments
    assert told["alerts_per_10000_payments"] == told["alerts"] * 10_000 / payments
    assert told["delay_ms"] > 0


def test_labels_without_scenarios_are_enough(ran: Path, tmp_path: Path) -> None:
    labels = str(shutil.copy(ran / "stream" / "labels.csv", tmp_path))
    told = msgspec.json.decode(CliRunner().invoke(app, ["--labels", labels, "--store", url(ran), "--json"]).output)
    assert (told["found"], told["instances"]) == (4, 4)


def test_labels_of_a_set_that_calls_its_instances_so_are_enough_and_may_be_packed(ran: Path, tmp_path: Path) -> None:
    rows = [row.split(",") for row in (ran / "stream" / "labels.csv").read_text().splitlines()[1:]]
    labels = tmp_path / "set.labels.csv.gz"
    text = "".join(f"{event},{name},{typology}\n" for event, name, typology, role in rows if role != "NORMAL")
    labels.write_bytes(gzip.compress(f"event_id,instance_id,typology\n{text}".encode()))
    told = msgspec.json.decode(CliRunner().invoke(app, ["--labels", str(labels), "--store", url(ran), "--json"]).output)
    assert (told["found"], told["instances"]) == (4, 4)
    labels.write_bytes(labels.read_bytes()[:40])
    with pytest.raises(UsageError, match="cannot read"):
        read_truth(labels)


def test_alerts_are_written_for_other_scorers_with_what_they_cite(ran: Path, tmp_path: Path) -> None:
    out = tmp_path / "alerts.jsonl"
    labels = str(ran / "stream" / "labels.csv")
    told = CliRunner().invoke(app, ["--labels", labels, "--store", url(ran), "--write", str(out), "--json"]).output
    lines = [msgspec.json.decode(line) for line in out.read_bytes().splitlines()]
    assert len(lines) == msgspec.json.decode(told)["alerts"] > 0
    assert all(line["event_ids"] and line["account"] and line["ts"].startswith("2025-") for line in lines)
    assert {line["rule"] for line in lines} == {"pass-through-account", "orphan-settlement"}


def test_people_read_every_typology_and_the_sum(ran: Path) -> None:
    labels = str(ran / "stream" / "labels.csv")
    shown = CliRunner().invoke(app, ["--labels", labels, "--store", url(ran)], env={"COLUMNS": "160"}).output
    assert [name for name in TYPOLOGIES if name not in shown] == []
    assert "recall 100% (4 of 4 instances of fraud)" in shown
    assert "alerts per 10,000 payments" in shown


def test_a_store_that_is_not_there_is_an_error_not_a_score_of_nothing(ran: Path, tmp_path: Path) -> None:
    labels = str(ran / "stream" / "labels.csv")
    done = CliRunner().invoke(app, ["--labels", labels, "--store", f"sqlite:///{tmp_path / 'no.db'}"])
    assert isinstance(done.exception, PayweirError)
