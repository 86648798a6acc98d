"""Every instance is what its label says, counted apart from the rules: fraud meets its rule, a near miss does not."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from streams.events.model import AccountReferenceEvent, PaymentEvent, SettlementEvent, SettlementKind
from streams.replay.generator import TYPOLOGIES, Scenario
from tests.unit.replay.conftest import Stream
from tests.unit.replay.ledger import Ledger, Move

DAY = timedelta(days=1)
MONTH = timedelta(days=30)
WEEK = timedelta(days=7)
FLOOR = 20_000_00


def within(moves: Iterable[Move], end: datetime, width: timedelta) -> list[Move]:
    """Give the moves in (end - width, end]."""
    return [move for move in moves if end - width < move.time <= end]


def passes_through(ledger: Ledger, account: str) -> datetime | None:
    """Give when 90 to 102 % of at least 20,000 CNY from two payers has left within 24 h, if ever."""
    for debit in ledger.paid[account]:
        received = within(ledger.received[account], debit.time, DAY)
        taken = sum(move.amount for move in received)
        sent = sum(move.amount for move in within(ledger.paid[account], debit.time, DAY))
        payers = {move.payer for move in received}
        if taken >= FLOOR and taken * 90 <= sent * 100 <= taken * 102 and len(payers) >= 2:
            return debit.time
    return None


def is_fan_in(ledger: Ledger, account: str) -> bool:
    """Tell whether eight payers not seen for 30 days, and 80 % of all payers, bring 20,000 CNY within 24 h."""
    received = ledger.received[account]
    for credit in received:
        window = within(received, credit.time, DAY)
        payers = {move.payer for move in window}
        new = {
            move.payer
            for move in window
            if not any(old.payer == move.payer and move.time - MONTH < old.time < move.time for old in received)
        }
        if len(new) >= 8 and len(new) * 100 >= 80 * len(payers) and sum(move.amount for move in window) >= FLOOR:
            return True
    return False


def is_shared(stream: Stream, device: str) -> bool:
    """Tell whether three customers pay with the device in a week, one of them from an account that is a mule's."""
    uses = stream.ledger.used[device]
    for use in uses:
        window = within(uses, use.time, WEEK)
        flagged = any(
            passes_through(stream.ledger, move.payer) or is_fan_in(stream.ledger, move.payer) for move in window
        )
        if len({move.customer for move in window}) >= 3 and flagged:
            return True
    return False


def lines_of(stream: Stream, scenario: Scenario) -> list[SettlementEvent]:
    events = [stream.by_id[event_id] for event_id in scenario.event_ids]
    return [event for event in events if isinstance(event, SettlementEvent)]


def payments_of(stream: Stream, line: SettlementEvent) -> list[datetime]:
    """Give the event times of the payments a line names by any of its ids."""
    found = []
    for messages in stream.ledger.payments.values():
        first = messages[0]
        by_id = line.payment_id == first.payment_id or (line.uetr is not None and line.uetr == first.uetr)
        by_reference = line.end_to_end_id is not None and line.end_to_end_id == first.end_to_end_id
        if by_id or (by_reference and first.amount_minor == line.net_minor and first.currency == line.currency):
            found += [message.event_time for message in messages]
    return found


def booked_under(stream: Stream, line: SettlementEvent) -> int:
    """Count the booked lines with the line's payment."""
    others = (event for event in stream.by_id.values() if isinstance(event, SettlementEvent))
    ids = {line.payment_id, line.uetr} - {None}
    return sum(1 for other in others if ids & {other.payment_id, other.uetr})


def registered(stream: Stream, payout: SettlementEvent) -> tuple[set[str], set[str]]:
    """Give the payout accounts and the owner registered for the merchant when the payout was booked."""
    records = [
        event
        for event in stream.by_id.values()
        if isinstance(event, AccountReferenceEvent)
        and event.merchant is not None
        and event.merchant.merchant_id == payout.merchant_id
        and event.valid_from <= payout.event_time
    ]
    newest = max(records, key=lambda event: event.valid_from)
    assert newest.merchant is not None
    return set(newest.merchant.registered_payout_tokens), {newest.party_token}


def test_every_typology_occurs_as_often_as_asked(stream: Stream) -> None:
    outer = [scenario for scenario in stream.scenarios if scenario.scenario_id.count("-") == 1]
    for typology in TYPOLOGIES:
        mine = [scenario for scenario in outer if scenario.typology == typology.name]
        assert len(mine) == stream.settings.instances
        assert {(one.rule_id, one.hard_negative) for one in mine} == {(typology.rule_id, typology.hard_negative)}


def test_pass_through_meets_its_rule_and_no_other(stream: Stream) -> None:
    for scenario in stream.of("pass_through"):
        assert passes_through(stream.ledger, scenario.subject), scenario.scenario_id
        assert not is_fan_in(stream.ledger, scenario.subject)


def test_fan_in_meets_its_rule_and_no_other(stream: Stream) -> None:
    for scenario in stream.of("fan_in_new"):
        assert is_fan_in(stream.ledger, scenario.subject), scenario.scenario_id
        assert not passes_through(stream.ledger, scenario.subject)


def test_money_leaves_mules_as_fast_as_the_source_says(stream: Stream) -> None:
    # 36 mules forward each credit once, in order: the nth debit carries the nth credit
    dwell = [
        debit.time - credit.time
        for scenario in stream.of("pass_through")
        for credit, debit in zip(
            stream.ledger.received[scenario.subject], stream.ledger.paid[scenario.subject], strict=True
        )
    ]
    assert 0.15 < sum(one < timedelta(minutes=15) for one in dwell) / len(dwell) < 0.41
    assert 0.40 < sum(one < timedelta(hours=1) for one in dwell) / len(dwell) < 0.70


