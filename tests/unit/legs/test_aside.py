"""Legs that few events have: at network addresses, at what is awaited, given back or registered."""

from dataclasses import dataclass

import pytest

from streams.events.model import PaymentStatus, PaymentStatusEvent
from streams.legs import Leg, LegKind, Split, SubjectKind, split
from streams.replay.notation import read_events

EVERY = frozenset(SubjectKind)
UETR = "11111111-1111-4111-8111-111111111111"


@dataclass(frozen=True)
class Where:
    """A leg in short: whose it is, of which kind, and what ``account`` and ``way`` say."""

    kind: SubjectKind
    subject: str
    said: LegKind
    account: str = ""
    way: str = ""


def legs(text: str, kinds: frozenset[SubjectKind] = EVERY) -> list[Leg]:
    (event,) = read_events(text, 1)
    return split(event, Split(0, 1, kinds))


def those(found: list[Leg], *kinds: LegKind) -> set[Where]:
    return {
        Where(SubjectKind(leg.subject_kind), leg.subject, LegKind(leg.kind), leg.account, leg.way)
        for leg in found
        if leg.kind in kinds
    }


@pytest.mark.parametrize(("kind", "made"), [("RESIDENTIAL", 1), ("HOSTING", 1), ("CARRIER_NAT", 0), ("OFFICE", 0)])
def test_an_address_has_a_leg_unless_many_sit_behind_it(kind: str, made: int) -> None:
    found = legs(f"09:00 a pays b 500 CNY ip=router ip_country=KH ip_class={kind}")
    assert sum(leg.subject_kind == SubjectKind.IP for leg in found) == made
    assert {leg.seat for leg in found if leg.subject == "a"} == {f"KH|{kind}"}


def test_kinds_of_subject_that_no_rule_looks_at_have_no_leg() -> None:
    before = frozenset({SubjectKind.ACCOUNT})
    for text in (
        "09:00 a pays b 500 CNY ip=router",
        "09:00 shop pays b 500 CNY merchant=M1 refund_of=P1",
        "09:00 reference a phone=number status=STOPPED",
        "09:00 a pays b 500 CNY status=ACCEPTED",
    ):
        assert {leg.subject_kind for leg in legs(text, before)} == {SubjectKind.ACCOUNT}


def test_an_accepted_payment_is_awaited_at_its_first_id_and_the_others_name_it() -> None:
    found = those(legs(f"09:00 a pays b 500 CNY pid=P1 uetr={UETR} status=ACCEPTED"), LegKind.ACCEPTED)
    home = f"uetr:{UETR}"
    assert found == {
        Where(SubjectKind.JOIN, home, LegKind.ACCEPTED, "", "BANK"),
        Where(SubjectKind.JOIN, "pid:P1", LegKind.ACCEPTED, home, "BANK"),
    }


@pytest.mark.parametrize("status", ["REJECTED", "CANCELLED", "RETURNED"])
def test_what_is_taken_back_is_told_by_a_message_and_by_a_bare_status(status: str) -> None:
    ended = {("pid:P1", LegKind.UNDONE)}
    assert {
        (each.subject, each.said)
        for each in those(legs(f"09:00 a pays b 500 CNY pid=P1 status={status}"), LegKind.UNDONE)
    } == ended
    (whole,) = read_events("09:00 a pays b 500 CNY pid=P1", 1)
    bare = PaymentStatusEvent("s", 1, "test", whole.event_time, PaymentStatus(status), payment_id="P1")
    assert {(each.subject, each.said) for each in those(split(bare, Split(0, 1, EVERY)), LegKind.UNDONE)} == ended


def test_a_settled_payment_awaits_nothing_and_ends_nothing() -> None:
    assert those(legs("09:00 a pays b 500 CNY pid=P1"), LegKind.ACCEPTED, LegKind.UNDONE, LegKind.REFUND) == set()


def test_a_refund_is_told_where_the_sale_is_known_and_at_the_merchant() -> None:
    found = those(legs("09:00 shop pays buyer 500 CNY merchant=M1 refund_of=P1"), LegKind.REFUND)
    assert found == {
        Where(SubjectKind.JOIN, "pid:P1", LegKind.REFUND, "buyer", "BANK"),
        Where(SubjectKind.MERCHANT, "M1", LegKind.REFUND, "buyer", "BANK"),
    }


def test_an_account_is_told_to_what_it_is_registered_under() -> None:
    found = those(legs("09:00 reference a phone=n email=m address=h owned_by=u"), LegKind.REGISTERED)
    assert {(each.subject, each.way) for each in found} == {
        ("n", "PHONE"),
        ("m", "EMAIL"),
        ("h", "ADDRESS"),
        ("u", "OWNER"),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("09:00 reference a owner=boss", set()),
        ("09:00 reference a owner=boss opened=2025-01-01", {"ACTIVE"}),
        ("09:00 reference a owner=boss status=STOPPED", {"STOPPED"}),
        ("09:00 reference a owner=boss status=DORMANT", set()),
    ],
)
def test_an_owner_hears_of_restrictions_and_of_records_that_may_lift_them(text: str, told: set[str]) -> None:
    assert {each.way for each in those(legs(text), LegKind.STANDING)} == told
