"""From a row to a payment event, by a mapping; a row that cannot be read becomes a refusal with line and column."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import IO, Final, NamedTuple

import msgspec

from streams.errors import UsageError
from streams.events.codec import RefusedRecord, encode_event
from streams.events.model import Rail
from streams.events.refusals import Refusal, Refused
from streams.replay.formats.mapping import Kind, Mapping, Meaning
from streams.replay.formats.tables import read_table
from streams.replay.formats.values import NULLS, minor_of, time_reader

_STEM_MAX: Final = 40
_UNFLAGGED: Final = NULLS | {"0", "false", "f", "no", "0.0"}
_encode = msgspec.json.Encoder().encode


class Label(NamedTuple):
    """A row that its file calls fraud."""

    event_id: str
    instance: str
    typology: str


Tell = Callable[[Label], None]
Token = Callable[[str], str]
"""From an account as the file has it to the token that goes into the stream."""


Attempts = dict[str, tuple[str, str]]
"""Instance and typology by the text of a row, where a file beside the table tells them."""


class Told(NamedTuple):
    """Who is told of labels, and how accounts become tokens."""

    label: Tell = lambda _label: None
    token: Token = str
    attempts: Attempts | None = None


def payments(stream: IO[bytes], name: str, mapping: Mapping, told: Told | None = None) -> Iterator[bytes]:
    """Give each row as a line for intake: a payment, or a refusal by name.

    Raises ``UsageError`` naming file, line and column when the header lacks a column.
    """
    header, rows = read_table(stream, name, mapping.layout)
    reader = RowReader(mapping, header, name, told or Told())
    for number, cells in rows:
        try:
            if isinstance(cells, Refused):
                raise cells
            yield _encode(reader.read(cells, number))
        except Refused as refused:
            yield refusal_line(refused, name, number)


def refusal_line(refused: Refused, name: str, number: int) -> bytes:
    """Write a refusal as a line for intake; its place in the file is in the detail, so a dead letter shows it."""
    detail = f"{name}:{number}: {refused.detail}"[:400]
    return encode_event(RefusedRecord(refused.refusal, refused.field[:200], detail, name, None, number))


class RowReader:
    """Reads the rows of one file: the columns are looked up once."""

    def __init__(self, mapping: Mapping, header: list[str], name: str, told: Told) -> None:
        """Raises ``UsageError`` with every column the header lacks."""
        self.mapping, self.told = mapping, told
        self.width = len(header)
        self.header = header
        self._stem = name[:_STEM_MAX]
        columns = _Columns(header, name)
        self._time = [columns.need(each) for each in mapping.time]
        self._payer = [columns.need(each) for each in mapping.payer]
        self._payee = [columns.need(each) for each in mapping.payee]
        self._amount = columns.need(mapping.amount)
        self._currency = columns.find(mapping.currency)
        self._id = columns.find(mapping.id)
        self._kind = columns.find(mapping.kind)
        self._more = {field: at for field, column in mapping.more.items() if (at := columns.find(column)) is not None}
        labels = mapping.labels
        self._flag = columns.find(labels.flag) if labels else None
        self._typology = columns.find(labels.typology) if labels else None
        self._instance = columns.find(labels.instance) if labels else None
        columns.tell()
        self._read_time = time_reader(mapping.time_format, mapping.zone)
        self._outside = frozenset(each for each in mapping.outside if not each.endswith("*"))
        self._outside_heads = tuple(each[:-1] for each in mapping.outside if each.endswith("*"))

    def read(self, cells: list[str], number: int) -> dict[str, object]:
        """Give the payment event of a row; raises ``Refused`` naming the column. Labels are told first."""
        if len(cells) != self.width:
            refusal = Refusal.MISSING_FIELD if len(cells) < self.width else Refusal.WRONG_TYPE
            raise Refused(refusal, "", f"{len(cells)} fields where the header has {self.width}")
        mapping = self.mapping
        kind = self._kind_of(cells)
        if kind.meaning is Meaning.NO_PAYMENT:
            raise Refused(Refusal.NOT_ABOUT_A_PAYMENT, self._name(self._kind), "this kind of row moves no money")
        own_id = self._own_id(cells, number)
        time = self._moment(cells)
        payer, payee = self._ends(cells, kind)
        currency = self._currency_of(cells)
        event_id = f"{mapping.source if self._id is not None else self._stem}:{own_id}"
        event: dict[str, object] = {
            "event_type": "payment", "event_id": event_id, "schema_version": 1, "source": mapping.source, "event_time": time,
            "payment_id": own_id if self._id is not None else event_id, "rail": kind.rail.value, "status": "SETTLED",
            "amount_minor": self._minor(cells, currency), "currency": currency, "debtor": {"account_token": payer},
            "creditor": {"account_token": payee}, "initiated_at": time, "settled_at": time,
        }  # fmt: skip
        if kind.meaning is Meaning.PURCHASE:
            event["merchant_id"] = payee
        self._add_more(event, cells)
        self._tell_label(event_id, cells)
        return event

    def _kind_of(self, cells: list[str]) -> Kind:
        known = self.mapping.kinds.get(cells[self._kind].strip()) if self._kind is not None else None
        return known or Kind(self.mapping.rail)

    def _own_id(self, cells: list[str], number: int) -> str:
        if self._id is None:
            return str(number)
        own_id = cells[self._id].strip()
        if own_id.lower() in NULLS:
            raise Refused(Refusal.MISSING_FIELD, self._name(self._id), "the id is missing")
        return own_id

    def _moment(self, cells: list[str]) -> str:
        text = " ".join(cells[at].strip() for at in self._time)
        if text.lower() in NULLS:
            raise Refused(Refusal.MISSING_FIELD, self._name(self._time[0]), "the time is missing")
        time = self._read_time(text)
        if time is None:
            raise Refused(Refusal.WRONG_TYPE, self._name(self._time[0]), "not a time of the form the mapping names")
        return time

    def _ends(self, cells: list[str], kind: Kind) -> tuple[str, str]:
        payer = self._account(cells, self._payer)
        if kind.meaning is Meaning.CASH_IN:
            return "CASH", payer
        if kind.meaning is Meaning.CASH_OUT:
            return payer, "CASH"
        payee = self._account(cells, self._payee)
        if payer == payee and kind.rail is not Rail.BOOK:
            raise Refused(Refusal.DEBTOR_IS_CREDITOR, self._name(self._payee[-1]), "the same account on both sides")
        return payer, payee

    def _account(self, cells: list[str], columns: list[int]) -> str:
        parts = [cells[at].strip() for at in columns]
        number = parts[-1]
        if number.lower() in NULLS:
            raise Refused(Refusal.MISSING_FIELD, self._name(columns[-1]), "the account is missing")
        if number in self._outside or number.startswith(self._outside_heads):
            return "EXTERNAL"
        return self.told.token(":".join(parts))

    def _currency_of(self, cells: list[str]) -> str:
        if self._currency is None:
            return self.mapping.currency_default
        text = cells[self._currency].strip()
        code = self.mapping.currency_names.get(text, text)
        if not code:
            raise Refused(Refusal.MISSING_FIELD, self._name(self._currency), "the currency is missing")
        return code

    def _minor(self, cells: list[str], currency: str) -> int:
        try:
            return minor_of(cells[self._amount], currency, self.mapping.layout, rounded=self.mapping.round_amounts)
        except Refused as refused:
            at = self._currency if refused.field else self._amount
            raise Refused(refused.refusal, self._name(at), refused.detail) from None

    def _add_more(self, event: dict[str, object], cells: list[str]) -> None:
        for field, at in self._more.items():
            text = cells[at].strip()
            if text.lower() in NULLS:
                continue
            if field.endswith("country"):
                text = self.mapping.countries.get(text, text)
            side, _, inner = field.partition(".")
            target = event[side] if inner else event
            assert isinstance(target, dict)  # noqa: S101  debtor and creditor are made above
            target[inner or field] = text

    def _tell_label(self, event_id: str, cells: list[str]) -> None:
        if self._flag is None or cells[self._flag].strip().lower() in _UNFLAGGED:
            return
        labels = self.mapping.labels
        typology = self._text(cells, self._typology)
        named = labels.names.get(typology, typology) if labels else typology
        instance = self._text(cells, self._instance)
        if self.told.attempts:
            instance, named = self.told.attempts.get(",".join(cells), (instance, named))
        self.told.label(Label(event_id, instance or event_id, named or "fraud"))

    def _text(self, cells: list[str], at: int | None) -> str:
        """Give a cell; empty where there is no such column."""
        return "" if at is None else cells[at].strip()

    def _name(self, at: int | None) -> str:
        return self.header[at] if at is not None else ""


class _Columns:
    """Finds columns by name and collects the ones that are not there."""

    def __init__(self, header: list[str], name: str) -> None:
        self.header, self.name = header, name
        self.places = {each.casefold(): at for at, each in reversed(list(enumerate(header)))}
        self.missing: list[str] = []

    def need(self, column: str) -> int:
        """Give the place of a column; one that is missing is noted."""
        found = self.find(column)
        return -1 if found is None else found

    def find(self, column: str) -> int | None:
        """Give the place of a column, or None where it lacks or none is named; only ``...?`` may lack."""
        if not column:
            return None
        names = column.removesuffix("?").split("|")
        for each in names:
            if each.casefold() in self.places:
                return self.places[each.casefold()]
        if not column.endswith("?"):
            self.missing.append(names[0])
        return None

    def tell(self) -> None:
        """Raise ``UsageError`` if a column is missing."""
        if not self.missing:
            return
        near = {each: get_close_matches(each, self.header, 1) for each in self.missing}
        faults = ", ".join(f"{each!r}" + (f" (did you mean {near[each][0]!r}?)" if near[each] else "") for each in near)
        known = ", ".join(repr(each) for each in self.header[:40])
        raise UsageError(f"{self.name}:1: the header lacks {faults}; it has {known}"[:1_000])
