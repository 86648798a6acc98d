"""The vocabulary of the rule language: subjects, legs, fields, and what type each has."""

from enum import StrEnum
from typing import Final

from streams.clock import DAY_MS
from streams.legs import LegKind, SubjectKind

WINDOW_MS_MAX: Final = 30 * DAY_MS
PAIR_MS: Final = 30 * DAY_MS
"""``new``: no leg between subject and counterparty in this span before."""


class Type(StrEnum):
    """What a value is; values of unlike types are not compared."""

    MONEY = "money"
    COUNT = "count"
    TEXT = "text"
    SET = "set"
    BOOL = "bool"


SUBJECTS: Final = {
    "account": SubjectKind.ACCOUNT,
    "device": SubjectKind.DEVICE,
    "merchant": SubjectKind.MERCHANT,
    "settlement": SubjectKind.JOIN,
}
SUBJECT_WORDS: Final = {kind: word for word, kind in SUBJECTS.items()}

LEGS: Final[dict[SubjectKind, dict[str, LegKind]]] = {
    SubjectKind.ACCOUNT: {
        "debits": LegKind.DEBIT,
        "credits": LegKind.CREDIT,
        "initiated": LegKind.INITIATED,
        "refunds_paid": LegKind.REFUND_OUT,
        "refunds_received": LegKind.REFUND_IN,
    },
    SubjectKind.DEVICE: {"uses": LegKind.USE, "marks": LegKind.MARK},
    SubjectKind.MERCHANT: {"payouts": LegKind.PAYOUT},
    SubjectKind.JOIN: {"payments": LegKind.PAYMENT, "lines": LegKind.LINE},
}
TRIGGERS: Final[dict[SubjectKind, dict[str, LegKind]]] = {
    SubjectKind.ACCOUNT: {
        "debit": LegKind.DEBIT,
        "credit": LegKind.CREDIT,
        "initiated": LegKind.INITIATED,
        "refund_paid": LegKind.REFUND_OUT,
        "refund_received": LegKind.REFUND_IN,
    },
    SubjectKind.DEVICE: {"use": LegKind.USE, "mark": LegKind.MARK},
    SubjectKind.MERCHANT: {"payout": LegKind.PAYOUT},
    SubjectKind.JOIN: {"line": LegKind.LINE},
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
}
"""Field words after ``count distinct``, and the attribute of the leg."""
FIELDS: Final = {
    "amount": ("amount", Type.MONEY),
    "counterparty": ("other", Type.TEXT),
    "payee_owner": ("party", Type.TEXT),
    "customer": ("party", Type.TEXT),
    "device": ("device", Type.TEXT),
    "merchant": ("merchant", Type.TEXT),
    "currency": ("currency", Type.TEXT),
}
"""Words for the triggering leg's own fields in ``when``."""
REFERENCES: Final = {"owner": Type.TEXT, "payout_accounts": Type.SET, "mcc": Type.TEXT}
"""Words after ``reference``: what is registered of a merchant at the time of the leg."""
