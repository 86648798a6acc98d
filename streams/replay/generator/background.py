"""Ordinary traffic: shopping, bills, friends, salaries, savings, cash, invoices, refunds. Labels nothing."""

from typing import Final

from streams.clock import HOUR_MS, MINUTE_MS
from streams.events.model import Rail
from streams.replay.generator.arrivals import Arrivals
from streams.replay.generator.draws import (
    Spread,
    below,
    between,
    in_currency,
    local_day,
    local_day_start,
    randomness,
)
from streams.replay.generator.lines import CLOSED_AFTER_MS, Till, batch_id, booked, close_till, usual_line
from streams.replay.generator.payments import Life, Paid, Transfer, pay, settles
from streams.replay.generator.population import CASH, EXTERNAL, Holder, Population

_JITTER_MS: Final = 2 * MINUTE_MS
_PURCHASE: Final = Spread((0, 300), (300, 1_800), (600, 6_500), (900, 40_000), (990, 260_000), (1_000, 900_000))
_BILL: Final = Spread((0, 3_000), (500, 12_000), (900, 60_000), (1_000, 350_000))
_FRIENDS: Final = Spread((0, 500), (400, 10_000), (800, 50_000), (980, 200_000), (1_000, 500_000))
_SALARY: Final = Spread((0, 350_000), (500, 750_000), (900, 1_600_000), (1_000, 3_000_000))
_SAVING: Final = Spread((0, 20_000), (700, 200_000), (1_000, 1_500_000))
_CASH: Final = Spread((0, 1), (600, 10), (1_000, 50))
_INVOICE: Final = Spread((0, 80_000), (600, 600_000), (900, 2_500_000), (1_000, 8_000_000))
_REFUND_SHARE: Final = 0.015
_LINE_SHARE: Final = 0.25
_LIVES: Final = (
    (Life.ONE,) * 43
    + (Life.PAIR,) * 34
    + (Life.STATUS,) * 14
    + (Life.CLEARED,) * 3
    + (Life.REJECTED, Life.UNDONE)
    + (Life.CANCELLED, Life.HELD, Life.HELD, Life.RETURNED)
)
_BEHIND_MS: Final = {"USD": 13 * HOUR_MS, "EUR": 7 * HOUR_MS}
"""How much later than in China it is day where such accounts are kept."""


