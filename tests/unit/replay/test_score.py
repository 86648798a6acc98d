"""The score: what counts as found, as a false alarm on a near miss, as stray; how long it took."""

import msgspec
import pytest

from streams.replay.generator import ANY_RULE, Scenario
from streams.replay.score import RuleScore, ScoredAlert, TypologyScore, score

MIDNIGHT_MS = 1_740_960_000_000


def instance(name: str, typology: str, *events: str, rule: str = "r1", near_miss: bool = False) -> Scenario:
    moment = "2025-03-03T00:00:00.000Z"
    return Scenario(name, typology, rule, near_miss, "account", f"acc-{name}", moment, moment, events)


def alert(subject: str = "nobody", *events: str, rule: str = "r1", kind: str = "account", at: int = 0) -> ScoredAlert:
    return ScoredAlert(rule, kind, subject, events, MIDNIGHT_MS + at)


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
        (alert("acc-m", rule="r1-cash"), True),
        (alert("acc-m", rule="r12"), False),
        (alert("acc-m", kind="device"), False),
        (alert("other", "e9"), False),
        (alert("other", "e1", "e3", "x1", "x2", "x3", "x4"), True),
        (alert("other", "e1", "e3", "x1", "x2", "x3", "x4", "x5"), False),
    ],
)
def test_an_instance_is_found_by_its_rule_through_subject_or_two_events(given: ScoredAlert, found: bool) -> None:  # noqa: FBT001 - the expected value of the table
    assert score([MULE], [given]).recall == (1.0 if found else 0.0)


def test_an_instance_of_one_event_is_found_by_that_event() -> None:
    assert score([ORPHAN], [alert("x", "e9", rule="r2")]).recall == 1.0


def test_a_ring_is_found_by_any_rule_on_any_of_its_members() -> None:
    moment = "2025-03-03T00:00:00.000Z"
    members = (("merchant", "front"), ("account", "second-layer"))
    ring = Scenario("r", "ring", ANY_RULE, False, "account", "collector", moment, moment, ("e1", "e2"), members)  # noqa: FBT003
    assert score([ring], [alert("front", rule="r9", kind="merchant")]).recall == 1.0
    assert score([ring], [alert("front", rule="r9", kind="account")]).recall == 0.0


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
    assert result.rules == (RuleScore("another-rule", 1, 0, 0), RuleScore("r1", 2, 1, 1), RuleScore("r7", 0, 1, 0))
    assert [rule.precision for rule in result.rules] == [1.0, 0.5, 0.0]
    assert result.precision == 0.5
    assert result.recall == 0.5
    assert result.missed == (ORPHAN.scenario_id,), "a near miss is not missed"
    assert result.typologies == (
        TypologyScore("mule", "r1", hard_negative=False, instances=1, hit=1, by=("r1",)),
        TypologyScore("orphan", "r2", hard_negative=False, instances=1, hit=0),
        TypologyScore("gift", "r1", hard_negative=True, instances=1, hit=1, by=("r1", "r7")),
    )


def test_one_alert_may_find_two_instances_that_share_events() -> None:
    twin = instance("t", "device", "e1", "e2", rule="r1")
    assert score([MULE, twin], [alert("x", "e1", "e2")]).recall == 1.0


def test_the_delay_is_the_median_from_the_tainted_credit_to_the_first_alert_of_the_own_rule() -> None:
    # midnight      00:10 tainted        00:15 first alert of r1       00:25 second
    #     |------------|---------------------|----------------------------|
    def tainted(name: str, minute: int) -> Scenario:
        return msgspec.structs.replace(instance(name, "mule"), tainted_at=f"2025-03-03T00:{minute}:00.000Z")

    alerts = [
        alert("acc-m1", at=25 * 60_000),
        alert("acc-m1", at=15 * 60_000),
        alert("acc-m1", rule="r3", at=11 * 60_000),
        alert("acc-m2", at=50 * 60_000),
        alert("acc-m3", at=13 * 60_000),
        alert("x", "e9", rule="r2", at=0),
    ]
    result = score([tainted("m1", 10), tainted("m2", 20), tainted("m3", 12), ORPHAN, GIFT], alerts)
    assert result.delay_ms == 5 * 60_000, "of 5, 30 and 1 minutes; nobody pays in the orphan"
    assert [(row.typology, row.hit, row.delay_ms) for row in result.typologies] == [
        ("mule", 3, 300_000), ("orphan", 1, None), ("gift", 0, None),
    ]  # fmt: skip


def test_nothing_divides_by_nothing() -> None:
    result = score([], [])
    assert (result.recall, result.precision, result.typologies, result.rules, result.delay_ms) == (
        0.0,
        0.0,
        (),
        (),
        None,
    )
    assert TypologyScore("x", "r", hard_negative=False, instances=0, hit=0).share == 0.0


def test_typologies_are_in_order_fraud_first() -> None:
    result = score([GIFT, ORPHAN, MULE, instance("m2", "mule", "e7", "e8")], [alert("acc-m")])
    assert [(row.typology, row.hit, row.instances) for row in result.typologies] == [
        ("mule", 1, 2), ("orphan", 0, 1), ("gift", 0, 1),
    ]  # fmt: skip
