"""The score: what counts as found, as a false alarm on a near miss, as stray."""

from pathlib import Path

import msgspec
import pytest

from streams.errors import UsageError
from streams.replay.generator import Scenario
from streams.replay.score import ScoredAlert, TypologyScore, read_scenarios, score


def instance(name: str, typology: str, *events: str, rule: str = "r1", near_miss: bool = False) -> Scenario:
    moment = "2025-03-03T00:00:00.000Z"
    return Scenario(name, typology, rule, near_miss, "account", f"acc-{name}", moment, moment, events)


def alert(subject: str = "nobody", *events: str, rule: str = "r1", kind: str = "account") -> ScoredAlert:
    return ScoredAlert(rule, kind, subject, events)


MULE = instance("m", "mule", "e1", "e2", "e3")
ORPHAN = instance("o", "orphan", "e9", rule="r2")
GIFT = instance("g", "gift", "g1", "g2", near_miss=True)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (alert("acc-m"), True),
        (alert("other", "e1", "e3"), True),
        (alert("other", "e1"), False),
        (alert("other", "e1", "e1"), False),
        (alert("acc-m", rule="r2"), False),
        (alert("acc-m", kind="device"), False),
        (alert("other", "e9"), False),
    ],
)
def test_an_instance_is_found_by_its_rule_through_subject_or_two_events(given: ScoredAlert, found: bool) -> None:  # noqa: FBT001 - the expected value of the table
    assert score([MULE], [given]).recall == (1.0 if found else 0.0)


def test_an_instance_of_one_event_is_found_by_that_event() -> None:
    assert score([ORPHAN], [alert("x", "e9", rule="r2")]).recall == 1.0


def test_every_alert_counts_once_by_the_best_that_can_be_said_of_it() -> None:
    alerts = [
        alert("acc-m"),
        alert("other", "e1", "e2", rule="another-rule"),
        alert("acc-g", "e1", "e2"),
        alert("acc-g"),
        alert("x", "g1", "g2", rule="r7"),
        alert("nobody", "e1"),
    ]
    result = score([MULE, ORPHAN, GIFT], alerts)
    assert (result.alerts, result.true_alerts, result.near_miss_alerts, result.stray_alerts) == (6, 3, 2, 1)
    assert result.stray_by_rule == {"r1": 1}
    assert result.precision == 0.5
    assert result.recall == 0.5
    assert result.typologies == (
        TypologyScore("mule", "r1", hard_negative=False, instances=1, hit=1),
        TypologyScore("orphan", "r2", hard_negative=False, instances=1, hit=0),
        TypologyScore("gift", "r1", hard_negative=True, instances=1, hit=1),
    )


def test_one_alert_may_find_two_instances_that_share_events() -> None:
    twin = instance("t", "device", "e1", "e2", rule="r1")
    assert score([MULE, twin], [alert("x", "e1", "e2")]).recall == 1.0


def test_nothing_divides_by_nothing() -> None:
    result = score([], [])
    assert (result.recall, result.precision, result.rows()) == (0.0, 0.0, [])
    assert TypologyScore("x", "r", hard_negative=False, instances=0, hit=0).share == 0.0


def test_rows_are_ready_for_a_table_fraud_first() -> None:
    result = score([GIFT, ORPHAN, MULE, instance("m2", "mule", "e7", "e8")], [alert("acc-m")])
    assert result.rows() == [
        ("mule", "r1", "fraud", "1 of 2", "50%"),
        ("orphan", "r2", "fraud", "0 of 1", "0%"),
        ("gift", "r1", "near miss", "0 of 1", "0%"),
    ]


def test_scenarios_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.json"
    path.write_bytes(msgspec.json.encode([MULE, GIFT]))
    assert read_scenarios(path) == [MULE, GIFT]


def test_a_file_that_is_none_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="payweir generate"):
        read_scenarios(tmp_path / "missing.json")
    (tmp_path / "bad.json").write_text('[{"scenario_id": 1}]')
    with pytest.raises(UsageError, match="payweir generate"):
        read_scenarios(tmp_path / "bad.json")
