"""Which legs count once, under which ids, which stand as facts, and when two say the same."""

from typing import Final

from streams.legs import REPORT_KEY, Leg, LegKind, SubjectKind, content, order

ONCE: Final = frozenset(
    map(
        int,
        (
            LegKind.DEBIT,
            LegKind.CREDIT,
            LegKind.REFUND_OUT,
            LegKind.REFUND_IN,
            LegKind.LINE,
            LegKind.SALE,
            LegKind.BATCH,
            LegKind.REFUND,
        ),
    )
)
"""Legs that count once per payment or settlement, from the smallest in order."""
_REFUNDS: Final = frozenset(map(int, (LegKind.REFUND_OUT, LegKind.REFUND_IN)))
_LINE: Final = int(LegKind.LINE)
_ACCOUNT: Final = int(SubjectKind.ACCOUNT)


def registers(kind: int, key: str) -> bool:
    """Tell whether reports stand at a subject for as long as they hold, and are no events of a moment."""
    return kind == _ACCOUNT or key.startswith(REPORT_KEY)


def same(before: Leg, now: Leg | None) -> bool:
    """Tell whether two legs have the same place and content."""
    return now is not None and order(before) == order(now) and content(before) == content(now)


def ids(leg: Leg) -> tuple[str, ...]:
    """Ids under which a leg's payment counts once; a refund is another movement than its payment."""
    if leg.kind in _REFUNDS:
        return (f"refund:{leg.payment}",)
    if leg.kind == _LINE or not leg.uetr:
        return (leg.payment,)
    return leg.payment, leg.uetr
