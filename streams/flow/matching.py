"""What a join subject tells others: payments and lines that met here, and settlements that came as a bare status.

A settlement line stands at one join subject per id; the first is its home and alone alerts. The others forward to home what they
see and home does not. A status without parties meets its payment at a join subject, which tells the payment's accounts.
"""

from typing import Final

import msgspec

from streams.clock import quarters_ahead
from streams.events.model import OUTSIDE_TOKENS
from streams.flow.marks import Address
from streams.legs import REPORT_KEY, Leg, LegKind, SubjectKind
from streams.legs.split import RETURNED, RETURNED_SIDES, SETTLED_SIDES
from streams.state.subject import Subject

RELEASE: Final = "RELEASE"
_AWAY: Final[dict[int, frozenset[LegKind]]] = {
    LegKind.LINE: frozenset({LegKind.PAYMENT, LegKind.LINE}),
    LegKind.ACCEPTED: frozenset({LegKind.LINE, LegKind.UNDONE}),
}
"""Legs that have a home, and what is forwarded to it from the other ids."""
MATCHED: Final = "~matched"
"""In place of a report's type: it points at a payment, and ``other`` is the account that got it."""


def matches(subject: Subject) -> dict[Address, Leg]:
    """Give the marks a join subject wants to have said, whole."""
    wanted: dict[Address, Leg] = {}
    if subject.key.startswith(REPORT_KEY):
        return _told_accounts(subject)
    facts = [leg for leg in subject.log if leg.source[:1] != "~"]
    for leg in facts:
        if leg.kind in _AWAY and leg.account and leg.counted:
            for peer in facts:
                if peer.kind in _AWAY[leg.kind] and not _stands_at(peer, leg):
                    key = f"match|{subject.key}|{leg.event_id}|{peer.event_id}"
                    wanted[SubjectKind.JOIN, leg.account, key] = _forward(peer, leg.account, subject.key)
        elif leg.kind == LegKind.REPORT:
            wanted |= _reported(leg, facts)
        elif leg.kind == LegKind.STATUS:
            peers = [each for each in facts if each.kind == LegKind.PAYMENT and each.origin != RETURNED]
            if subject.key.startswith("ref:") and len({each.payment for each in peers}) > 1:
                continue  # a name that several payments have names none of them
            for peer in peers:
                if not _meets_elsewhere(subject, leg, peer):
                    wanted |= _settled(leg, peer)
    return wanted


def _reported(report: Leg, facts: list[Leg]) -> dict[Address, Leg]:
    """Tell a report's own join id which account got the payment; not when several payments answer to the name."""
    payments = {leg.payment: leg for leg in facts if leg.kind == LegKind.PAYMENT and leg.origin != RETURNED}
    if len(payments) != 1:
        return {}
    (payment,) = payments.values()
    if not payment.other:
        return {}
    hub = REPORT_KEY + report.payment
    found = msgspec.structs.replace(
        report,
        subject=hub,
        origin=MATCHED,
        other=payment.other,
        account=report.subject,
        event_id=f"{report.event_id}@{payment.payment}",
        until=0,
    )
    return {(SubjectKind.JOIN, hub, f"report|{report.event_id}|{payment.payment}"): found}


def _told_accounts(subject: Subject) -> dict[Address, Leg]:
    """Tell accounts found by a payment of the report; tell all accounts, and the payments, of its release."""
    known = subject.references
    matched = {leg.other for leg in known if leg.origin == MATCHED}
    wanted: dict[Address, Leg] = {}
    for leg in known:
        named = (leg.facts or {}).get("accounts", ())
        for account in matched - set(named) if leg.origin not in {MATCHED, RELEASE} else ():
            wanted[SubjectKind.ACCOUNT, account, f"report|{leg.event_id}"] = _at(account, leg)
        if leg.origin == RELEASE:
            for each in known:
                if each.origin == MATCHED:
                    told = msgspec.structs.replace(leg, subject=each.account, kind=int(LegKind.UNDONE), facts=None)
                    wanted[SubjectKind.JOIN, each.account, f"answer|{leg.event_id}"] = told
                for account in {*(each.facts or {}).get("accounts", ()), *matched}:
                    wanted[SubjectKind.ACCOUNT, account, f"report|{leg.event_id}"] = _at(account, leg)
    return wanted


