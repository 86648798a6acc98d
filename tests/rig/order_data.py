"""Seeded payments that make a wrong order show: many equal times, legs exactly one window apart, two currencies, bursts.

Times are full minutes or full seconds, so that ties are the rule and not the exception; sequence and source, which break ties, are
drawn independently of the time and of the place in the stream.
"""

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, to_text

START_MS: Final = 1_767_225_600_000
SPAN_DAYS: Final = 45
END_MS: Final = START_MS + SPAN_DAYS * DAY_MS
OUT_OF_ORDER: Final = 0.05
DELAY_MS_MAX: Final = 2 * DAY_MS
_APART: Final = (HOUR_MS, DAY_MS, 30 * DAY_MS)
_FLOOR: Final = {"CNY": 20_000_00, "USD": 3_000_00}
_SOURCES: Final = ("bank-a", "bank-b", "bank-c")


class Payment(NamedTuple):
    """One settled payment; ``arrival`` orders the stream."""

    event_id: str
    time: int
    sequence: int
    source: str
    debtor: str
    creditor: str
    amount_minor: int
    currency: str
    arrival: int = 0

    def line(self) -> bytes:
        """Give the event as a record of a source topic."""
        text = to_text(self.time)
        return msgspec.json.encode(
            {
                "event_type": "payment", "event_id": self.event_id, "schema_version": 1, "source": self.source,
                "event_time": text, "payment_id": f"p-{self.event_id}", "rail": "BANK", "status": "SETTLED",
                "amount_minor": self.amount_minor, "currency": self.currency, "sequence": self.sequence,
                "debtor": {"account_token": self.debtor}, "creditor": {"account_token": self.creditor},
                "initiated_at": text, "settled_at": text,
            }
        )  # fmt: skip


def payments(count: int, seed: int = 7) -> list[Payment]:
    """Give ``count`` payments in order of arrival: that of time, except for 5 % that come up to two days late."""
    dice = random.Random(seed)
    accounts = [f"a{number:04d}" for number in range(max(count // 40, 20))]
    made: list[Payment] = []
    while len(made) < count:
        maker = dice.choices((_background, _burst, _collector), (60, 2, 3))[0]
        for each in maker(dice, accounts):
            made.append(each._replace(event_id=f"e{dice.randrange(1 << 40):010x}-{len(made)}"))
            if dice.random() < 0.03 and each.time < END_MS - 30 * DAY_MS:
                made.append(_one_window_later(dice, each)._replace(event_id=f"w{dice.randrange(1 << 40):010x}"))
    return sorted((each._replace(arrival=_arrival(dice, each.time)) for each in made[:count]), key=_by_arrival)


def _by_arrival(payment: Payment) -> tuple[int, str]:
    return payment.arrival, payment.event_id


def _arrival(dice: random.Random, time: int) -> int:
    return time + dice.randrange(1, DELAY_MS_MAX) if dice.random() < OUT_OF_ORDER else time


def _time(dice: random.Random) -> int:
    step = dice.choice((SECOND_MS, MINUTE_MS))
    return START_MS + dice.randrange(SPAN_DAYS * DAY_MS // step) * step


def _payment(dice: random.Random, time: int, ends: tuple[str, str], amount: tuple[int, str]) -> Payment:
    return Payment("", time, dice.randrange(3), dice.choice(_SOURCES), *ends, *amount)


def _amount(dice: random.Random) -> tuple[int, str]:
    return dice.randrange(1_00, 9_000_00), dice.choice(("CNY", "CNY", "USD"))


def _background(dice: random.Random, accounts: list[str]) -> Iterator[Payment]:
    payer, payee = dice.sample(accounts, 2)
    yield _payment(dice, _time(dice), (payer, payee), _amount(dice))


def _burst(dice: random.Random, accounts: list[str]) -> Iterator[Payment]:
    """One payer, a dozen payments around an hour, several in one minute."""
    payer, start = dice.choice(accounts), _time(dice)
    for _ in range(dice.randrange(8, 15)):
        payee = dice.choice([each for each in dice.sample(accounts, 3) if each != payer])
        yield _payment(dice, start + dice.randrange(70) * MINUTE_MS, (payer, payee), _amount(dice))


def _collector(dice: random.Random, accounts: list[str]) -> Iterator[Payment]:
    """Many payers within about a day, then most of the money goes on."""
    centre, start = dice.choice(accounts), _time(dice)
    currency = dice.choice(("CNY", "USD"))
    payers = [each for each in dice.sample(accounts, min(14, len(accounts))) if each != centre]
    total = 0
    for payer in payers[: dice.randrange(5, 14)]:
        amount = dice.randrange(_FLOOR[currency] // 12, _FLOOR[currency] // 5)
        total += amount
        yield _payment(dice, start + dice.randrange(26 * 60) * MINUTE_MS, (payer, centre), (amount, currency))
    end = start + dice.randrange(10, 26 * 60) * MINUTE_MS
    for share in dice.choice(((95,), (60, 35), (50, 49, 3))):
        yield _payment(
            dice, end, (centre, dice.choice([a for a in accounts if a != centre])), (total * share // 100, currency)
        )


def _one_window_later(dice: random.Random, before: Payment) -> Payment:
    """The same ends and currency, to the millisecond one window later."""
    ends = (before.debtor, before.creditor) if dice.random() < 0.5 else (before.creditor, before.debtor)
    return _payment(dice, before.time + dice.choice(_APART), ends, (before.amount_minor, before.currency))
