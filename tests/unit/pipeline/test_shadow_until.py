"""History from which state is built: its alerts are shadow alerts, and what goes on after the stated time is not.

time     --- 09:00 -------- 10:00 | 11:00 ---
payments     e0             e1    | e2
"""

import pytest

from streams.alerts.model import Alert, AlertState, Outcome, RulesetInForce
from streams.clock import HOUR_MS, to_text
from streams.detection.check import check_files
from streams.detection.program import Programs, compile_ruleset
from streams.legs import Control, Terms
from streams.pipeline import RawRecord, SourceState
from streams.replay.embedded import Embedded
from tests.rig.samples import BIG_RULE, PAYMENT, changed

FAR_MS = 1 << 50
NINE_MS = 1_767_258_000_000
UNTIL_MS = NINE_MS + HOUR_MS + 1
RULE = (
    BIG_RULE
    + """\
params:
  floor: {{CNY: 1}}
cool_down: {cool_down}
say: "paid out more than {{floor}}"
"""
)


def programs(cool_down: str) -> Programs:
    ruleset, findings = check_files({"big.yaml": RULE.format(cool_down=cool_down)})
    assert ruleset is not None, findings
    return compile_ruleset(ruleset)


def payment(number: int) -> bytes:
    moment = to_text(NINE_MS + number * HOUR_MS)
    return changed(
        PAYMENT, event_id=f"e{number}", payment_id=f"p{number}", event_time=moment, initiated_at=moment, accepted_at=None,
        settled_at=moment,
    )  # fmt: skip


def shadows(cool_down: str, order: tuple[int, ...], terms: Terms, *, later: bool = False) -> dict[int, bool]:
    """By the hour of the last hit whether the alert is a shadow alert. ``later``: the terms come after the events."""
    final: dict[str, Alert] = {}
    told: list[RulesetInForce] = []

    def sink(outcomes: list[Outcome]) -> None:
        final.update({each.alert_id: each for each in outcomes if isinstance(each, Alert)})
        told.extend(each for each in outcomes if isinstance(each, RulesetInForce))

    run = Embedded(programs(cool_down), ("payments/0",), sink, terms=Terms() if later else terms)
    source = SourceState("payments", 0)
    for offset, number in enumerate(order):
        run.feed(source, [RawRecord(offset, FAR_MS, payment(number))])
    if later:
        run.control(Control("ruleset", run.programs.ruleset.digest, 0, terms=terms))
    run.end()
    assert told[-1].terms == terms
    standing = [alert for alert in final.values() if alert.state is AlertState.STANDING]
    return {(alert.last_hit - NINE_MS) // HOUR_MS: alert.shadow for alert in standing}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("later", [False, True])
def test_alerts_before_the_time_are_shadow_alerts_in_any_order_of_arrival(
    order: tuple[int, ...], *, later: bool
) -> None:
    found = shadows("none", order, Terms(shadow_until=UNTIL_MS), later=later)
    assert found == {0: True, 1: True, 2: False}


def test_an_alert_that_goes_on_after_the_time_is_none_any_more() -> None:
    assert shadows("24h", (0, 1), Terms(shadow_until=UNTIL_MS)) == {1: True}
    assert shadows("24h", (0, 1, 2), Terms(shadow_until=UNTIL_MS)) == {2: False}


def test_without_such_a_time_nothing_is_in_shadow() -> None:
    assert shadows("none", (0, 1, 2), Terms(approved_by="ben")) == {0: False, 1: False, 2: False}


def test_the_terms_of_a_later_ruleset_are_its_own() -> None:
    """The next set is in force from ten o'clock and in shadow for nobody."""
    final: dict[str, Alert] = {}
    run = Embedded(
        programs("none"),
        ("payments/0",),
        lambda each: final.update({one.alert_id: one for one in each if isinstance(one, Alert)}),
        terms=Terms(shadow_until=FAR_MS),
    )
    second = programs("none")
    run.control(Control("ruleset", second.ruleset.digest, NINE_MS + HOUR_MS))
    run.feed(SourceState("payments", 0), [RawRecord(number, FAR_MS, payment(number)) for number in range(3)])
    run.end()
    assert [alert.shadow for alert in sorted(final.values(), key=lambda one: one.last_hit)] == [True, False, False]
