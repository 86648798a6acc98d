"""A generated stream as a file of transfers, with ties and borders: in the labelled format, and as our own events.

Ordinary traffic is that of ``payweir generate``, its times cut to the minute so that ties abound. Into it go scenes on the very
borders of R10 and R15: legs a window apart to the millisecond, sums at the floor and at 90 % and 102 %, known payers 30 days old.
"""

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from streams.clock import DAY_MS, MINUTE_MS, from_datetime, to_datetime, to_text
from streams.events.codec import encode_event
from streams.events.model import OUTSIDE_TOKENS, Account, PaymentEvent, PaymentStatus, Rail
from streams.money import EXPONENTS, format_minor
from streams.replay.generator import GeneratorSettings, generate, start_from_text

FLOOR: Final = {"CNY": 20_000_00, "EUR": 3_000_00, "JPY": 450_000}
UNMAPPED: Final = "CHF"
START_MS: Final = start_from_text("2025-03-03")
DAYS: Final = 45
LATE: Final = 0.1
_SCENES: Final = 400
_event = msgspec.json.Decoder(PaymentEvent)


@dataclass(frozen=True, slots=True)
class Stream:
    """Where the files are, and what the allow-list says."""

    labelled: Path
    events: Path
    allow_list: str
    lines: int


def make(folder: Path, events: int, seed: int) -> Stream:
    """Write a stream of about ``events`` events into an empty folder."""
    dice = random.Random(seed)
    settings = GeneratorSettings(seed=seed, events=events, days=DAYS, start_ms=START_MS, duplicates=0.02)
    generate(settings, folder)
    payments = list(_payments(folder / "payments.jsonl", dice))
    for number in range(_SCENES):
        for one in _scene(dice, number):
            delay = dice.randrange(DAY_MS) if dice.random() < LATE else 0
            payments.insert(_place(payments, from_datetime(one.event_time) + delay), one)
    stream = Stream(
        folder / "labelled.jsonl", folder / "settled.jsonl", _allow_list(folder, payments), len(payments) + len(_BAD)
    )
    stream.events.write_bytes(b"\n".join(map(encode_event, payments)))
    stream.labelled.write_text("\n".join([*map(_row, payments), *_BAD]), encoding="utf-8")
    return stream


def _payments(file: Path, dice: random.Random) -> Iterator[PaymentEvent]:
    """Give the settled payments of a generated stream with full minutes, some in a currency without a floor."""
    swapped: dict[str, str] = {}
    for line in file.read_bytes().splitlines():
        if b'"event_type":"payment"' not in line or b'"status":"SETTLED"' not in line:
            continue
        event = _event.decode(line)
        if event.payment_id not in swapped:
            swapped[event.payment_id] = UNMAPPED if event.currency == "USD" or dice.random() < 0.01 else event.currency
        moment = from_datetime(event.event_time) // MINUTE_MS * MINUTE_MS
        yield _timed(event, moment, swapped[event.payment_id])


def _timed(event: PaymentEvent, millis: int, currency: str) -> PaymentEvent:
    text = to_text(millis)
    data = msgspec.to_builtins(event) | {
        "event_time": text, "initiated_at": text, "accepted_at": None, "settled_at": text, "ingest_time": None,
        "currency": currency,
    }  # fmt: skip
    return msgspec.convert(data, PaymentEvent)


def _scene(dice: random.Random, number: int) -> Iterator[PaymentEvent]:
    """A collector whose eight payers, sums and times lie on the borders of both rules."""
    currency = dice.choice(tuple(FLOOR))
    end = START_MS + dice.randrange(32, DAYS - 1) * DAY_MS + dice.randrange(24 * 60) * MINUTE_MS
    centre, payers = f"collector-{number}", [f"payer-{number}-{n}" for n in range(8 + dice.randrange(3))]
    share = FLOOR[currency] // len(payers)
    amounts = [share] * (len(payers) - 1) + [FLOOR[currency] - share * (len(payers) - 1) - dice.choice((0, 0, 1))]
    apart = DAY_MS - dice.choice((0, 1))
    for place, (payer, amount) in enumerate(zip(payers, amounts, strict=True)):
        time = end - apart if place == 0 else end - dice.choice((0, 0, 1)) * dice.randrange(12 * 60) * MINUTE_MS
        yield _made(dice, time, (payer, centre), (amount, currency))
    for payer in payers[: dice.randrange(3)]:
        ends = dice.choice(((payer, centre), (centre, payer)))
        yield _made(dice, end - 30 * DAY_MS + dice.choice((-1, 0, 1)), ends, (1, currency))
    total = sum(amounts)
    for out in dice.choice(
        ((total * 9 // 10,), (total * 9 // 10 - 1, 1), (total * 102 // 100,), (total * 102 // 100, 1))
    ):
        yield _made(dice, end, (centre, f"layer-{number}"), (out, currency))


def _made(dice: random.Random, time: int, ends: tuple[str, str], money: tuple[int, str]) -> PaymentEvent:
    name = f"s{dice.randrange(1 << 40):010x}"
    event = PaymentEvent(
        name, 1, "labelled", _EPOCH, f"p{name}", Rail.BANK, PaymentStatus.SETTLED, money[0], money[1], Account(ends[0]),
        Account(ends[1]), _EPOCH,
    )  # fmt: skip
    return _timed(event, time, money[1])


def _place(payments: list[PaymentEvent], millis: int) -> int:
    """Find about where an event arrives at a time."""
    return bisect_left(payments, to_datetime(millis), key=lambda each: each.event_time)


def _row(event: PaymentEvent) -> str:
    outside = {"CASH": "EXT:CASH", "EXTERNAL": "EXT:WORLD"}
    payer, payee = event.debtor.account_token, event.creditor.account_token
    row = {
        "event_id": event.event_id, "ts": to_text(from_datetime(event.event_time)), "from_account": outside.get(payer, payer),
        "to_account": outside.get(payee, payee), "amount": "AMOUNT", "currency": event.currency, "kind": "payment",
        "channel": "transfer",
    }  # fmt: skip
    amount = format_minor(event.amount_minor, event.currency).split()[0].replace(",", "")
    assert event.currency in EXPONENTS
    return msgspec.json.encode(row).decode().replace('"AMOUNT"', amount)


def _allow_list(folder: Path, payments: list[PaymentEvent]) -> str:
    """The generator's pools, and four busy payees that are listed for some days only."""
    counts = Counter(each.creditor.account_token for each in payments)
    busy = [token for token, _ in counts.most_common(8) if token not in OUTSIDE_TOKENS][:4]
    extra = "".join(
        f"  - {{key: {token}, reason: trial, added_by: fraud-ops, approved_by: compliance, valid_from: 2025-03-1{n}, "
        f"expires: 2025-04-0{n + 1}}}\n"
        for n, token in enumerate(busy)
    )
    return (folder / "lists/licensed-psp.yaml").read_text(encoding="utf-8") + extra


_EPOCH: Final = to_datetime(START_MS)
_BAD: Final = (
    '{"event_id":"b1","ts":"2025-04-01T00:00:00Z","from_account":"a","to_account":"a","amount":5,"currency":"CNY"}',
    '{"event_id":"b2","ts":"2025-04-01T00:00:00Z","from_account":"a","to_account":"b","amount":-5,"currency":"CNY"}',
    '{"event_id":"b3","ts":"2025-04-01T00:00:00Z","from_account":"a","to_account":"b","amount":0,"currency":"CNY"}',
    '{"event_id":"b4","ts":"2025-04-01T00:00:00Z","from_account":"a","to_account":"b","amount":null,"currency":"CNY"}',
)
