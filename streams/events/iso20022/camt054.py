"""camt.054, the notification: each ``TxDtls`` of an entry, or an entry without any, is a settlement line."""

from dataclasses import dataclass, field

from streams.events.iso20022.camt054_table import ENTRY
from streams.events.iso20022.fields import Record
from streams.events.iso20022.identity import Ids, ids_of
from streams.events.iso20022.parties import OUTSIDE, account_of, shortened
from streams.events.iso20022.reading import Found, Transactions
from streams.events.iso20022.statuses import ENTRY as STATUS_OF
from streams.events.iso20022.statuses import unknown_status
from streams.events.iso20022.values import amount, date_of, day, known_by, need_amount
from streams.events.model import SCHEMA_VERSION, Account, SettlementEvent, SettlementKind, SettlementStatus
from streams.events.refusals import Refusal, Refused

_TRUE = frozenset({"true", "1"})
_RETURNS = frozenset({"RRTN", "RPCR", "RRCT", "RIMB", "PRRT", "UPDD", "PRDD"})
"""Sub-families of the bank transaction code for returned and reimbursed transfers and debits."""


@dataclass(slots=True)
class Entries(Transactions):
    """Reads entry by entry. The amount of an entry is a transaction's own only when it is the only one.

    So the first transaction of an entry, if it has no amount, is held until a second comes or the entry ends.
    """

    in_entry: int = 0
    held: Found | None = None
    batches: list[tuple[Ids, str]] = field(default_factory=list)
    """Ids and number of items of the entry's batches whose transactions are not there."""

    def ended(self, path: tuple[str, ...]) -> None:
        """Take the end of a transaction, of a batch or of an entry."""
        if path[-1] == "TxDtls":
            self._details()
        elif path[-1] == "NtryDtls":
            if self.in_entry == 0:
                self.batches.append((ids_of(self.record), self.record.text("items") or ""))
        elif "/".join(path) == ENTRY:
            if self.held is not None:
                self.take(self.held)
            elif self.in_entry == 0:
                self.one()
            self.in_entry, self.held = 0, None
            self.batches.clear()

    def _details(self) -> None:
        self.in_entry += 1
        self.number += 1
        found = self.judged()
        held, self.held = self.held, None
        if held is not None:
            self.take(
                Found(held.kind, held.version, held.message_id, held.number, refused=_one_of_several(self.record))
            )
        if self.in_entry == 1 and self.record.element("amount") is None:
            self.held = found
        else:
            self.take(found)

    def batch(self) -> tuple[Ids, int]:
        """Give the ids of the entry's only batch, and how many payments its batches hold together."""
        ids = self.batches[0][0] if len(self.batches) == 1 else ids_of(self.record)
        numbers = [number for _, number in self.batches if number] or [self.record.text("items") or ""]
        return ids, sum(int(number) for number in numbers if number.isascii() and number.isdigit() and len(number) < 10)  # noqa: PLR2004


def line(transactions: Transactions) -> SettlementEvent:
    """Give one settlement line: a transaction of an entry, or the entry itself."""
    assert isinstance(transactions, Entries)  # noqa: S101  the table of readers pairs them
    record, options = transactions.record, transactions.options
    code = record.need("status")
    state = STATUS_OF.get(code)
    if state is None:
        raise unknown_status(record, "status")
    alone = transactions.in_entry <= 1
    net, currency = _amount(transactions, alone=alone)
    created = transactions.created()
    booked = day(record, "booked", (created,), options.zone) or created
    ids, items = transactions.batch() if transactions.in_entry == 0 else (ids_of(record), 0)
    debtor, creditor = _sides(transactions)
    kind = SettlementKind.MERCHANT_BATCH if items > 1 else _kind(record)
    own, entry = record.text("reference"), record.text("entry_reference")
    return SettlementEvent(
        event_id="", schema_version=SCHEMA_VERSION, source=options.source,
        event_time=known_by(booked, created) if state is SettlementStatus.BOOKED else created,
        settlement_id=_settlement_id(transactions, own or entry or ids.message), kind=kind, status=state, net_minor=net,
        currency=currency, batch_id=shortened(ids.group or ids.message) or None, line_no=transactions.number,
        payment_id=next(iter(ids.names()), None) if kind is not SettlementKind.MERCHANT_BATCH else None,
        uetr=ids.uetr or None, end_to_end_id=ids.end_to_end or None, clearing_ref=own or (entry if alone else None),
        debtor=debtor, creditor=creditor, item_count=items or None,
        booked_at=booked if state is SettlementStatus.BOOKED else None, value_date=date_of(record, "value"),
    )  # fmt: skip


def _amount(transactions: Entries, *, alone: bool) -> tuple[int, str]:
    """Give the transaction's own amount; the entry's only where it is the entry, or all of it."""
    record = transactions.record
    own = amount(record, "amount")
    if own is not None:
        return own
    if not alone or (transactions.in_entry and record.text("items") not in {None, "1"}):
        raise _one_of_several(record)
    return need_amount(record, "entry_amount")


def _one_of_several(record: Record) -> Refused:
    return Refused(
        Refusal.MISSING_FIELD, record.path("amount"), "one of several transactions of an entry, without its amount"
    )


def _kind(record: Record) -> SettlementKind:
    reversal = (record.text("reversal") or "").lower() in _TRUE
    back = reversal or record.text("returned") is not None or record.text("family") in _RETURNS
    return SettlementKind.RETURN if back else SettlementKind.INTERBANK


def _settlement_id(transactions: Entries, reference: str) -> str:
    """Name the line within its source: account and reference, with its number where a message has it twice."""
    account = account_of(transactions.record, "own", transactions.options.tokenise).account_token
    name = shortened(f"{account}|{reference or transactions.message_id}")
    if name in transactions.names or not reference:
        name = shortened(f"{account}|{reference or transactions.message_id}#{transactions.number}")
    transactions.names.add(name)
    return name


def _sides(transactions: Entries) -> tuple[Account | None, Account | None]:
    """Give payer and receiver as far as they are named; the account notified takes the side that is left open.

    Not so in a return, which names the sides of the original payment, nor where entry and transaction contradict each other.
    """
    record, tokenise = transactions.record, transactions.options.tokenise
    debtor, creditor = account_of(record, "debtor", tokenise), account_of(record, "creditor", tokenise)
    own = account_of(record, "own", tokenise)
    direction = record.text("direction")
    known = record.text("own_direction") in {None, direction} and _kind(record) is not SettlementKind.RETURN
    if known and direction == "DBIT" and debtor.account_token == OUTSIDE:
        debtor = own
    elif known and direction == "CRDT" and creditor.account_token == OUTSIDE:
        creditor = own
    return _named(debtor), _named(creditor)


def _named(account: Account) -> Account | None:
    return account if account.account_token != OUTSIDE else None
