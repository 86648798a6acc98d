"""What is made for each rule of the start set: what the catalogue describes; what is called faint lies under a limit."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from streams.errors import UsageError
from streams.events.model import PaymentEvent, Rail
from streams.replay.generator import ANY_RULE, FAINT_EVERY, TYPOLOGIES, GeneratorSettings, Role, Scenario
from tests.unit.replay import conditions, more_conditions
from tests.unit.replay.conditions import YUAN
from tests.unit.replay.conftest import Stream, made
from tests.unit.replay.ledger import Move
from tests.unit.replay.test_scenarios import is_fan_in, is_shared, passes_through

FRAUD: list[Callable[[Stream, Scenario], bool]] = [
    conditions.quick_first_out,
    conditions.commission_mirror,
    conditions.test_then_large,
    conditions.dormant_burst,
    conditions.new_account_burst,
    conditions.fan_out_new,
    conditions.structuring,
    conditions.crypto_exit,
    conditions.atm_exit,
    conditions.risk_corridor,
    conditions.currency_mismatch,
    conditions.outflow_after_stop,
    conditions.batch_mismatch,
    conditions.new_payout_account,
    conditions.collect_then_t0,
    more_conditions.night_operators,
    more_conditions.round_deposits,
    more_conditions.daily_sweep,
    more_conditions.volume_spike,
    more_conditions.largest_ever,
    more_conditions.margin_cycle,
    more_conditions.wallet_hop,
    more_conditions.handover,
    more_conditions.shared_ip,
    more_conditions.remote_operator,
    more_conditions.shared_contact,
    more_conditions.coordinated_burst,
    more_conditions.restricted_continues,
    more_conditions.merchant_profile,
    more_conditions.payment_unsettled,
    more_conditions.substituted_trade,
    more_conditions.refund_abuse,
    more_conditions.recall_unanswered,
    more_conditions.stored_value_exit,
]


@pytest.mark.parametrize("condition", FRAUD, ids=lambda condition: condition.__name__)
def test_instances_meet_the_catalogue_unless_they_are_faint(
    stream: Stream, condition: Callable[[Stream, Scenario], bool]
) -> None:
    instances = stream.of(condition.__name__)
    assert sum(one.faint for one in instances) == len(instances) // FAINT_EVERY > 0
    assert [one.scenario_id for one in instances if condition(stream, one) is one.faint] == []


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("pay_day_bills", conditions.quick_first_out),
        ("rent_collector", conditions.commission_mirror),
        ("payee_verification", conditions.test_then_large),
        ("returning_worker", conditions.dormant_burst),
        ("new_salary_account", conditions.new_account_burst),
        ("red_envelopes", conditions.fan_out_new),
        ("supplier_invoices", conditions.structuring),
        ("crypto_saver", conditions.crypto_exit),
        ("payday_cash", conditions.atm_exit),
        ("family_remittance", conditions.risk_corridor),
        ("travel_money", conditions.currency_mismatch),
        ("dollar_invoice", conditions.currency_mismatch),
        ("in_flight_at_stop", conditions.outflow_after_stop),
        ("cleared_account", conditions.pay_to_reported),
        ("late_batch_item", conditions.batch_mismatch),
        ("old_payout_account", conditions.new_payout_account),
        ("festival_spike", conditions.collect_then_t0),
        ("real_merchant_t0", conditions.collect_then_t0),
        ("shift_worker", more_conditions.night_operators),
        ("weekly_market", more_conditions.volume_spike),
        ("first_dollars", more_conditions.largest_ever),
        ("instalments", more_conditions.largest_ever),
        ("cash_pool", more_conditions.daily_sweep),
        ("reseller", more_conditions.margin_cycle),
        ("wallet_shopper", more_conditions.wallet_hop),
        ("new_telephone", more_conditions.handover),
        ("moving_savings", more_conditions.handover),
        ("carrier_nat", more_conditions.shared_ip),
        ("office_network", more_conditions.shared_ip),
        ("household_network", more_conditions.shared_ip),
        ("traveller", more_conditions.remote_operator),
        ("family_telephone", more_conditions.shared_contact),
        ("dormitory", more_conditions.shared_contact),
        ("ticket_drop", more_conditions.coordinated_burst),
        ("lifted_restriction", more_conditions.restricted_continues),
        ("set_price_shop", more_conditions.merchant_profile),
        ("weekend_line", more_conditions.payment_unsettled),
        ("undone_payment", more_conditions.payment_unsettled),
        ("own_lines", more_conditions.substituted_trade),
        ("card_reissue", more_conditions.refund_abuse),
        ("partial_refunds", more_conditions.refund_abuse),
        ("answered_recall", more_conditions.recall_unanswered),
        ("festival_gold", more_conditions.stored_value_exit),
    ],
)
def test_a_near_miss_does_not_meet_the_catalogue(
    stream: Stream, name: str, condition: Callable[[Stream, Scenario], bool]
) -> None:
    assert [one.scenario_id for one in stream.of(name) if condition(stream, one)] == []


def outlets(stream: Stream, one: Scenario) -> list[Move]:
    """Give the account's withdrawals and payments to exchanges."""
    ways = {Rail.CASH_OUT, Rail.CRYPTO_ON}
    return [move for move in stream.ledger.paid[one.subject] if conditions.event_of(stream, move).rail in ways]


