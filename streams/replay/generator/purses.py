"""An account whose messages tell its balance, and the ordinary days it has before something happens."""

from typing import Final

from msgspec.structs import replace

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS
from streams.events.model import PartyType, Rail
from streams.replay.generator.draws import Spread, below, local_day, local_day_start
from streams.replay.generator.mules import YUAN, plain
from streams.replay.generator.payments import Paid, Transfer
from streams.replay.generator.population import Holder
from streams.replay.generator.story import Case, Role

_DAILY: Final = Spread((0, 8), (600, 40), (900, 160), (1_000, 400))
"""What somebody spends or gets at a time on an ordinary day, in yuan."""


class Purse:
    """One account and what is on it, in minor units. Its payments have to be made in order of time."""

    def __init__(self, case: Case, holder: Holder, balance: int) -> None:
        """Start with a balance."""
        self.case, self.holder, self.balance = case, holder, balance

    def move(self, plan: Transfer, role: Role | None = None) -> Paid:
        """Make a payment out of the account or into it; without a role it bears no label."""
        out = plan.debtor.token == self.holder.token
        self.balance += -plan.amount_minor if out else plan.amount_minor
        plan = replace(plan, balances=(self.balance, None) if out else (None, self.balance))
        return self.case.pay_aside(plan) if role is None else self.case.pay(plan, role)


def ordinary_days(purse: Purse, days: int, hours: tuple[int, int] = (9, 20), role: Role | None = None) -> int:
    """Let an account be used twice on nearly every of so many local days, between two hours; gives the moment after them.

    Spending goes to a stall and a shopkeeper, money comes from a friend and a relative; all four know the account.
    """
    case = purse.case
    rng = case.rng
    stall, keeper = case.fresh("stall", PartyType.SOLE), case.fresh("shopkeeper", PartyType.SOLE)
    friend, relative = case.people(2)
    first = local_day(case.start_ms) + 1
    for day in range(first, first + days):
        if day % 9 == 4:  # noqa: PLR2004 - one day in nine nothing happens
            continue
        times = sorted(below(rng, (hours[1] - hours[0]) * 60) * MINUTE_MS for _ in range(2))
        for number, time in enumerate(times):
            at = local_day_start(day) + hours[0] * HOUR_MS + time
            amount = _DAILY.draw(rng) * YUAN + below(rng, 100)
            if (day + number) % 3 == 0:
                purse.move(plain((friend, relative)[day % 2], purse.holder, amount, at), role)
            else:
                spent = plain(purse.holder, (stall, keeper)[number % 2], amount, at)
                purse.move(replace(spent, rail=Rail.QR), role)
    return local_day_start(first + days)


def next_hour(at: int, hour: int) -> int:
    """Give the next moment at which it is so late in China."""
    start = local_day_start(local_day(at)) + hour * HOUR_MS
    return start if start >= at else start + DAY_MS
