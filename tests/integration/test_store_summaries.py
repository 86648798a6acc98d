"""What triggers keep on PostgreSQL equals what SQLite counts when it is asked, whoever writes and in whatever order."""

import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from sqlalchemy import text

from streams.alerts.model import Alert, AlertState, Evidence, Position
from streams.clock import DAY_MS
from streams.store import Store, open_store, upgrade
from streams.store.check import FindingKind, check_store
from streams.store.retention import Retention, retain
from streams.store.schema import ONLY_POSTGRESQL
from tests.integration.store_questions import ask, tell
from tests.unit.store.samples import MARCH, mule_alert, token, watermark

pytestmark = pytest.mark.integration

SEEDS: Final = range(4)
RULES: Final = ("one", "two", "three")
OUTSIDE: Final = ("CASH", "EXTERNAL", "")
QUESTIONS: Final = (
    "SELECT rule_id, standing, provisional, withdrawn, held, shadow FROM v_rules ORDER BY 1",
    "SELECT subject_kind, subject_masked, alerts, rules, severity, open_alerts, alert_id FROM v_recurring_subjects ORDER BY 2",
    "SELECT counterparty_masked, alerts, subjects, rules, alert_id FROM v_recurring_counterparties ORDER BY 1",
)
COUNTS: Final = """SELECT rule_id, engine_state, shadow, sum(alerts) FROM alert_counts
    GROUP BY 1, 2, 3 HAVING sum(alerts) <> 0 ORDER BY 1, 2, 3"""


@pytest.fixture
def kept(database_url: str) -> Iterator[Store]:
    """Give a PostgreSQL."""
    upgrade(database_url)
    with open_store(database_url) as store:
        yield store


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Store]:
    """Give a SQLite."""
    with open_store(f"sqlite:///{tmp_path / 'asked.db'}") as store:
        yield store


def revisions(dice: Random) -> list[Alert]:
    """Draw alerts of few subjects and counterparties over four months, some of them amended, moved, taken back, held, on trial."""
    drawn = []
    for number in range(200):
        subject, rule = f"subject {dice.randrange(25)}", dice.choice(RULES)
        for offset in range(dice.choice((1, 1, 2, 4))):
            at = MARCH - dice.randrange(dice.choice((40, 120))) * DAY_MS
            parties = [
                dice.choice((*OUTSIDE, *(token(f"party {dice.randrange(25)}") for _ in range(9)))) for _ in range(3)
            ]
            drawn.append(
                mule_alert(
                    f"alert-{number}", subject=token(subject), rule_id=rule, revision=Position(1, offset, number), last_hit=at,
                    first_hit=at, bucket_start=at, state=dice.choice(tuple(AlertState)), shadow=dice.random() < 0.2,
                    evidence=tuple(Evidence(f"e{number}-{n}", "credit", at, 5, "CNY", one) for n, one in enumerate(parties)),
                )
            )  # fmt: skip
    dice.shuffle(drawn)
    return drawn


def batches(dice: Random, drawn: list[Alert]) -> list[list[Alert]]:
    """Cut into batches, and repeat some of what was there."""
    cut = []
    while drawn:
        size = dice.randint(1, 40)
        cut.append(drawn[:size] + dice.sample(drawn, min(3, len(drawn))))
        drawn = drawn[size:]
    return cut


def answers(store: Store) -> list[list[tuple[Any, ...]]]:
    return [ask(store, question) for question in QUESTIONS]


def write_side_by_side(store: Store, work: list[list[Alert]]) -> None:
    """Three record workers, of which two are given the same."""
    writers = [
        threading.Thread(target=lambda mine=mine: [store.write(one) for one in mine])
        for mine in (work[::2], work[1::2], work)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()


@pytest.mark.parametrize("seed", SEEDS)
def test_both_databases_answer_alike(kept: Store, asked: Store, seed: int) -> None:
    dice = Random(seed)
    work = batches(dice, revisions(dice))
    mark = watermark(MARCH)
    for store in (kept, asked):
        store.write([mark])
    for one in work:
        asked.write(one)
    write_side_by_side(kept, work)
    expected = answers(asked)
    assert all(expected), "nothing to compare"
    assert answers(kept) == expected
    before = ask(kept, COUNTS)
    tell(kept, "SELECT payweir_summarize()")
    assert ask(kept, COUNTS) == before
    assert answers(kept) == expected


def test_what_retention_deletes_is_not_counted_and_old_stretches_are_forgotten(kept: Store, asked: Store) -> None:
    drawn = revisions(Random(9))
    for store in (kept, asked):
        store.write([watermark(MARCH), *drawn])
        old = "'2020-01-01T00:00:00.000Z'"
        tell(store, f"UPDATE alerts SET first_stored_at = {old}, stored_at = {old} WHERE alert_id LIKE '%7'")
        assert retain(store, Retention(alerts_ms=400 * DAY_MS), "test")["alerts"] > 0
    assert answers(kept) == answers(asked)
    assert ask(kept, "SELECT count(DISTINCT bucket) FROM recurrence") <= [(3,)]


def test_the_check_finds_counts_that_are_wrong_and_says_how_to_mend_them(kept: Store) -> None:
    kept.write(revisions(Random(3)))
    url = kept.url.render_as_string(hide_password=False)
    assert FindingKind.SUMMARIES not in {each.kind for each in check_store(url)}
    with kept.engine.begin() as connection:
        connection.execute(text("ALTER TABLE alerts DISABLE TRIGGER USER"))
        connection.execute(text("DELETE FROM alerts WHERE alert_id LIKE '%1'"))
        connection.execute(text("ALTER TABLE alerts ENABLE TRIGGER USER"))
    [finding] = [each for each in check_store(url) if each.kind is FindingKind.SUMMARIES]
    assert "SELECT payweir_summarize()" in finding.text
    tell(kept, "SELECT payweir_summarize()")
    assert FindingKind.SUMMARIES not in {each.kind for each in check_store(url)}


def test_sqlite_has_no_table_that_nobody_keeps(asked: Store) -> None:
    names = {name for (name,) in ask(asked, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names.isdisjoint(table.name for table in ONLY_POSTGRESQL)
