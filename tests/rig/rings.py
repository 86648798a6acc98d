"""Small rings of accounts for tests of marks from account to account: chains, fans, payments back, returns, conflicts."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec
from hypothesis import strategies as st

from streams.clock import HOUR_MS, MINUTE_MS, to_datetime
from streams.detection.check import check_files
from streams.detection.program import Programs, compile_ruleset
from streams.events import Event, PaymentEvent
from streams.events.model import Account, PaymentStatus, Rail
from tests.rig.worlds import START_MS


@cache
def programs() -> Programs:
    """Give the rules of rings, compiled."""
    folder = Path(__file__).parents[1] / "rules" / "rings"
    ruleset, findings = check_files({path.name: path.read_text() for path in sorted(folder.glob("*.yaml"))})
    assert ruleset is not None, findings
    return compile_ruleset(ruleset)


_times = st.integers(0, 20).map(lambda n: to_datetime(START_MS + n * HOUR_MS + (n % 3) * 20 * MINUTE_MS))
_accounts = st.sampled_from(("a", "b", "c", "d", "e", "CASH"))
_amounts = st.sampled_from((1000, 980, 950, 930, 400))
_currencies = st.sampled_from(("CNY", "CNY", "CNY", "USD"))


def _payment(moment: datetime, ends: Sequence[str], amount: int, currency: str, status: PaymentStatus) -> Event:
    return PaymentEvent(
        event_id="", schema_version=1, source="s", event_time=moment, payment_id="", rail=Rail.BANK, status=status,
        amount_minor=amount, currency=currency, debtor=Account(ends[0]), creditor=Account(ends[1]), initiated_at=moment,
        settled_at=moment,
    )  # fmt: skip


@st.composite
def transfers(draw: st.DrawFn) -> Event:
    """A settled payment between two accounts of the ring; now and then one that is returned."""
    ends = draw(st.lists(_accounts, min_size=2, max_size=2, unique=True))
    status = draw(st.sampled_from((*(9 * (PaymentStatus.SETTLED,)), PaymentStatus.RETURNED)))
    return _payment(draw(_times), ends, draw(_amounts), draw(_currencies), status)


@st.composite
def chains(draw: st.DrawFn) -> list[Event]:
    """Money that goes through five accounts in a row."""
    start, names = draw(st.integers(0, 10)), draw(st.permutations(("a", "b", "c", "d", "e")))
    return [
        _payment(to_datetime(START_MS + (start + i) * HOUR_MS), ends, 1000 - 10 * i, "CNY", PaymentStatus.SETTLED)
        for i, ends in enumerate(pairwise(names))
    ]


def rings(*, conflicts: bool) -> st.SearchStrategy[list[Event]]:
    """Give payments of a ring; with ``conflicts`` some event ids are taken twice, by other contents."""
    some = st.lists(transfers(), min_size=1, max_size=12)
    both = st.tuples(st.one_of(st.just([]), chains()), some).map(lambda pair: pair[0] + pair[1])
    return both.map(lambda known: _named(known, conflicts=conflicts))


def _named(known: list[Event], *, conflicts: bool) -> list[Event]:
    size = max(len(known) * 2 // 3, 1) if conflicts else len(known)
    return [
        msgspec.structs.replace(each, event_id=f"e{i % size}", payment_id=f"p{i % size}")
        for i, each in enumerate(known)
    ]
