"""The vocabulary of the rule language: subjects, legs, fields, and what type each has."""

from enum import StrEnum
from typing import Final

from streams.clock import DAY_MS, HOUR_MS, QUARTER_MS
from streams.events.model import AccountStatus, Confidence, IpClass, PartyType, Rail, ReportType
from streams.legs import LegKind, SubjectKind
from streams.money import EXPONENTS

WINDOW_MS_MAX: Final = 30 * DAY_MS
HISTORY_MS_MAX: Final = 120 * DAY_MS
"""Days are remembered for so long before the longest window and lateness."""
PAIR_MS: Final = 30 * DAY_MS
"""``new``: no leg between subject and counterparty in this span before."""
KNOWN_MS: Final = 180 * DAY_MS
"""``known_for``: a counterparty is known from its first leg on, until so long passes without one."""
PAUSE_MS_MAX: Final = 400 * DAY_MS
"""A pause is measured up to this; an account of which nothing was seen for longer is forgotten."""
SCAN_MAX: Final = 200
"""Sequences and pauses look at the newest legs of a window, at most so many of each kind."""
NAMES_MAX: Final = 16
"""A mark on a payment names the newest counterparties that the rule counted, at most so many."""


class Type(StrEnum):
    """What a value is; values of unlike types are not compared."""

    MONEY = "money"
    COUNT = "count"
    TEXT = "text"
    SET = "set"
    BOOL = "condition"
    SPAN = "length of time"
    ACCOUNTS = "account"
    COUNTRIES = "country"
    AGENTS = "agent"
    DEVICES = "device"
    MERCHANTS = "merchant"
    ADDRESSES = "ip"
    CONTACTS = "contact"
    PARTIES = "party"


TEXTS: Final = frozenset(
    {Type.TEXT, Type.ACCOUNTS, Type.COUNTRIES, Type.AGENTS, Type.DEVICES, Type.MERCHANTS, Type.PARTIES}
)
"""Kinds of text; two are compared whatever their kinds, a list is asked about texts of its own kind only."""


SUBJECTS: Final = {
    "account": SubjectKind.ACCOUNT,
    "device": SubjectKind.DEVICE,
    "merchant": SubjectKind.MERCHANT,
    "settlement": SubjectKind.JOIN,
    "ip": SubjectKind.IP,
    "contact": SubjectKind.CONTACT,
    "party": SubjectKind.PARTY,
}
SUBJECT_WORDS: Final = {kind: word for word, kind in SUBJECTS.items()}