class Background:
    """Makes one ordinary thing after another. State: one till for each merchant and open day."""

    def __init__(self, seed: int, population: Population, arrivals: Arrivals) -> None:
        """Chance of its own, so that scenarios do not change the traffic around them."""
        self._rng = randomness(seed, "background")
        self._population = population
        self._arrivals = arrivals
        self._tills: dict[int, dict[str, Till]] = {}
        self._refunds: dict[str, int] = {}
        shops, bills, friends = (self._purchase,) * 46, (self._bill,) * 9, (self._friends,) * 23
        rest = (self._salary,) * 5 + (self._saving,) * 6 + (self._cash,) * 7 + (self._invoice, self._fund, self._crypto)
        self._kinds = shops + bills + friends + rest + (self._friends,)

    def act(self, now_ms: int) -> None:
        """Let somebody do something at about this time; close the tills of days that are over."""
        while self._tills and now_ms >= local_day_start(min(self._tills) + 1) + CLOSED_AFTER_MS:
            self._close_day(min(self._tills), now_ms)
        rng = self._rng
        self._kinds[int(rng.random() * len(self._kinds))](now_ms + below(rng, _JITTER_MS))

    def end(self, now_ms: int) -> None:
        """Close what is open."""
        for day in sorted(self._tills):
            self._close_day(day, now_ms)

    def _close_day(self, day: int, now_ms: int) -> None:
        for till in self._tills.pop(day).values():
            key = till.merchant.merchant_id or ""
            till.refund_minor = self._refunds.pop(key, 0)
            for line in close_till(till, self._rng):
                self._arrivals.send(line, now_ms)
            if till.refund_minor:
                self._refunds[key] = till.refund_minor

    def _payer(self) -> Holder:
        """Pick a person; few are very active, most are not."""
        return self._population.person(int(self._population.people * self._rng.random() ** 1.6))

    def _by_day(self, at: int, holder: Holder) -> int:
        """Move a time of the Chinese day to the same hour where an account is kept."""
        return at if self._arrivals.full else at + _BEHIND_MS.get(holder.currency, 0)

    def _life(self, rail: Rail) -> Life:
        life = _LIVES[int(self._rng.random() * 100)]
        if self._arrivals.full or rail in (Rail.CASH_IN, Rail.CASH_OUT):
            return Life.ONE
        return life

    def _send(self, transfer: Transfer) -> Paid:
        paid = pay(transfer, self._rng)
        for message in paid.messages:
            self._arrivals.send(message)
        return paid

    def _with_line(self, paid: Paid) -> None:
        """Settle some payments of banks by a line, and all that were accepted for clearing.

        Returned ones never: their return would read as a second booking.
        """
        life = paid.transfer.life
        if settles(life) and life is not Life.RETURNED and (life is Life.CLEARED or self._rng.random() < _LINE_SHARE):
            line = usual_line(paid, self._rng, at_once=self._arrivals.full)
            self._arrivals.send(booked(line, self._rng))

    def _to_shop(self, at: int, cny_minor: int, rail: Rail, purpose: str | None) -> None:
        rng = self._rng
        payer = self._payer()
        group = self._population.shops[payer.currency]
        shop = group[int(len(group) * rng.random() ** 2.2)]
        life = self._life(rail)
        if life in (Life.HELD, Life.RETURNED, Life.CLEARED, Life.UNDONE):
            life = Life.ONE
        at = self._by_day(at, payer)
        day = local_day(at)
        transfer = Transfer(
            at=at,
            debtor=payer,
            creditor=shop,
            amount_minor=in_currency(cny_minor, payer.currency),
            currency=payer.currency,
            rail=rail,
            life=life,
            device=None if rail is Rail.CARD else payer.device,
            purpose=purpose,
            batch_id=batch_id(shop, day),
            settle_ms=1_000,
        )
        paid = self._send(transfer)
        if settles(life):
            self._take(shop, day, transfer.amount_minor)
            if rng.random() < _REFUND_SHARE and not self._arrivals.full:
                self._refund(paid)

    def _take(self, shop: Holder, day: int, amount_minor: int) -> None:
        key = shop.merchant_id or ""
        tills = self._tills.setdefault(day, {})
        till = tills.get(key)
        if till is None:
            till = tills[key] = Till(shop, day)
        till.gross_minor += amount_minor
        till.items += 1

    def _refund(self, paid: Paid) -> None:
        rng, sold = self._rng, paid.transfer
        amount = sold.amount_minor if rng.random() < 0.7 else max(1, sold.amount_minor // 2)  # noqa: PLR2004
        at = paid.settled_ms + between(rng, HOUR_MS, 40 * HOUR_MS)
        self._send(
            Transfer(
                at=at,
                debtor=sold.creditor,
                creditor=sold.debtor,
                amount_minor=amount,
                currency=sold.currency,
                rail=sold.rail,
                related=paid.payment_id,
            )
        )
        key = sold.creditor.merchant_id or ""
        self._refunds[key] = self._refunds.get(key, 0) + amount

    def _purchase(self, at: int) -> None:
        rail = (Rail.QR, Rail.QR, Rail.WALLET, Rail.CARD)[below(self._rng, 4)]
        self._to_shop(at, _PURCHASE.draw(self._rng) + below(self._rng, 100), rail, None)

    def _bill(self, at: int) -> None:
        self._to_shop(at, _BILL.draw(self._rng) + below(self._rng, 100), Rail.BANK, "GOVI")

    def _friends(self, at: int) -> None:
        rng = self._rng
        payer = self._payer()
        amount = in_currency(_FRIENDS.draw(rng), payer.currency)
        rail = Rail.INSTANT if rng.random() < 0.6 else Rail.WALLET  # noqa: PLR2004 - bank apps a little before wallets
        self._people(at, (payer, self._population.contact(payer.index, rng)), amount, rail)

    def _people(self, at: int, ends: tuple[Holder, Holder], amount_minor: int, rail: Rail) -> None:
        debtor, creditor = ends
        paid = self._send(
            Transfer(
                at=self._by_day(at, debtor),
                debtor=debtor,
                creditor=creditor,
                amount_minor=amount_minor,
                currency=debtor.currency,
                rail=rail,
                life=self._life(rail),
                device=debtor.device,
            )
        )
        self._with_line(paid)

    def _salary(self, at: int) -> None:
        person = self._population.person(below(self._rng, self._population.people))
        amount = in_currency(_SALARY.draw(self._rng), person.currency)
        paid = self._send(
            Transfer(
                at=self._by_day(at, person),
                debtor=self._population.employer(person),
                creditor=person,
                amount_minor=amount,
                currency=person.currency,
                rail=Rail.BANK,
                life=self._life(Rail.BANK),
                purpose="SALA",
            )
        )
        self._with_line(paid)

    def _saving(self, at: int) -> None:
        index = below(self._rng, (self._population.people + 4) // 5) * 5
        ends = self._population.person(index), self._population.savings(index)
        if self._rng.random() < 0.4:  # noqa: PLR2004 - people save a little more than they take back
            ends = ends[1], ends[0]
        self._people(at, ends, in_currency(_SAVING.draw(self._rng), ends[0].currency), Rail.BOOK)

    def _cash(self, at: int) -> None:
        payer = self._payer()
        amount = in_currency(_CASH.draw(self._rng) * 10_000, payer.currency)
        inward = self._rng.random() < 0.3  # noqa: PLR2004 - machines give more cash than they take
        self._send(
            Transfer(
                at=self._by_day(at, payer),
                debtor=CASH if inward else payer,
                creditor=payer if inward else CASH,
                amount_minor=amount,
                currency=payer.currency,
                rail=Rail.CASH_IN if inward else Rail.CASH_OUT,
            )
        )

    def _invoice(self, at: int) -> None:
        """Let a company buy from the next one, or now and then the one after: every company has two customers."""
        rng = self._rng
        groups = self._population.companies
        group = groups["CNY"] if rng.random() < 0.8 else groups["USD"]  # noqa: PLR2004 - some trade is in dollars
        buyer = below(rng, len(group))
        seller = group[(buyer + 1 + (below(rng, 5) == 0)) % len(group)]
        if seller.token == group[buyer].token:
            return
        amount = in_currency(_INVOICE.draw(rng), seller.currency)
        self._people(at, (group[buyer], seller), amount, Rail.BANK)

    def _fund(self, at: int) -> None:
        """Money from outside the accounts we see, which pays the salaries."""
        group = self._population.companies["CNY"]
        company = group[below(self._rng, len(group))]
        amount = _INVOICE.draw(self._rng) * 10
        self._send(
            Transfer(at=at, debtor=EXTERNAL, creditor=company, amount_minor=amount, currency="CNY", rail=Rail.BANK)
        )

    def _crypto(self, at: int) -> None:
        """Let a customer of long standing buy a little crypto, through a deposit account of his own."""
        payer = self._payer()
        amount = in_currency(_FRIENDS.draw(self._rng), payer.currency)
        self._people(at, (payer, self._population.exchange(payer)), amount, Rail.CRYPTO_ON)
