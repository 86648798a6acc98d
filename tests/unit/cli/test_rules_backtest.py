"""Backtest and diff: the standing alerts of a run, counted per rule, and what a change of rules does to them."""

import re
import shutil
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from streams.alerts.model import Alert, AlertState
from streams.cli.backtests import _run
from streams.cli.rules import app
from streams.cli.run import app as run_app
from streams.cli.run import load_programs
from streams.cli.score import app as score_app
from streams.clock import DAY_MS, from_datetime, to_text
from streams.errors import PayweirError, UsageError
from streams.replay.backtest import Backtest, Period, read_period
from streams.replay.charts import Series, bars, columns
from streams.replay.comparing import compare
from streams.replay.generator import GeneratorSettings, generate
from streams.replay.tally import Tally
from streams.store import open_store
from streams.store.reader import Standing, standing
from tests.unit.cli.test_rules_docs import Page

SHIPPED = Path(__file__).parents[3] / "rules"
TYPOLOGIES = ("pass_through", "quick_first_out", "orphan_settlement", "late_payment")
PASS, ORPHAN, QUICK = "mule/pass-through-account.yaml", "settlement/orphan-settlement.yaml", "mule/quick-first-out.yaml"


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "250"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


def data(*words: object) -> Any:  # noqa: ANN401  whatever the command prints
    code, output = run(*words, "--json")
    assert code == 0
    return msgspec.json.decode(output)