LIST_KINDS: Final = {
    "account": Type.ACCOUNTS,
    "device": Type.DEVICES,
    "merchant": Type.MERCHANTS,
    "country": Type.COUNTRIES,
    "agent": Type.AGENTS,
    "ip": Type.ADDRESSES,
    "contact": Type.CONTACTS,
    "party": Type.PARTIES,
}
"""What the keys of a list may name."""
Kinds = tuple[LegKind, ...]
LEGS: Final[dict[SubjectKind, dict[str, Kinds]]] = {
    SubjectKind.ACCOUNT: {
        "debits": (LegKind.DEBIT,),
        "credits": (LegKind.CREDIT,),
        "movements": (LegKind.DEBIT, LegKind.CREDIT),
        "initiated": (LegKind.INITIATED,),
        "refunds_paid": (LegKind.REFUND_OUT,),
        "refunds_received": (LegKind.REFUND_IN,),
        "payouts_received": (LegKind.PAYOUT,),
    },
    SubjectKind.DEVICE: {"uses": (LegKind.USE,), "marks": (LegKind.MARK,)},
    SubjectKind.MERCHANT: {
        "payouts": (LegKind.PAYOUT,),
        "sales": (LegKind.SALE,),
        "batches": (LegKind.BATCH,),
        "refunds": (LegKind.REFUND,),
    },
    SubjectKind.JOIN: {
        "payments": (LegKind.PAYMENT,),
        "lines": (LegKind.LINE,),
        "reports": (LegKind.REPORT,),
        "refunds": (LegKind.REFUND,),
        "endings": (LegKind.UNDONE,),
    },
    SubjectKind.IP: {"uses": (LegKind.USE,)},
    SubjectKind.CONTACT: {"registrations": (LegKind.REGISTERED,)},
    SubjectKind.PARTY: {"standings": (LegKind.STANDING,), "marks": (LegKind.MARK,)},
}
TRIGGERS: Final[dict[SubjectKind, dict[str, LegKind]]] = {
    SubjectKind.ACCOUNT: {
        "debit": LegKind.DEBIT,
        "credit": LegKind.CREDIT,
        "initiated": LegKind.INITIATED,
        "incoming": LegKind.INCOMING,
        "refund_paid": LegKind.REFUND_OUT,
        "refund_received": LegKind.REFUND_IN,
        "payout_received": LegKind.PAYOUT,
    },
    SubjectKind.DEVICE: {"use": LegKind.USE, "mark": LegKind.MARK},
    SubjectKind.MERCHANT: {
        "payout": LegKind.PAYOUT,
        "sale": LegKind.SALE,
        "batch": LegKind.BATCH,
        "refund": LegKind.REFUND,
    },
    SubjectKind.JOIN: {
        "line": LegKind.LINE,
        "report": LegKind.REPORT,
        "accepted": LegKind.ACCEPTED,
        "refund": LegKind.REFUND,
    },
    SubjectKind.IP: {"use": LegKind.USE},
    SubjectKind.CONTACT: {"registration": LegKind.REGISTERED},
    SubjectKind.PARTY: {"standing": LegKind.STANDING, "mark": LegKind.MARK},
}
ROLE_OF: Final = {
    int(kind): word for words in TRIGGERS.values() for word, kind in words.items()
} | {int(LegKind.PAYMENT): "payment"}  # fmt: skip
DISTINCT: Final = {
    "counterparty": "other",
    "customer": "party",
    "account": "account",
    "device": "device",
    "settlement": "payment",
    "payment": "payment",
    "sender": "account",
    "batch": "batch",
    "merchant": "merchant",
    "amount": "amount",
    "day": "time",
}
"""Field words after ``count distinct`` and ``with the same``, and the attribute of the leg; ``day`` is the UTC day of its time."""
FIELDS: Final = {
    "amount": ("x.amount", Type.MONEY),
    "counterparty": ("x.other", Type.ACCOUNTS),
    "payee_owner": ("x.party", Type.TEXT),
    "customer": ("x.party", Type.TEXT),
    "device": ("x.device", Type.DEVICES),
    "merchant": ("x.merchant", Type.MERCHANTS),
    "currency": ("x.currency", Type.TEXT),
    "rail": ("x.way", Type.TEXT),
    "cycle": ("x.way", Type.TEXT),
    "purpose": ("x.purpose", Type.TEXT),
    "mcc": ("x.mcc", Type.TEXT),
    "country": ("x.country", Type.COUNTRIES),
    "agent": ("x.agent", Type.AGENTS),
    "counterparty_type": ("x.other_type", Type.TEXT),
    "cross_border": ("x.abroad", Type.BOOL),
    "foreign_currency": ("x.foreign", Type.BOOL),
    "batch": ("x.batch", Type.TEXT),
    "gross": ("x.figures[0]", Type.MONEY),
    "due": ("x.figures[1]", Type.MONEY),
    "rounding": ("x.figures[2]", Type.MONEY),
    "known_for": (f"(0 if x.previous <= x.time - {KNOWN_MS} else x.time - x.known)", Type.SPAN),
    "under_way_for": ("(x.time - x.started if x.started else 0)", Type.SPAN),
    "balance": ("x.balance", Type.MONEY),
    "ip_country": ("x.seat.partition('|')[0]", Type.COUNTRIES),
    "ip_class": ("x.seat.partition('|')[2]", Type.TEXT),
    "report": ("x.origin", Type.TEXT),
    "registered_as": ("x.way", Type.TEXT),
    "standing": ("x.way", Type.TEXT),
    "hour": (f"((x.time + x.zone * {QUARTER_MS}) // {HOUR_MS} % 24)", Type.COUNT),
}
"""Words for a leg's own fields in ``when`` and after ``where``, and their source.

``country``, ``agent`` (bank or payment company) and ``counterparty_type`` are those of the other end. ``foreign_currency``
says that the currency is that of neither end's country. ``gross``, ``due`` (what its figures leave to be paid) and
``rounding`` (one minor unit an item) are a batch's; its ``amount`` is what it says to pay out. ``ip_country`` and
``ip_class`` say where the payer gave the order, ``registered_as`` what joins accounts (PHONE, EMAIL, ADDRESS, OWNER),
``standing`` how an account of a party stands. ``balance`` is the account's own after the leg, ``hour`` the subject's local
one, 0 to 23.
"""
MISSING: Final = {
    **dict.fromkeys(("gross", "due", "rounding"), "x.figures is None"),
    "balance": "x.balance is None",
}
"""Fields that are no text and may be missing, and the source that tells."""
OTHERS: Final = "OTHER"
"""In a limit per kind of account holder: all who are not named, and all of whom nothing is registered."""
SEGMENTS: Final = (*PartyType, OTHERS)
CODES: Final[dict[str, frozenset[str]]] = {
    "rail": frozenset(Rail),
    "counterparty_type": frozenset(PartyType),
    "party_type": frozenset(PartyType),
    "status": frozenset(AccountStatus),
    "currency": frozenset(EXPONENTS),
    "ip_class": frozenset(IpClass),
    "report": frozenset(ReportType),
    "registered_as": frozenset({"PHONE", "EMAIL", "ADDRESS", "OWNER"}),
    "standing": frozenset(AccountStatus),
}
"""Fields whose codes are a closed set: another code in a comparison is a fault."""
REFERENCES: Final[dict[SubjectKind, dict[str, Type]]] = {
    SubjectKind.MERCHANT: {"owner": Type.TEXT, "payout_accounts": Type.SET, "mcc": Type.TEXT},
    SubjectKind.ACCOUNT: {
        "owner": Type.TEXT,
        "party_type": Type.TEXT,
        "status": Type.TEXT,
        "home_country": Type.COUNTRIES,
    },
}
"""Words after ``reference``: what is registered of the subject at the time of the leg."""
_PROVEN: Final = frozenset({Confidence.POLICE, Confidence.COURT})
_SUSPECTED: Final = frozenset(
    {ReportType.VICTIM_REPORT, ReportType.STOP_PAYMENT, ReportType.FREEZE, ReportType.RECALL, ReportType.LIST_ENTRY}
)
NOTICES: Final[dict[str, tuple[frozenset[ReportType], frozenset[Confidence]]]] = {
    "stop": (frozenset({ReportType.STOP_PAYMENT, ReportType.FREEZE}), frozenset(Confidence)),
    "confirmed_report": (_SUSPECTED, _PROVEN),
    "allegation": (_SUSPECTED, frozenset({Confidence.ALLEGED})),
    "recall": (frozenset({ReportType.RECALL}), frozenset(Confidence)),
}
"""Words after ``time since``: what stands against an account, by types of report and who stands behind them."""
MOMENTS: Final[dict[SubjectKind, frozenset[str]]] = {
    SubjectKind.MERCHANT: frozenset({"opened", "onboarded"}),
    SubjectKind.ACCOUNT: frozenset({"opened", *NOTICES}),
}
"""Words after ``time since``: registered moments of the subject."""
