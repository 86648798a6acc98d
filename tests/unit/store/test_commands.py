"""``payweir alerts`` and ``payweir store`` on a SQLite file."""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text
from typer import Typer
from typer.testing import CliRunner, Result

from streams.alerts.model import AlertState
from streams.cli import alerts, audit, deadletters, store
from streams.errors import StoreUnreachable, UsageError, WorkConflict
from streams.store import open_store
from tests.unit.store.samples import ALERT_ID, MULE, dead_letter, ingest_count, mule_alert, token, withdrawn


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Give a store with a standing, a provisional and a withdrawn alert."""
    url = f"sqlite:///{tmp_path / 'payweir.db'}"
    with open_store(url) as opened:
        opened.write(
            [
                mule_alert(),
                mule_alert("aaaa-provisional", state=AlertState.PROVISIONAL, rule_id="other-rule"),
                mule_alert("bbbb-withdrawn"),
                withdrawn("bbbb-withdrawn"),
            ]
        )
    return url


def run(app: Typer, *arguments: str) -> Result:
    """Run a command as a user does, on a wide terminal."""
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [*arguments])


def listed(url: str, *arguments: str) -> list[str]:
    """Give the ids that a list shows."""
    result = run(alerts.app, "list", "--json", "--store", url, *arguments)
    assert result.exit_code == 0, result.output
    return [line["alert_id"] for line in msgspec.json.decode(result.output)]


@pytest.mark.parametrize(
    ("app", "words"),
    [
        (alerts.app, ("list",)), (alerts.app, ("show", ALERT_ID)), (store.app, ("check",)), (store.app, ("upgrade",)),
        (deadletters.app, ("list",)), (audit.app, ("verify",)),
    ],
)  # fmt: skip
def test_every_command_takes_the_store_that_workers_take(
    url: str, app: Typer, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = run(app, *words, "--store", url).output
    monkeypatch.chdir(tmp_path)
    (tmp_path / "payweir.db").rename(tmp_path / "elsewhere.db")
    monkeypatch.setenv("PAYWEIR_STORE_URL", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    assert run(app, *words).output == told.replace("payweir.db", "elsewhere.db")
    assert not (tmp_path / "payweir.db").exists()


def test_a_list_shows_what_is_in_force(url: str) -> None:
    assert listed(url) == [ALERT_ID, "aaaa-provisional"]
    output = run(alerts.app, "list", "--store", url).output
    assert "20,000.00 CNY" in output
    assert "provisional" in output
    assert MULE not in output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--rule", "other-rule"], ["aaaa-provisional"]),
        (["--state", "withdrawn"], ["bbbb-withdrawn"]),
        (["--state", "standing", "--state", "provisional"], [ALERT_ID, "aaaa-provisional"]),
        (["--severity", "low"], []),
        (["--subject", MULE, "--limit", "1"], [ALERT_ID]),
        (["--since", "2026-03-01T08:31Z"], [ALERT_ID, "aaaa-provisional"]),
        (["--since", "2026-03-02"], []),
        (["--shadow"], []),
    ],
)
def test_a_list_is_narrowed(url: str, arguments: list[str], expected: list[str]) -> None:
    assert listed(url, *arguments) == expected


def test_a_list_says_which_alerts_a_storm_folds_and_how_to_see_them(url: str) -> None:
    with open_store(url) as opened:
        opened.write([mule_alert(f"s-{n:03}", rule_id="storming", subject=token(f"s {n}")) for n in range(103)])
    words = ("list", "--rule", "storming", "--limit", "200", "--store", url)
    output = run(alerts.app, *words).output
    assert "s-099" in output
    assert "s-100" not in output
    assert "Alerts that storms fold: 3. With --all each is listed." in output
    assert "high, storming, hour from 2026-03-01 08:00: 3, subjects 3" in output
    for everything in (("--all",), ("--json",)):
        assert "s-102" in run(alerts.app, *words, *everything).output
    assert "s-102" in run(alerts.app, "list", "--subject", token("s 102"), "--store", url).output


def test_a_time_that_is_none_is_a_fault_of_usage(url: str) -> None:
    assert isinstance(run(alerts.app, "list", "--store", url, "--since", "yesterday").exception, UsageError)


def test_one_alert_is_found_by_the_beginning_of_its_id_and_shown_whole(url: str) -> None:
    output = run(alerts.app, "show", ALERT_ID[:5], "--store", url).output
    for part in ("19,000.00 CNY", ">= 90% of received", "10,000.00 CNY", "event-3", "2026-03-01 08:30:00.124", MULE):
        assert part in output


def test_a_withdrawn_alert_tells_why_and_keeps_its_history(url: str) -> None:
    output = run(alerts.app, "show", "bbbb", "--store", url).output
    assert "a late payment changed it" in output
    assert "standing" in output


def test_json_of_one_alert_carries_times_as_text_and_amounts_in_minor_units(url: str) -> None:
    shown = msgspec.json.decode(run(alerts.app, "show", ALERT_ID, "--json", "--store", url).output)
    assert shown["alert"]["last_hit"] == "2026-03-01T08:31:00.123Z"
    assert shown["evidence"][0]["amount_minor"] == 1_000_000
    assert shown["history"][0]["evidence_ids"] == ["event-1", "event-2", "event-3"]


def test_text_from_outside_cannot_command_the_terminal(url: str) -> None:
    with open_store(url) as opened:
        opened.write([mule_alert("evil", reason="\x1b[2J[bold]gone[/bold]")])
    output = run(alerts.app, "show", "evil", "--store", url).output
    assert "\x1b[2J" not in output
    assert "?[2J[bold]gone[/bold]" in output


def test_an_unknown_or_unclear_id_is_a_fault_of_usage(url: str) -> None:
    with open_store(url) as opened:
        opened.write([mule_alert("aaaa-second")])
    assert isinstance(run(alerts.app, "show", "zzzz", "--store", url).exception, UsageError)
    assert isinstance(run(alerts.app, "show", "aaaa", "--store", url).exception, UsageError)


def test_looking_does_not_make_a_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'none.db'}"
    for app, command in ((alerts.app, "list"), (store.app, "check")):
        assert isinstance(run(app, command, "--store", url).exception, StoreUnreachable)
    assert not list(tmp_path.iterdir())


def test_a_sound_store_has_no_findings(url: str) -> None:
    result = run(store.app, "check", "--store", url)
    assert (result.exit_code, "is in order" in result.output) == (0, True)


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        ("DROP VIEW v_rules", "views"),
        ("UPDATE alembic_version SET version_num = '0000'", "schema"),
        ("DELETE FROM alert_evidence WHERE ordinal = 1", "alert-without-evidence"),
        ("DELETE FROM alerts WHERE engine_state = 'standing'", "evidence-without-alert"),
        ("DELETE FROM alert_amendments", "alert-without-history"),
        ("UPDATE ingest_counters SET late = 1000", "counts-do-not-add-up"),
        ("DELETE FROM dead_letters", "dead-letters-incomplete"),
        ("INSERT INTO store_errors VALUES ('alert', 'k', 'e', '2026-03-01T08:30:00.000Z')", "rows-refused"),
    ],
)
def test_each_damage_is_found_and_named(url: str, damage: str, kind: str) -> None:
    with open_store(url) as opened:
        opened.write([ingest_count(), dead_letter()])
        with opened.engine.connect() as connection:
            connection.execute(text(damage))
            connection.commit()
    result = run(store.app, "check", "--json", "--store", url)
    assert result.exit_code == 1
    assert kind in [finding["kind"] for finding in msgspec.json.decode(result.output)]


def test_an_upgrade_of_a_new_file_makes_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert run(store.app, "upgrade", "--store", url).exit_code == 0
    assert run(store.app, "check", "--store", url).exit_code == 0


@pytest.mark.parametrize(
    ("app", "command"),
    [
        *((alerts.app, name) for name in ("list", "show", "set", "hold", "release")),
        *((store.app, name) for name in ("upgrade", "check", "retain")),
        (audit.app, "verify"),
    ],
)
def test_each_command_has_help_with_an_example(app: Typer, command: str) -> None:
    assert "Example: payweir" in run(app, command, "--help").output


def test_what_is_set_is_shown_with_its_history(url: str) -> None:
    said = run(alerts.app, "set", ALERT_ID, "--status", "working", "--assign", "lin", "--by", "lin", "--store", url)
    assert "working, assigned to lin (work revision 1)" in said.output
    said = run(alerts.app, "set", ALERT_ID, "--note", "victim called", "--by", "bo", "--json", "--store", url)
    assert msgspec.json.decode(said.output)["work_revision"] == 2
    shown = run(alerts.app, "show", ALERT_ID, "--store", url).output
    for part in ("working, by lin (work revision 2)", "What people said", "victim called"):
        assert part in shown
    work = msgspec.json.decode(run(alerts.app, "show", ALERT_ID, "--json", "--store", url).output)["work"]
    assert [(change["changed_by"], change["status"], change["note"]) for change in work] == [
        ("lin", "working", ""),
        ("bo", "working", "victim called"),
    ]
    assert "The chain of 2 entries is whole" in run(audit.app, "verify", "--store", url).output


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--status", "confirmed", "--by", "bo"], WorkConflict),
        (["--unassign", "--by", "bo"], WorkConflict),
        (["--status", "confirmed", "--by", "lin", "--expect", "0"], WorkConflict),
        (["--by", "lin"], UsageError),
        (["--assign", "x", "--unassign", "--by", "lin"], UsageError),
        (["--note", "x", "--by", " "], UsageError),
        (["--note", "a\0b", "--by", "lin"], UsageError),
        (["--note", "n" * 10_001, "--by", "lin"], UsageError),
        (["--assign", "\x1b[2J", "--by", "lin"], UsageError),
    ],
)
def test_a_setting_that_cannot_be_is_refused_and_changes_nothing(
    url: str, arguments: list[str], error: type[Exception]
) -> None:
    run(alerts.app, "set", ALERT_ID, "--status", "working", "--assign", "lin", "--by", "lin", "--store", url)
    assert isinstance(run(alerts.app, "set", ALERT_ID, *arguments, "--store", url).exception, error)
    shown = msgspec.json.decode(run(alerts.app, "show", ALERT_ID, "--json", "--store", url).output)
    assert (shown["alert"]["work_revision"], len(shown["work"])) == (1, 1)


def test_retention_keeps_alerts_for_a_month_at_least_and_wants_to_be_told_what_to_delete(url: str) -> None:
    for arguments in (["--alerts", "30d"], ["--alerts", "soon"], []):
        assert isinstance(run(store.app, "retain", *arguments, "--store", url).exception, UsageError)
    output = run(store.app, "retain", "--alerts", "31d", "--dry-run", "--json", "--store", url).output
    assert msgspec.json.decode(output) == {"alerts": 0, "kept on legal hold": 0, "kept in work": 0}
