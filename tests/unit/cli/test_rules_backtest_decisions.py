"""Backtest against what people decided: how right the rules would be, and what is lost."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from streams.alerts.model import AlertState
from streams.cli.rules import app
from streams.cli.run import app as run_app
from streams.errors import PayweirError, UsageError
from streams.replay.generator import GeneratorSettings, generate
from streams.store import open_store
from streams.store.casework import Change, Status, set_alert
from streams.store.reader import AlertFilter, AlertLine, list_alerts

SHIPPED = Path(__file__).parents[3] / "rules"
PASS, ORPHAN = "mule/pass-through-account.yaml", "settlement/orphan-settlement.yaml"


def run(*words: object) -> str:
    done = CliRunner().invoke(app, ["backtest", *map(str, words)], env={"COLUMNS": "250"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0
    return done.stdout


def rows(*words: object) -> dict[str, Any]:
    return {row["rule"]: row for row in msgspec.json.decode(run(*words, "--json"))["rules"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    settings = GeneratorSettings(
        seed=5, events=20_000, per_typology=4, typologies=("pass_through", "orphan_settlement"), disorder=0
    )
    generate(settings, folder / "stream")
    (folder / "rules").mkdir()
    for name in (PASS, ORPHAN):
        shutil.copy(SHIPPED / name, folder / "rules")
    shutil.copytree(folder / "stream" / "lists", folder / "rules" / "lists")
    words = ["--input", str(folder / "stream"), "--rules", str(folder / "rules"), "--store", url(folder)]
    assert CliRunner().invoke(run_app, words).exit_code == 0
    decide(folder, "pass-through-account", (Status.CONFIRMED, Status.CONFIRMED, Status.DISMISSED, Status.INCONCLUSIVE))
    decide(folder, "orphan-settlement", (Status.CONFIRMED, Status.WORKING))
    return folder


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'run.db'}"


def alerts(folder: Path, rule: str) -> list[AlertLine]:
    with open_store(url(folder)) as store:
        found = list_alerts(store, AlertFilter(rule=rule, states=(AlertState.STANDING,)))
    return sorted(found, key=lambda alert: alert.first_hit)


def decide(folder: Path, rule: str, said: tuple[Status, ...]) -> None:
    with open_store(url(folder)) as store:
        for alert, status in zip(alerts(folder, rule), said, strict=False):
            set_alert(store, alert.alert_id, Change("anna", status))


def test_what_people_confirmed_of_all_they_decided_is_the_precision(world: Path) -> None:
    found = rows("--input", world / "stream", "--rules", world / "rules", "--decisions", url(world))
    names = ("confirmed", "dismissed", "lost", "precision", "recall")
    assert [found["pass-through-account"][name] for name in names] == [2, 1, 0, 2 / 3, 1]
    assert [found["orphan-settlement"][name] for name in names] == [1, 0, 0, 1, 1]


def test_a_rule_of_another_version_is_judged_by_the_same_decisions_and_what_it_loses_is_counted(
    world: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "rules"
    shutil.copytree(world / "rules", changed)
    rule = changed / Path(PASS).name
    text = rule.read_text()
    rule.write_text(text.replace("\nversion: 1\n", "\nversion: 9\n").replace("CNY: 20000", "CNY: 900000000"))
    assert rule.read_text() != text
    (changed / Path(ORPHAN).name).unlink()
    words = ("--input", world / "stream", "--rules", changed, "--decisions", url(world))
    found = rows(*words)
    names = ("confirmed", "dismissed", "lost", "precision", "recall")
    assert [found["pass-through-account"][name] for name in names] == [0, 0, 2, None, 0]
    assert [found["orphan-settlement"][name] for name in names] == [0, 0, 1, None, 0]
    told = run(*words)
    assert "orphan-settlement (not in force)" in told
    assert (
        "people confirmed 0 and dismissed 0, the others are not decided; 3 alerts they confirmed are not given again"
        in told
    )


def test_decisions_about_days_that_were_not_read_do_not_count(world: Path) -> None:
    period = "2020-01-01..2020-02-01"
    words = ("--input", world / "stream", "--rules", world / "rules", "--decisions", url(world), "--period", period)
    assert {row["lost"] for row in rows(*words).values()} == {0}


def test_a_store_that_is_not_there_and_labels_beside_decisions_are_refused(world: Path, tmp_path: Path) -> None:
    words = ("--input", world / "stream", "--rules", world / "rules", "--decisions")
    with pytest.raises(PayweirError, match="there is no file"):
        run(*words, f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(UsageError, match="by decisions or by labels"):
        run(*words, url(world), "--labels", world / "stream" / "labels.csv")
