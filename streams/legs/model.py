"""Legs, marks and control records: everything that travels in the activity log.

A *leg* is one subject's side of an event. Order of a subject's legs: (event time, sequence, source, event id), compared
left to right. Legs are packed as arrays; the field order is part of the format, new fields go to the end.
"""

from enum import IntEnum
from operator import attrgetter
from typing import Final
from zlib import crc32

from msgspec import Struct


class SubjectKind(IntEnum):
    """Who owns state."""

    EVENT = 0
    """The accounting of one event id: duplicates, conflicts, counts (invariant I7)."""
    ACCOUNT = 1
    DEVICE = 2
    MERCHANT = 3
    JOIN = 4
    """One id under which payment and settlement meet: ``uetr:``, ``pid:`` or ``e2e:``."""
    IP = 5
    """A network address, unless many sit behind it by its nature."""
    CONTACT = 6
    """A telephone number, e-mail address, address or owner under which accounts are registered."""
    PARTY = 7
    """Who owns accounts."""


class LegKind(IntEnum):
    """What the leg says of its subject."""

    ACCOUNTING = 0
    REFUSED = 1
    DEBIT = 2
    CREDIT = 3
    REFUND_OUT = 4
    REFUND_IN = 5
    OWN_OUT = 6
    OWN_IN = 7
    INITIATED = 8
    USE = 9
    PAYMENT = 10
    LINE = 11
    STATUS = 12
    PAYOUT = 13
    REFERENCE = 14
    MARK = 15
    DEADLINE = 16
    REPORT = 17
    SALE = 18
    """A settled payment, at the merchant it pays."""
    BATCH = 19
    """A batch of sales, at its merchant."""
    INCOMING = 20
    """A payment to it was initiated, settled or not."""
    ACCEPTED = 21
    """A payment was accepted for settlement, at the ids under which its line is awaited."""
    UNDONE = 22
    """A payment was rejected, cancelled or returned, or its recall was answered, at its ids."""
    REFUND = 23
    """Money is given back for a payment, at the payment's id and at its merchant."""
    REGISTERED = 24
    """An account is registered, at what it is registered under; ``way`` says which that is."""
    STANDING = 25
    """How an account stands (``way``), at its owner: restricted, or active again."""


class Leg(Struct, array_like=True, gc=False):
    """One subject's side of an event.

    ``payment`` names the payment (``source|payment_id``) or settlement line a leg belongs to; ``account`` is the other
    end's own account where the subject is none (device: the payer's account); ``facts`` is reference data, a few strings.
    ``counted``, ``previous`` and ``known`` are derived by the subject and never trusted from the wire.
    """

    subject_kind: int
    subject: str
    kind: int
    time: int
    sequence: int
    source: str
    event_id: str
    digest: int
    payment: str = ""
    uetr: str = ""
    amount: int = 0
    currency: str = ""
    other: str = ""
    party: str = ""
    account: str = ""
    device: str = ""
    merchant: str = ""
    late: bool = False
    origin: str = ""
    """Accounting only: the source position ``topic/partition``."""
    offset: int = 0
    refusal: str = ""
    route: bytes = b""
    """Accounting only: the subjects of the event, so that a conflict can reach them. Packed, as hardly any ever has one."""
    facts: dict[str, str | tuple[str, ...]] | None = None
    until: int = 0
    counted: bool = True
    previous: int = -1
    known: int = -1
    """Derived: since when the counterparty was known before this leg, as ``previous`` is when it was last met."""
    way: str = ""
    """How the money travels: rail of a payment, cycle (T0, T1) of a settlement."""
    purpose: str = ""
    mcc: str = ""
    country: str = ""
    """Of the other end, like ``agent`` (its bank or payment company) and ``other_type`` (person, merchant, ...)."""
    agent: str = ""
    other_type: str = ""
    abroad: bool = False
    """Both countries are known and differ."""
    started: int = 0
    """When a payment was initiated, if that was earlier than ``time``."""
    batch: str = ""
    figures: tuple[int, int, int] | None = None
    """Of a batch: gross, what its own figures leave to be paid, number of items."""
    zone: int = 0
    """Quarters of an hour by which the subject's own clocks are ahead of UTC."""
    balance: int | None = None
    """Of the subject's account after this leg, in minor units, where its bank tells it."""
    seat: str = ""
    """Where the payer gave the order: country and kind of his network address, ``KH|RESIDENTIAL``."""
    marked: tuple[str, ...] = ()
    """Derived: rules that said yes to the same payment at its other end, sorted; from marks (``state/hearing.py``)."""
    foreign: bool = False
    """Both countries are known and the currency is that of neither (``money/tender.py``)."""


class Said(Struct, array_like=True, gc=False, frozen=True):
    """What a mark says of one payment: a rule said yes to it at its other end, the account ``sender``, or does so no more."""

    rule_id: str
    sender: str
    time: int
    """Event time of the payment's leg."""
    stands: bool = True
    names: tuple[str, ...] = ()
    """Accounts that the rule counted there, where somebody asks which they are."""


class Mark(Struct, array_like=True, gc=False):
    """A message from one subject to another: absolute, keyed, the newest position wins; ``leg`` None withdraws it.

    ``void`` names a digest of ``key`` (an event id) that lost a conflict and must not stand. ``said`` is about the leg of the event
    ``key`` and not a leg of its own. ``gone_time`` is the event time of what is taken out: of the copy that lost, or, noted by who
    hears it, of the leg withdrawn; negative when that is not known.
    """

    subject_kind: int
    subject: str
    key: str
    position: tuple[int, int, int]
    leg: Leg | None
    void: int = -1
    said: Said | None = None
    gone_time: int = -1


class Terms(Struct, array_like=True, frozen=True):
    """On what terms a ruleset is in force: who stands behind it, and until when it only watches."""

    shadow_until: int = 0
    """Alerts whose last hit is before this event time are shadow alerts: history from which state was built."""
    approved_by: str = ""
    emergency: str = ""
    """Why it was published without approval; empty when it was approved."""


APPROVED: Final = Terms()


class Control(Struct, array_like=True):
    """What a person or the operator says to every partition: a ruleset, the set of sources, the end of history.

    ``kind``: ``ruleset`` (digest, in force from event time ``time``, on ``terms``), ``sources`` (names), ``end``.
    """

    kind: str
    digest: str = ""
    time: int = 0
    names: tuple[str, ...] = ()
    terms: Terms = APPROVED


class Packed(Struct, array_like=True, gc=False):
    """One record of the activity topic. Its parts apply in the order control, legs, marks, watermarks."""

    version: int
    sender: str
    legs: list[Leg]
    marks: list[Mark]
    watermarks: dict[str, int]
    control: Control | None = None


FORMAT_VERSION: Final = 1
WAKES: Final = frozenset(map(int, (LegKind.LINE, LegKind.STATUS, LegKind.REPORT, LegKind.ACCEPTED, LegKind.REFUND)))
"""What a join id has to decide about; payments alone sleep there."""
REPORT_KEY: Final = "rep:"
"""Start of the join id at which all is known of one report."""
order = attrgetter("time", "sequence", "source", "event_id", "kind")
"""Sort key of a subject's legs."""
content = attrgetter(
    "digest", "payment", "uetr", "amount", "currency", "other", "party", "account", "device", "merchant", "origin"
)
"""What a leg says beside its place in the order; what the receiving subject derives is no part of it."""


def partition_of(kind: int, subject: str, partitions: int) -> int:
    """Our own hash, independent of any producer's partitioner: CRC-32 of kind and key."""
    return crc32(subject.encode(), kind) % partitions
