"""How fast this machine is at the moment: work that never changes, so that figures of different days can be compared.

Three rules over windows of 24 hours and one hour, per account, in order, in plain Python: what the engine would cost if it did
nothing else. No code of the product takes part.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

_HOUR: Final = 3_600_000
LONG_MS, SHORT_MS = 24 * _HOUR, _HOUR
FLOOR, PAYERS, DEBITS = 20_000, 8, 10


class Leg(NamedTuple):
    """One side of a payment; times in milliseconds."""

    time: int
    event_id: str
    debit: bool
    amount: int
    other: int


class Account:
    """The log of one account, and running sums over its two windows."""

    __slots__ = ("debits", "log", "long", "payers", "received", "sent", "short")

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self.log: list[Leg] = []
        self.long = self.short = 0
        self.received = self.sent = self.debits = 0
        self.payers: dict[int, int] = {}

    def take(self, leg: Leg) -> bool:
        """Add the newest leg; says whether one of the rules holds at it."""
        log = self.log
        log.append(leg)
        self._forget(leg.time)
        if leg.debit:
            self.sent += leg.amount
            self.debits += 1
            passes = self.received >= FLOOR and 10 * self.sent >= 9 * self.received
            return passes or self.debits >= DEBITS
        self.received += leg.amount
        self.payers[leg.other] = self.payers.get(leg.other, 0) + 1
        return len(self.payers) >= PAYERS and self.received >= FLOOR

    def _forget(self, now: int) -> None:
        """Take out of the sums what lies a window or more back."""
        log, at = self.log, self.long
        while log[at].time <= now - LONG_MS:
            _, _, debit, amount, other = log[at]
            if debit:
                self.sent -= amount
            else:
                self.received -= amount
                if self.payers[other] == 1:
                    del self.payers[other]
                else:
                    self.payers[other] -= 1
            at += 1
        self.long, at = at, self.short
        while log[at].time <= now - SHORT_MS:
            self.debits -= log[at].debit
            at += 1
        self.short = at


def legs(payments: int, accounts: int = 2_000) -> Iterator[tuple[int, Leg]]:
    """Give account and leg, both sides of about so many payments; always the same."""
    rng, time = random.Random(1), 0
    for number in range(payments):
        time += rng.randrange(0, 144 * _HOUR // payments)
        debtor, creditor = int(rng.paretovariate(1.1)) % accounts, rng.randrange(accounts)
        amount, event_id = rng.randrange(100, 9_000), f"e{number}"
        if debtor != creditor:
            yield debtor, Leg(time, event_id, True, amount, creditor)  # noqa: FBT003  a column, not a switch
            yield creditor, Leg(time, event_id, False, amount, debtor)  # noqa: FBT003


def hits(sides: list[tuple[int, Leg]]) -> int:
    """Evaluate every leg; gives the number of legs at which a rule holds."""
    accounts: defaultdict[int, Account] = defaultdict(Account)
    return sum(accounts[account].take(leg) for account, leg in sides)
