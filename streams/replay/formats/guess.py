"""Proposing a mapping from header and first rows of a table: a start for a person, who checks every line."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Final

from streams.errors import UsageError
from streams.events.refusals import Refused
from streams.money import EXPONENTS
from streams.replay.formats.catalogue import FORMATS
from streams.replay.formats.mapping import Layout
from streams.replay.formats.tables import read_table
from streams.replay.formats.values import time_reader

ROWS: Final = 200
ENCODINGS: Final = ("utf-8", "gb18030", "iso-8859-1")
_WORDS: Final = {
    "id": r"(transaction|trans?|tx|payment|event|buchungs|ref\w*)[ _-]?(id|no|number|nr|ref\w*)|id|uuid|交易号|交易流水号|流水号",
    "time": r"(date|time|timestamp|datum|zeit|booked|created|value)[ _-]?\w*|\w*[ _-](date|time|at)|ts|交易时间|交易日期|日期|时间",
    "payer": r".*(from|payer|sender|debtor|debit|orig|source|auftraggeber|付款).*",
    "payee": r".*(to[ _-]|payee|receiver|recipient|creditor|credit|bene|dest|target|empf|收款).*|to",
    "amount": r"(.*[ _-])?(amount|amt|betrag|value|sum|importe|montant|金额|交易金额)([ _-].*)?",
    "currency": r".*(currency|ccy|curr|waehrung|währung|币种).*",
    "kind": r"(tx|trans\w*|payment)?[ _-]?(type|kind|art|method|类型|交易类型)",
    "device_token": r".*(device|imei|设备).*",
    "merchant_id": r"merchant[ _-]?(id|no)?|商户号?",
    "end_to_end_id": r"end[ _-]?to[ _-]?end.*|e2e.*",
    "uetr": r"uetr",
}
_TIMES: Final = (
    "iso", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%Y%m%d%H%M%S",
    "%Y%m%d", "%Y年%m月%d日 %H:%M:%S",
)  # fmt: skip
_HOURS: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?")
_ACCOUNTISH: Final = re.compile(r".*(account|acct|iban|konto|账号|name|token).*", re.IGNORECASE)


@dataclass(slots=True)
class Guess:
    """What was found; ``doubts`` are told to the person as comments."""

    columns: dict[str, str] = field(default_factory=dict)
    layout: Layout = field(default_factory=Layout)
    banks: dict[str, str] = field(default_factory=dict)
    """Columns of a bank beside those of accounts: together they name an end."""
    clock: str = ""
    """A second column of the time, where day and hour stand apart."""
    time_format: str = "iso"
    doubts: list[str] = field(default_factory=list)


def propose(stream: IO[bytes], name: str) -> str:
    """Give the text of a mapping file, with a comment wherever a person must decide. Raises ``UsageError`` without a header."""
    header, rows, encoding = _sample(stream, name)
    known = [
        each
        for each, format_ in FORMATS.items()
        if format_.mapping is not None and _fits(format_.mapping.payer, header)
    ]
    guess = Guess(layout=Layout(encoding=encoding))
    _columns(guess, header, rows)
    _twice(guess, header)
    _clock(guess, header, rows)
    _amounts(guess, header, rows)
    _times(guess, header, rows)
    note = f"# The header is that of {known[0]}: --format {known[0]} reads it without a mapping.\n" if known else ""
    return note + _text(guess, name, header)


def _sample(stream: IO[bytes], name: str) -> tuple[list[str], list[list[str]], str]:
    """Read the first rows in the first encoding that fits; GB18030 only where it gives Chinese characters."""
    for encoding in ENCODINGS:
        stream.seek(0)
        try:
            header, cells = read_table(stream, name, Layout(encoding=encoding))
        except UsageError:
            if encoding == ENCODINGS[-1]:
                raise
            continue
        taken = [row for _, row in islice(cells, ROWS)]
        rows = [row for row in taken if not isinstance(row, Refused) and len(row) == len(header)]
        text = "".join(header) + "".join(map("".join, rows))
        fits = len(rows) >= len(taken) * 0.9 and (encoding != "gb18030" or re.search(r"[\u4e00-\u9fff]{2}", text))
        if fits or encoding == ENCODINGS[-1]:
            return header, rows, encoding
    raise UsageError(f"{name}: no encoding fits; name it in a mapping")


def _fits(columns: Iterable[str], header: list[str]) -> bool:
    return all(any(name in header for name in column.split("|")) for column in columns)


def _columns(guess: Guess, header: list[str], rows: list[list[str]]) -> None:
    """Give each field the column whose name fits; of several for an end, the one that looks like an account."""
    taken: set[str] = set()
    for name, pattern in _WORDS.items():
        fits = [each for each in header if each not in taken and re.fullmatch(pattern, each, re.IGNORECASE)]
        if name in {"payer", "payee"}:
            fits.sort(key=lambda each: _ACCOUNTISH.fullmatch(each) is None)
        if name == "time":
            fits.sort(
                key=lambda each: bool(rows) and all(_HOURS.fullmatch(row[header.index(each)].strip()) for row in rows)
            )
        if name == "currency":
            fits.sort(key=lambda each: not _currencies(header.index(each), rows))
        if fits:
            guess.columns[name] = fits[0]
            taken.add(fits[0])
        if len(fits) > 1:
            guess.doubts.append(f"{name}: also possible: {', '.join(fits[1:])}")


def _twice(guess: Guess, header: list[str]) -> None:
    """Take two columns of one name for the two ends, where those that name payer and payee are none of accounts."""
    for name in header:
        second = f"{name}.1"
        ends = [guess.columns.get(end, "") for end in ("payer", "payee")]
        if second in header and _ACCOUNTISH.fullmatch(name) and not any(map(_ACCOUNTISH.fullmatch, ends)):
            guess.banks = {end: found for end, found in zip(("payer", "payee"), ends, strict=True) if found}
            guess.columns |= {"payer": name, "payee": second}
            guess.doubts.append(f"payer, payee: {name!r} stands twice; the first is taken for the payer's")


def _currencies(at: int, rows: list[list[str]]) -> bool:
    return bool(rows) and all(row[at].strip() in EXPONENTS for row in rows)


def _cells(guess: Guess, name: str, header: list[str], rows: list[list[str]]) -> list[str]:
    column = guess.columns.get(name)
    return [cell for row in rows if (cell := row[header.index(column)].strip())] if column else []


def _clock(guess: Guess, header: list[str], rows: list[list[str]]) -> None:
    """Find a column of hours for a column of days."""
    days = _cells(guess, "time", header, rows)
    if not days or any(":" in day for day in days):
        return
    for at, name in enumerate(header):
        if rows and all(_HOURS.fullmatch(row[at].strip()) for row in rows):
            guess.clock = name


def _amounts(guess: Guess, header: list[str], rows: list[list[str]]) -> None:
    cells = _cells(guess, "amount", header, rows)
    comma = any(re.fullmatch(r"[+-]?[0-9.' ]*,[0-9]{1,2}", cell) for cell in cells)
    grouped = [cell for cell in cells if re.search(r"[0-9][.,'][0-9]{3}([.,]|$)", cell)]
    decimal = "," if comma else "."
    thousands = next(
        (mark for mark in (".", ",", "'") if mark != decimal and any(mark in cell for cell in grouped)), ""
    )
    guess.layout = Layout(guess.layout.encoding, "", decimal, thousands)
    if grouped and not comma and not any("." in cell for cell in cells):
        guess.doubts.append("amount: is 1,234 a thousand or one and a bit? set decimal and thousands by hand")


def _times(guess: Guess, header: list[str], rows: list[list[str]]) -> None:
    cells = _cells(guess, "time", header, rows)
    if guess.clock:
        hours = header.index(guess.clock)
        cells = [f"{day} {row[hours].strip()}" for day, row in zip(cells, rows, strict=False)]
    codes = {cell for cell in _cells(guess, "currency", header, rows) if cell not in EXPONENTS}
    if codes:
        names = ", ".join(f"{name}: CODE" for name in sorted(codes))
        guess.doubts.append(f"currency_names: {{{names}}} - write the ISO 4217 code of each")
    forms = [form for form in _TIMES if cells and all(map(time_reader((form,), "UTC"), cells))]
    if forms:
        guess.time_format = forms[0]
    else:
        guess.doubts.append("time_format: none that is known fits; write one, like '%d.%m.%Y %H:%M'")
    if len(forms) > 1:
        guess.doubts.append(f"time_format: {forms[1]!r} fits these rows too")


def _text(guess: Guess, name: str, header: list[str]) -> str:
    """Write the mapping; what is missing stands as a comment, so the file is not accepted before it is filled in."""
    lines = [
        f"# Proposed from {_quoted(name)}; check every line.",
        "# Columns of the file: " + ", ".join(map(_quoted, header)),
    ]
    lines += [f"# {doubt}" for doubt in guess.doubts]
    lines += [
        "source: my-system   # how the sending system is called",
        "layout:",
        f"  encoding: {guess.layout.encoding}",
    ]
    lines += [f"  decimal: {_quoted(guess.layout.decimal)}"]
    if guess.layout.thousands:
        lines += [f"  thousands: {_quoted(guess.layout.thousands)}"]
    lines += [f"time_format: {_quoted(guess.time_format)}", "zone: UTC   # of times without an offset"]
    if "currency" not in guess.columns:
        lines += ["# currency: EUR   # no column found: write the currency of all rows"]
    lines += ["columns:"]
    for need in ("id", "time", "payer", "payee", "amount"):
        lines += [f"  {need}: {_column(guess, need)}" if need in guess.columns else f"  # {need}: not found"]
    rest = [each for each in guess.columns if each not in {"id", "time", "payer", "payee", "amount"}]
    lines += [f"  {each}: {_quoted(guess.columns[each])}" for each in rest]
    if not guess.columns:
        lines += ["  {}"]
    return "\n".join(lines) + "\n"


def _column(guess: Guess, name: str) -> str:
    column = _quoted(guess.columns[name])
    if name in guess.banks:
        return f"[{_quoted(guess.banks[name])}, {column}]"
    return f"[{column}, {_quoted(guess.clock)}]" if name == "time" and guess.clock else column


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace("\n", " ") + "'"