def rules_of(folder: Path, stream: Path, names: tuple[str, ...]) -> Path:
    folder.mkdir()
    for name in names:
        shutil.copy(SHIPPED / name, folder)
    shutil.copytree(stream / "lists", folder / "lists")
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream with late and repeated events, and a set of three rules."""
    folder = tmp_path_factory.mktemp("world")
    settings = GeneratorSettings(
        seed=5, events=10_000, per_typology=2, typologies=TYPOLOGIES, disorder=0.1, duplicates=0.02
    )
    generate(settings, folder / "stream")
    rules_of(folder / "rules", folder / "stream", (PASS, ORPHAN, QUICK))
    return folder


@pytest.fixture(scope="module")
def before(world: Path) -> Backtest:
    [found] = _run([load_programs(world / "rules")], ([str(world / "stream")], "payweir", 1), (None, None), quiet=True)
    return found


def test_a_backtest_gives_the_standing_alerts_of_a_run_exactly_and_its_score(
    world: Path, before: Backtest, tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path / 'run.db'}"
    words = ["--input", str(world / "stream"), "--rules", str(world / "rules"), "--store", store]
    assert CliRunner().invoke(run_app, words).exit_code == 0
    with open_store(store) as opened:
        ran = standing(opened, (AlertState.STANDING,))
    mine = {
        alert.alert_id: Standing._make(
            (*(getattr(alert, {"engine_state": "state"}.get(name, name)) for name in Standing._fields[:-1]),
             tuple(each.event_id for each in alert.evidence))
        )
        for alert in before.alerts
    }  # fmt: skip
    assert len(ran) > 5
    assert mine == ran
    labels = world / "stream" / "labels.csv"
    told = CliRunner().invoke(score_app, ["--labels", str(labels), "--store", store, "--json"])
    score = msgspec.json.decode(told.output)
    shown = data("backtest", "--input", world / "stream", "--rules", world / "rules", "--labels", labels)
    assert (shown["score"]["recall"], shown["score"]["precision"]) == (score["recall"], score["precision"])
    precision = {row["rule_id"]: row["true_alerts"] / sum(row[name] for name in ("true_alerts", "near_miss_alerts", "stray_alerts"))
                 for row in score["rules"]}  # fmt: skip
    assert {row["rule"]: row["precision"] for row in shown["rules"] if row["alerts"]} == precision
    assert {row["rule"]: row["recall"] for row in shown["rules"]}["orphan-settlement"] == 1.0


def told_of(world: Path) -> list[tuple[str, str]]:
    """The payment and the UTC day of each record of a payment."""
    lines = map(msgspec.json.decode, (world / "stream" / "payments.jsonl").read_bytes().splitlines())
    return [
        (each["payment_id"], to_text(from_datetime(datetime.fromisoformat(each["event_time"])))[:10])
        for each in lines
        if each["event_type"] == "payment"
    ]


def test_a_payment_counts_once_however_often_it_is_told_and_read(world: Path) -> None:
    records = told_of(world)
    words = ("--rules", world / "rules", "--input", world / "stream")
    once, twice = data("backtest", *words), data("backtest", *words, "--input", world / "stream")
    assert once["payments"] == len({name for name, _ in records}) < len(records)
    assert once["payments_are"] == "payments"
    assert (twice["payments"], twice["rules"]) == (once["payments"], once["rules"])
    assert data("backtest", *words, "--processes", 3)["payments"] == once["payments"]


def test_many_names_are_counted_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    tally, more = Tally(), Tally()
    for number in range(1_000):
        tally.note(number % 3, "bank", str(number % 400))
        more.note(number % 2, "shop", str(number % 7))
    tally.add(more)
    assert tally.distinct() == 407
    monkeypatch.setattr("streams.replay.tally._AT_ONCE", 100)
    assert tally.distinct() == 407


def test_what_was_refused_and_undecided_is_told_as_by_run(world: Path, tmp_path: Path) -> None:
    stream = tmp_path / "stream"
    shutil.copytree(world / "stream", stream)
    with (stream / "payments.jsonl").open("ab") as file:
        file.write(b"no json\n")
    folder = rules_of(tmp_path / "rules", stream, (PASS,))
    rule = folder / "pass-through-account.yaml"
    rule.write_text(
        rule.read_text()
        .replace("params:\n", "params:\n  lawful: [SALA]\n", 1)
        .replace("  received >= floor and", "  purpose in lawful and received >= floor and", 1)
    )
    words = ["--input", str(stream), "--rules", str(folder), "--store", f"sqlite:///{tmp_path / 'run.db'}"]
    ran = msgspec.json.decode(CliRunner().invoke(run_app, [*words, "--json"]).stdout)
    shown = data("backtest", *words[:4])
    assert (shown["refused"], shown["undecided"]) == (ran["refused"], ran["undecided"])
    assert shown["refused"] == {"not_json": 1}
    [(reason, count)] = shown["undecided"]["pass-through-account"].items()
    line = f"pass-through-account: not decided: {reason} ({count:,})\n"
    assert line in CliRunner().invoke(run_app, words).stdout
    said = run("backtest", *words[:4])[1]
    assert line in said
    assert "1 refused (not_json 1)" in said
    diff = ("diff", world / "rules", folder, "--input", stream)
    shown = data(*diff)
    assert shown["undecided"]["new"] == ran["undecided"]
    assert shown["refused"] == {"not_json": 1}
    said = run(*diff)[1]
    assert f"new: {line}" in said
    assert "1 refused (not_json 1)" in said


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_input_that_is_refused_as_a_whole_is_an_error(world: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1\nPAR1\n")
    sweep = ("backtest", "--rules", world / "rules", "--sweep", "quick-first-out.floor.CNY=1..2", "--steps", "2")
    for command in (sweep[:3], sweep, ("diff", world / "rules", world / "rules")):
        with pytest.raises(PayweirError, match=r"all 2 records were refused, 2 of them as not_json.* --format payweir"):
            run(*command, "--input", tmp_path / "a.parquet", *words)


def test_recall_of_rules_that_no_label_asks_for_is_not_told(world: Path, tmp_path: Path) -> None:
    folder = rules_of(tmp_path / "rules", world / "stream", (PASS,))
    rule = folder / "pass-through-account.yaml"
    rule.write_text(rule.read_text().replace("id: pass-through-account", "id: my-own"))
    words = ("backtest", "--input", world / "stream", "--rules", folder, "--labels", world / "stream" / "labels.csv")
    assert data(*words)["score"]["recall"] is None
    assert "recall not labelled (no instance asks for a rule of this set), precision " in run(*words)[1]
    alone = shutil.copy(world / "stream" / "labels.csv", tmp_path)
    assert data(*words[:-1], alone)["score"]["recall"] is not None


def test_the_numbers_of_a_rule_are_those_of_its_alerts(world: Path, before: Backtest) -> None:
    shown = data("backtest", "--input", world / "stream", "--rules", world / "rules", "--samples", 2)
    count = Counter(alert.rule_id for alert in before.alerts)
    assert {row["rule"]: row["alerts"] for row in shown["rules"] if row["alerts"]} == count
    assert shown["payments"] == len({name for name, _ in told_of(world)})
    assert shown["days"] == len({day for _, day in told_of(world)})
    for row in shown["rules"]:
        mine = [alert for alert in before.alerts if alert.rule_id == row["rule"]]
        cited = {
            each.event_id: each.amount_minor for alert in mine for each in alert.evidence if each.currency == "CNY"
        }
        assert row["covered_minor"].get("CNY", 0) == sum(cited.values())
        assert row["alerts_per_10000_payments"] == len(mine) * 10_000 / shown["payments"]
        assert row["alerts_per_day"] == len(mine) / shown["days"]
        assert [each["alert_id"] for each in row["samples"]] == [alert.alert_id for alert in mine[:2]]
        assert row["overlap"] == shared(mine, [alert for alert in before.alerts if alert.rule_id != row["rule"]])
    assert any(row["overlap"] for row in shown["rules"])


def test_a_period_chooses_by_first_hit_and_still_sees_what_was_before(world: Path, before: Backtest) -> None:
    hits = sorted(alert.first_hit for alert in before.alerts)
    middle = hits[len(hits) // 2] // DAY_MS
    day = to_text(middle * DAY_MS)[:10]
    late = data(
        "backtest", "--input", world / "stream", "--rules", world / "rules", "--period", f"{day}..", "--samples", 1000
    )
    early = data(
        "backtest", "--input", world / "stream", "--rules", world / "rules", "--period", f"..{day}", "--samples", 1000
    )
    ids = [{each["alert_id"] for row in shown["rules"] for each in row["samples"]} for shown in (late, early)]
    assert ids[0] == {alert.alert_id for alert in before.alerts if alert.first_hit >= middle * DAY_MS}
    assert ids[1] == {alert.alert_id for alert in before.alerts if alert.first_hit < middle * DAY_MS}
    assert ids[0]
    assert ids[1]
    for shown, after in ((late, True), (early, False)):
        assert shown["payments"] == len({name for name, at in told_of(world) if (at >= day) is after})


def shared(mine: list[Alert], others: list[Alert]) -> Counter[str]:
    """Alerts of one rule by the other rules that cite one of their events."""
    found: Counter[str] = Counter()
    for alert in mine:
        events = {each.event_id for each in alert.evidence}
        found.update({other.rule_id for other in others if events & {each.event_id for each in other.evidence}})
    return found


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("1970-01-02..1970-01-03", Period(DAY_MS, 2 * DAY_MS)),
        ("..1970-01-02T12:00", Period(None, DAY_MS + DAY_MS // 2)),
        ("1970-01-02T08:00+08:00..", Period(DAY_MS, None)),
    ],
)
def test_a_period_is_read(text: str, period: Period) -> None:
    assert read_period(text) == period
    assert period.holds(DAY_MS + DAY_MS // 4)


@pytest.mark.parametrize("text", ["1970-01-02", "1970-01-03..1970-01-02", "yesterday..today", "1970-01-02..1970-01-02"])
def test_a_period_that_is_none_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="--period"):
        read_period(text)


@pytest.mark.parametrize(("day", "fault"), [("02", "nothing lies in it"), ("01", "it ends before it begins")])
def test_a_period_of_which_the_end_was_meant_to_belong_to_it_is_explained(day: str, fault: str) -> None:
    with pytest.raises(UsageError, match=f"{fault}; its end does not belong to it, so write the day after the last"):
        read_period(f"1970-01-02..1970-01-{day}")


def test_a_set_against_itself_differs_in_nothing(before: Backtest) -> None:
    difference = compare(before, before)
    assert not difference.any
    assert difference.same == len(before.alerts)


def test_what_disappears_one_way_appears_the_other_way(before: Backtest) -> None:
    less = replace(before, alerts=before.alerts[1:])
    assert compare(less, before).appear == before.alerts[:1]
    assert [each.alert for each in compare(before, less).disappear] == list(before.alerts[:1])


def test_a_changed_set_is_told_alert_by_alert_and_as_a_page(world: Path, before: Backtest, tmp_path: Path) -> None:
    """One rule is gone, one has a higher version and other words, one a list entry for an account it used to alert."""
    changed = rules_of(tmp_path / "changed", world / "stream", (PASS, ORPHAN))
    orphan = changed / "orphan-settlement.yaml"
    orphan.write_text(
        orphan.read_text().replace("version: 1", "version: 2").replace('after booking"', 'after <booking>"')
    )
    spared = next(alert for alert in before.alerts if alert.rule_id == "pass-through-account")
    friends = changed / "lists" / "licensed-psp.yaml"
    entry = f"{{key: {spared.subject}, reason: known, added_by: one, approved_by: two, expires: 2099-12-31}}"
    text = friends.read_text() if friends.exists() else "id: licensed-psp\nkind: account\nowner: compliance\nentries:\n"
    friends.write_text(
        text.replace("entries:\n", f"entries:\n  - {entry}\n").replace("entries: []\n", f"entries:\n  - {entry}\n")
    )
    words = ("diff", world / "rules", changed, "--input", world / "stream", "--html", tmp_path / "diff.html")
    code, output = run(*words, "--check", "--json")
    shown = msgspec.json.decode(output)
    assert code == 1
    gone = {each["alert_id"]: each["because"] for each in shown["disappear"]}
    for alert in before.alerts:
        if alert.rule_id == "quick-first-out":
            assert gone.pop(alert.alert_id) == "the rule is not in the new set"
        elif alert.rule_id == "pass-through-account" and alert.subject == spared.subject:
            assert gone.pop(alert.alert_id).startswith("held back by licensed-psp: known")
    assert gone == {}
    orphans = [alert for alert in before.alerts if alert.rule_id == "orphan-settlement"]
    assert [each["fields"] for each in shown["change"]] == [["reason"]] * len(orphans)
    assert shown["appear"] == []
    assert shown["same"] == len(before.alerts) - len(shown["change"]) - len(shown["disappear"])
    page = Page()
    page.feed((tmp_path / "diff.html").read_text())
    assert {"svg", "rect"} <= page.tags
    assert not page.tags & {"script", "img", "link", "iframe", "booking"}
    assert not page.attributes & {"src", "xlink:href", "onload"}
    assert any("after <booking>" in text for text in page.texts)


def test_standard_input_cannot_be_compared(world: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read twice"):
        run("diff", world / "rules", world / "rules", "--input", "-")


def test_a_bar_is_as_long_as_its_number_and_no_name_becomes_markup() -> None:
    drawn = bars("By <rule>", ["<a>", "b"], [Series("old", [1, 4]), Series("new", [0, 2])])
    widths = [part.split('"')[0] for part in drawn.split('width="')[2:]]
    assert widths[2:] == ["140.0", "0.0", "560.0", "280.0"]
    assert "&lt;a&gt;" in drawn
    assert "<a>" not in drawn
    assert columns("By day", [], [Series("old", [])]).count("<rect") == 1


def test_a_page_draws_the_rules_that_differ_and_counts_the_others(world: Path, tmp_path: Path) -> None:
    changed = rules_of(tmp_path / "changed", world / "stream", (PASS, ORPHAN, QUICK))
    rule = changed / Path(PASS).name
    rule.write_text(rule.read_text().replace("CNY: 20000", "CNY: 90000000"))
    run("diff", world / "rules", changed, "--input", world / "stream", "--html", tmp_path / "diff.html")
    text = (tmp_path / "diff.html").read_text()
    drawn = text[text.index("<svg") : text.index("</svg>")]
    assert "pass-through-account" in drawn
    assert "orphan-settlement" not in drawn
    assert re.search(r"The alerts of 2 rules are the same: orphan-settlement \d+, quick-first-out \d+\.", text)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("backtest",), "give --input, or --topics or --activity"),
        (("backtest", "--input", "x", "--topics"), "one of them"),
        (("backtest", "--topics", "--activity"), "one of them"),
        (("backtest", "--input", "x", "--appended", "2026-03-01.."), "--appended belongs to --topics"),
        (("backtest", "--topics", "--format", "mojaloop"), "what is in the topics is Payweir's own"),
        (("backtest", "--topics", "--appended", "March"), r"--appended March: 'March' is no date"),
        (("diff", "old", "new"), "give --input, or --topics"),
    ],
)
def test_what_is_read_is_said_once(world: Path, words: tuple[str, ...], message: str) -> None:
    known = {"old": world / "rules", "new": world / "rules", "x": world / "stream"}
    with pytest.raises(UsageError, match=message):
        run(*(known.get(word, word) for word in words))
