"""Legs that few events have: what is awaited or taken back, refunds at what was paid, owners and what joins them."""

from collections.abc import Iterable
from sys import intern
from typing import Final

import msgspec

from streams.clock import from_datetime
from streams.events.model import (
    OUTSIDE_TOKENS,
    AccountReferenceEvent,
    AccountStatus,
    IpClass,
    PaymentEvent,
    PaymentStatus,
)
from streams.legs.model import Leg, LegKind, SubjectKind

CROWDED: Final = frozenset({IpClass.CARRIER_NAT, IpClass.CAMPUS, IpClass.OFFICE})
"""Behind such an address sit many whom nothing joins, so it is no subject (R31)."""
UNDOING: Final = frozenset({PaymentStatus.REJECTED, PaymentStatus.CANCELLED, PaymentStatus.RETURNED})
RESTRICTED: Final = frozenset({AccountStatus.STOPPED, AccountStatus.FROZEN, AccountStatus.NON_COUNTER_SUSPENDED})


def seat_of(event: PaymentEvent) -> str:
    """Give country and kind of the network address the order came from; empty when neither is known."""
    country, kind = event.ip_country, event.ip_class
    return intern(f"{country or ''}|{kind or ''}") if country or kind else ""


def awaited(joins: list[Leg], status: PaymentStatus) -> list[Leg]:
    """Say at each id of a payment that its line is awaited, or no more; away from the first id ``account`` names that."""
    if status is not PaymentStatus.ACCEPTED and status not in UNDOING:
        return []
    kind = int(LegKind.ACCEPTED if status is PaymentStatus.ACCEPTED else LegKind.UNDONE)
    home = joins[0].subject
    return [
        msgspec.structs.replace(each, kind=kind, facts=None, account="" if each.subject == home else home)
        for each in joins
        if not each.subject.startswith("ref:")
    ]


def seldom(
    event: PaymentEvent, kinds: frozenset[SubjectKind], as_payer: tuple[object, ...], as_payee: tuple[object, ...]
) -> list[Leg]:
    """Give a payment's leg at the network address it came from; a settled refund's at what was paid and at its merchant.

    ``as_payer`` and ``as_payee`` are the fields of a leg after its kind, seen from either end.
    """
    made: list[tuple[SubjectKind, str, LegKind, tuple[object, ...]]] = []
    if event.ip_token and event.ip_class not in CROWDED and event.debtor.account_token not in OUTSIDE_TOKENS:
        made.append((SubjectKind.IP, event.ip_token, LegKind.USE, as_payer))
    if event.relation is not None and event.status is PaymentStatus.SETTLED:
        made.append((SubjectKind.JOIN, f"pid:{event.related_payment_id}", LegKind.REFUND, as_payee))
        if event.merchant_id:
            made.append((SubjectKind.MERCHANT, event.merchant_id, LegKind.REFUND, as_payee))
    return [Leg(int(where), key, int(kind), *rest) for where, key, kind, rest in made if where in kinds]  # type: ignore[arg-type]


def about_owner(event: AccountReferenceEvent, digest: int, kinds: Iterable[SubjectKind]) -> list[Leg]:
    """Tell what an account is registered under of its owner, and the owner how it stands.

    Of active accounts only records that are younger than the account are told: those that may lift a restriction.
    """
    time = from_datetime(event.valid_from)

    def leg(where: SubjectKind, subject: str, kind: LegKind, way: str) -> Leg:
        return Leg(
            int(where), subject, int(kind), time, event.sequence, event.source, event.event_id, digest,
            party=event.party_token, account=event.account_token, way=way,
        )  # fmt: skip

    legs = []
    if SubjectKind.CONTACT in kinds:
        named = (("PHONE", event.phone_token), ("EMAIL", event.email_token), ("ADDRESS", event.address_token))
        under = {token: way for way, token in (*named, *(("OWNER", each) for each in event.ubo_tokens)) if token}
        legs = [leg(SubjectKind.CONTACT, token, LegKind.REGISTERED, way) for token, way in under.items()]
    younger = event.status is AccountStatus.ACTIVE and event.valid_from > event.opened_at
    if SubjectKind.PARTY in kinds and (younger or event.status in RESTRICTED):
        legs.append(leg(SubjectKind.PARTY, event.party_token, LegKind.STANDING, event.status))
    return legs