def _at(account: str, report: Leg) -> Leg:
    return msgspec.structs.replace(report, subject_kind=int(SubjectKind.ACCOUNT), subject=account, facts=None)


def _stands_at(peer: Leg, line: Leg) -> bool:
    """Tell whether a peer has a leg of its own at the line's home."""
    kind, _, value = line.account.partition(":")
    if peer.event_id == line.event_id:
        return True
    if kind == "uetr":
        return peer.uetr == value
    return kind == "pid" and peer.kind == LegKind.PAYMENT and peer.payment.partition("|")[2] == value


def _forward(peer: Leg, home: str, here: str) -> Leg:
    account = peer.account if peer.kind == LegKind.PAYMENT else home
    return msgspec.structs.replace(
        peer, subject=home, event_id=f"{peer.event_id}@{here}", account=account, counted=True, source=f"~{peer.source}"
    )


def _meets_elsewhere(subject: Subject, status: Leg, payment: Leg) -> bool:
    """Tell whether another join subject speaks: that of the uetr, else that of the first name both have.

    A name of a payment names one of its own source only.
    """
    kind, _, value = subject.key.partition(":")
    if kind == "uetr":
        return False
    if status.uetr and status.uetr == payment.uetr:
        return True
    known = _names(payment)
    shared = next((name for name in _names(status) if name in known), None)
    return shared is None or payment.source != status.source or value.removeprefix(f"{status.source}|") != shared


def _names(leg: Leg) -> tuple[str, ...]:
    """Give all names of the payment a leg speaks of, its payment id first."""
    named = (leg.facts or {}).get("names")
    return named if isinstance(named, tuple) else (leg.payment.removeprefix(f"{leg.source}|"),)


def _settled(status: Leg, payment: Leg) -> dict[Address, Leg]:
    """Make the payment's account legs as its own settled event would have made them."""
    out, into = RETURNED_SIDES if status.origin == RETURNED else SETTLED_SIDES[payment.origin]
    key = f"status|{status.event_id}|{payment.payment}"
    debit = msgspec.structs.replace(
        payment, subject_kind=SubjectKind.ACCOUNT, subject=payment.account, kind=out, time=status.time, sequence=status.sequence,
        source=status.source, event_id=status.event_id, digest=status.digest, origin="", counted=True, facts=None, balance=None,
        amount=status.amount if status.amount and status.currency == payment.currency else payment.amount,
    )  # fmt: skip
    # What the payment's leg tells of its other end, it tells of the payee.
    credit = msgspec.structs.replace(
        debit, country="", agent="", other_type="", zone=quarters_ahead(payment.country, payment.currency)
    )
    wanted: dict[Address, Leg] = {}
    if payment.account not in OUTSIDE_TOKENS:
        wanted[SubjectKind.ACCOUNT, payment.account, key] = debit
    if payment.merchant and status.origin != RETURNED and payment.origin == "":
        wanted[SubjectKind.MERCHANT, payment.merchant, key] = msgspec.structs.replace(
            credit, subject_kind=int(SubjectKind.MERCHANT), subject=payment.merchant, kind=int(LegKind.SALE), account=payment.other,
            other="" if payment.account in OUTSIDE_TOKENS else payment.account,
        )  # fmt: skip
    if payment.other:
        other = "" if payment.account in OUTSIDE_TOKENS else payment.account
        wanted[SubjectKind.ACCOUNT, payment.other, key] = msgspec.structs.replace(
            credit, subject=payment.other, kind=into, other=other, party=payment.other, account=payment.other
        )
    return wanted