def spends_soon(stream: Stream, one: Scenario) -> bool:
    return outlets(stream, one)[0].time - stream.ledger.received[one.subject][0].time <= timedelta(hours=8)


def pays_half_within_the_hour(stream: Stream, one: Scenario) -> bool:
    salary = stream.ledger.received[one.subject][0]
    paid = conditions.after(stream.ledger.paid[one.subject], salary.time, timedelta(hours=1))
    return conditions.total(paid) * 10 >= salary.amount * 5


def hands_on_the_rents(stream: Stream, one: Scenario) -> bool:
    received, (out,) = stream.ledger.received[one.subject], stream.ledger.paid[one.subject]
    rents = conditions.total(received[-(len(received) // 2) :])
    return rents >= 10_000 * YUAN and rents * 94 <= out.amount * 100 <= rents * 96


def has_many_payers(stream: Stream, one: Scenario) -> bool:
    shop = conditions.references(stream, one.subject)[0].account_token
    return len({move.payer for move in stream.ledger.received[shop]}) >= 25


def gets_a_tiny_and_a_large_sum(stream: Stream, one: Scenario) -> bool:
    tiny, large = stream.ledger.received[one.subject][:2]
    return tiny.amount <= 10 * YUAN and large.amount >= 5_000 * YUAN


def sends_more_to_the_same(stream: Stream, one: Scenario) -> bool:
    paid = stream.ledger.paid[one.subject]
    return paid[-1].amount >= 9_000 * YUAN and {move.payee for move in paid} == {paid[0].payee}


def draws_much(stream: Stream, one: Scenario) -> bool:
    return any(getattr(stream.by_id[name], "net_minor", 0) >= 15_000 * YUAN for name in one.event_ids)


NEAR: dict[str, Callable[[Stream, Scenario], bool]] = {
    "pay_day_bills": pays_half_within_the_hour,
    "rent_collector": hands_on_the_rents,
    "payee_verification": gets_a_tiny_and_a_large_sum,
    "returning_worker": lambda stream, one: conditions.references(stream, one.subject)[-1].status == "DORMANT",
    "new_salary_account": lambda stream, one: len(stream.ledger.paid[one.subject]) >= 3,
    "red_envelopes": lambda stream, one: len({move.payee for move in stream.ledger.paid[one.subject]}) >= 8,
    "supplier_invoices": lambda stream, one: stream.ledger.paid[one.subject][2].amount >= 380_000 * YUAN,
    "crypto_saver": spends_soon,
    "payday_cash": spends_soon,
    "family_remittance": sends_more_to_the_same,
    "old_payout_account": draws_much,
    "festival_spike": has_many_payers,
    "real_merchant_t0": has_many_payers,
}


@pytest.mark.parametrize("name", NEAR)
def test_a_near_miss_comes_near(stream: Stream, name: str) -> None:
    """It has that part of the condition that makes it a near one."""
    assert [one.scenario_id for one in stream.of(name) if not NEAR[name](stream, one)] == []


def test_money_does_move_after_a_stop_and_to_a_cleared_account(stream: Stream) -> None:
    for one in stream.of("in_flight_at_stop"):
        (stop, _, settled) = [stream.by_id[name] for name in one.event_ids]
        assert timedelta() < settled.event_time - stop.event_time < timedelta(minutes=1)
    for one in stream.of("cleared_account"):
        assert len(stream.ledger.received[one.subject]) == 2


def test_a_payment_to_a_reported_account_comes_while_the_report_stands(stream: Stream) -> None:
    for one in (*stream.of("pay_to_reported"), *stream.of("pay_to_alleged")):
        assert conditions.pay_to_reported(stream, one), one.scenario_id


def test_crowds_at_a_stall_and_a_school_are_crowds(stream: Stream) -> None:
    for one in stream.of("night_market_stall"):
        assert len({move.payer for move in stream.ledger.received[one.subject]}) >= 20
        assert not is_fan_in(stream.ledger, one.subject), "little money"
    for one in stream.of("tuition"):
        assert is_fan_in(stream.ledger, one.subject), "only its being a school keeps it out"
    for one in stream.of("charity_appeal"):
        assert len({move.payer for move in stream.ledger.received[one.subject]}) >= 20
    for one in stream.of("rent_collector"):
        assert not is_fan_in(stream.ledger, one.subject), "the tenants were there before"
        assert not passes_through(stream.ledger, one.subject), "rents stay for days"


def test_a_family_shares_a_device_and_has_no_mule(stream: Stream) -> None:
    for one in stream.of("family_device"):
        assert len({move.customer for move in stream.ledger.used[one.subject]}) >= 3
        assert not is_shared(stream, one.subject)


def test_a_ring_has_every_role_and_hands_on_no_more_than_it_took(stream: Stream) -> None:
    seen: set[Role] = set()
    for one in stream.of("fraud_ring"):
        seen |= {label.role for label in stream.labels if label.scenario_id == one.scenario_id}
        accounts = [key for kind, key in one.members if kind == "account"]
        for account in accounts:
            received, paid = stream.ledger.received[account], stream.ledger.paid[account]
            for debit in paid:
                before = sum(move.amount for move in received if move.time <= debit.time)
                assert sum(move.amount for move in paid if move.time <= debit.time) <= before
        assert one.rule_id == ANY_RULE
        assert len(one.event_ids) >= 12
    assert seen == set(Role) - {Role.NORMAL}


def test_the_mules_of_a_ring_are_in_one_hand(stream: Stream) -> None:
    for one in stream.of("fraud_ring"):
        roles = {Role.L1_MULE, Role.L2_MULE}
        mules = [
            label.event_id for label in stream.labels if label.scenario_id == one.scenario_id and label.role in roles
        ]
        devices = {event.device_token for name in mules if isinstance(event := stream.by_id[name], PaymentEvent)}
        (device,) = devices
        assert len({move.customer for move in stream.ledger.used[device or ""]}) >= 3


def test_hops_of_a_ring_take_as_long_as_the_source_says(stream: Stream) -> None:
    # what a hop sends is 94 to 99 % of one receipt, in one part or two equal ones
    waits = []
    for one in stream.of("fraud_ring"):
        for account in [key for kind, key in one.members if kind == "account" and key != one.subject]:
            for credit in stream.ledger.received[account]:
                sent = [
                    debit.time - credit.time
                    for debit in stream.ledger.paid[account]
                    for parts in (1, 2)
                    if debit.time > credit.time and 93 <= debit.amount * parts * 100 // credit.amount <= 99
                ]
                waits += sent[:1]
    assert len(waits) > 200
    assert 0.2 < sum(wait < timedelta(minutes=15) for wait in waits) / len(waits) < 0.36
    assert 0.45 < sum(wait < timedelta(hours=1) for wait in waits) / len(waits) < 0.65


def test_members_are_the_accounts_made_for_an_instance(stream: Stream) -> None:
    background = {move.payee for label in stream.ledger.received.values() for move in label if move.currency != "CNY"}
    paid_abroad = {"first_dollars", "currency_mismatch", "travel_money", "dollar_invoice"}
    for one in stream.scenarios:
        assert one.typology in paid_abroad or not {key for _, key in one.members} & background
        if (
            one.subject_kind in {"account", "merchant"}
            and one.typology != "psp_pool"
            and "shared_device" not in one.scenario_id
        ):
            assert (one.subject_kind, one.subject) in one.members, one.scenario_id


def test_the_money_is_tainted_when_the_first_victim_has_paid(stream: Stream) -> None:
    for one in stream.scenarios:
        victims = [
            label.event_id
            for label in stream.labels
            if label.scenario_id == one.scenario_id and label.role is Role.VICTIM
        ]
        assert bool(victims) == bool(one.tainted_at)
        assert not victims or one.first_time <= one.tainted_at


def test_chosen_typologies_are_made_alone_and_as_they_are_among_others() -> None:
    names = ("crypto_exit", "rent_collector")
    few = made(GeneratorSettings(seed=3, events=10_000, per_typology=2, typologies=names))
    every = made(GeneratorSettings(seed=3, events=10_000, per_typology=2))
    assert {one.typology for one in few.scenarios} == set(names)
    wanted = {one.scenario_id for one in few.scenarios}
    assert len(wanted) == 4
    for one in few.scenarios:
        (twin,) = [each for each in every.scenarios if each.scenario_id == one.scenario_id]
        assert twin.subject == one.subject
        assert len(twin.event_ids) == len(one.event_ids)


def test_an_unknown_typology_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no 'nonsense'.*crypto_exit"):
        made(GeneratorSettings(typologies=("nonsense",)))


def test_names_of_typologies_are_plain_words() -> None:
    names = [typology.name for typology in TYPOLOGIES]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalnum() and name.islower() for name in names)