def test_a_shared_device_has_three_customers_and_a_mule(stream: Stream) -> None:
    for scenario in stream.of("shared_device"):
        assert is_shared(stream, scenario.subject), scenario.scenario_id


def test_a_mismatched_payout_goes_to_a_stranger(stream: Stream) -> None:
    late = 0
    for scenario in stream.of("payout_mismatch"):
        (payout,) = lines_of(stream, scenario)
        assert payout.kind is SettlementKind.PAYOUT
        assert payout.creditor is not None
        accounts, owners = registered(stream, payout)
        assert payout.creditor.account_token not in accounts
        assert payout.creditor.party_token not in owners
        late += arrival_of_reference(stream, payout) > arrival(stream, payout.event_id)
    assert 0 < late < len(stream.of("payout_mismatch")) / 2


def test_an_orphan_has_no_payment_or_a_twin(stream: Stream) -> None:
    for scenario in stream.of("orphan_settlement"):
        lines = lines_of(stream, scenario)
        if len(lines) == 1:
            assert payments_of(stream, lines[0]) == []
        else:
            assert len(payments_of(stream, lines[0])) == 1
            assert booked_under(stream, lines[0]) == len(lines) == 2
        assert scenario.subject in {f"uetr:{lines[0].uetr}", f"pid:{lines[0].payment_id}"}


def test_near_misses_of_accounts_stay_below_the_rules(stream: Stream) -> None:
    for name in ("payroll_batch", "group_gift", "known_payers_shop"):
        for scenario in stream.of(name):
            assert not passes_through(stream.ledger, scenario.subject), scenario.scenario_id
            assert not is_fan_in(stream.ledger, scenario.subject), scenario.scenario_id


def test_near_misses_are_near(stream: Stream) -> None:
    ledger = stream.ledger
    for scenario in stream.of("payroll_batch"):
        assert sum(move.amount for move in ledger.paid[scenario.subject]) >= FLOOR
        assert len({move.time for move in ledger.paid[scenario.subject]}) == 1
    for scenario in stream.of("group_gift"):
        assert len({move.payer for move in ledger.received[scenario.subject]}) >= 8
    for scenario in stream.of("known_payers_shop"):
        end = ledger.received[scenario.subject][-1].time
        busy = within(ledger.received[scenario.subject], end, DAY)
        assert len({move.payer for move in busy}) >= 8
        assert sum(move.amount for move in busy) >= FLOOR
    for scenario in stream.of("psp_pool"):
        assert passes_through(ledger, scenario.subject), "only the allow-list keeps the pool out"
    for scenario in stream.of("branch_kiosk"):
        assert len({move.customer for move in ledger.used[scenario.subject]}) >= 3
    for scenario in stream.of("household_device"):
        assert len({move.customer for move in ledger.used[scenario.subject]}) == 2


def test_near_misses_of_devices_have_no_mule(stream: Stream) -> None:
    for name in ("household_device", "branch_kiosk"):
        assert not any(is_shared(stream, scenario.subject) for scenario in stream.of(name))


def test_a_registered_payout_account_is_registered_before_the_payout(stream: Stream) -> None:
    late = 0
    for scenario in stream.of("payout_reregistered"):
        (payout,) = lines_of(stream, scenario)
        assert payout.creditor is not None
        accounts, owners = registered(stream, payout)
        assert accounts == {payout.creditor.account_token}
        assert owners == {payout.creditor.party_token}
        late += arrival_of_reference(stream, payout) > arrival(stream, payout.event_id)
    assert late == len(stream.of("payout_reregistered")) / 2


def test_near_misses_of_settlements_have_their_payment_within_a_day(stream: Stream) -> None:
    for name in ("line_before_payment", "late_payment", "e2e_only_match"):
        for scenario in stream.of(name):
            (line,) = lines_of(stream, scenario)
            times = payments_of(stream, line)
            assert times, scenario.scenario_id
            assert all(time - line.event_time < DAY for time in times)
            if name == "e2e_only_match":
                assert (line.payment_id, line.uetr) == (None, None)
                assert {time.date() for time in times} == {line.event_time.date()}


def test_the_message_of_a_late_payment_comes_up_to_twenty_hours_after_its_line(stream: Stream) -> None:
    for name, longest in (("line_before_payment", 2), ("late_payment", 23)):
        for scenario in stream.of(name):
            (line,) = lines_of(stream, scenario)
            payment_id = next(event_id for event_id in scenario.event_ids if event_id != line.event_id)
            behind_ms = arrival(stream, payment_id) - arrival(stream, line.event_id)
            assert 30 * 60_000 < behind_ms < longest * 3_600_000, scenario.scenario_id


def test_reports_name_payments_that_were_made(stream: Stream) -> None:
    uetrs = {event.uetr for event in stream.by_id.values() if isinstance(event, PaymentEvent)}
    reported = [one for event in stream.by_id.values() for one in getattr(event, "transactions", ())]
    assert len(reported) > 20
    assert all(one.uetr in uetrs or one.debtor_token in stream.ledger.paid for one in reported)


def arrival(stream: Stream, event_id: str) -> int:
    return next(one.at_ms for one in stream.arrivals if one.event.event_id == event_id)


def arrival_of_reference(stream: Stream, payout: SettlementEvent) -> int:
    """Give when the newest reference of the payout's merchant arrived."""
    return max(
        one.at_ms
        for one in stream.arrivals
        if isinstance(one.event, AccountReferenceEvent)
        and one.event.merchant is not None
        and one.event.merchant.merchant_id == payout.merchant_id
    )
