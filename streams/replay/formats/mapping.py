"""A mapping says which column of a table becomes which field of a payment; the formats we know are mappings too."""

from enum import StrEnum

from msgspec import Struct

from streams.events.model import Rail


class Meaning(StrEnum):
    """What a kind of row says; a kind that is not listed is an ordinary transfer."""

    TRANSFER = "transfer"
    CASH_IN = "cash-in"
    """The payer's column names the account that money is paid into; it comes from outside (``CASH``)."""
    CASH_OUT = "cash-out"
    """The payee's column is not looked at; the money leaves as ``CASH``."""
    PURCHASE = "purchase"
    """The payee is a merchant, known by its account."""
    NO_PAYMENT = "no-payment"
    """Refused as ``not_about_a_payment``: an opening balance, a fee table."""


class Kind(Struct, frozen=True):
    """How rows of one kind are read."""

    rail: Rail = Rail.BANK
    meaning: Meaning = Meaning.TRANSFER


class Layout(Struct, frozen=True):
    """How the text of a CSV is written; an empty ``separator`` is found in the header."""

    encoding: str = "utf-8"
    separator: str = ""
    decimal: str = "."
    thousands: str = ""


class LabelColumns(Struct, frozen=True):
    """Where a file tells which rows are fraud; ``names`` turns values of the typology's column into words."""

    flag: str
    typology: str = ""
    instance: str = ""
    names: dict[str, str] = {}


class Mapping(Struct, frozen=True, kw_only=True):
    """Columns by field. A column is named as in the header, as ``one|other`` where versions differ; ``?`` at its end lets it lack.

    Several columns of one field are joined: times by a blank, accounts by a colon (bank and number).
    """

    source: str
    """The sending system; part of a payment's identity."""
    time: tuple[str, ...]
    time_format: tuple[str, ...] = ("iso",)
    """Tried in order: ``iso``, ``epoch-s``, ``epoch-ms``, ``days:2017-01-01`` or ``hours:2017-01-01`` (steps), or strptime's."""
    zone: str = "UTC"
    """Zone of times without an offset."""
    payer: tuple[str, ...]
    payee: tuple[str, ...]
    outside: tuple[str, ...] = ()
    """Values of the account columns that are no account but the outside world; ``EXT:*`` means all that begin so."""
    amount: str
    round_amounts: bool = False
    """Amounts of simulators that know no minor unit are rounded half to even; all others must be exact."""
    currency: str = ""
    """A column; or, when empty, ``currency_default`` holds for all rows."""
    currency_default: str = ""
    currency_names: dict[str, str] = {}
    """Values of the column that are no ISO 4217 codes."""
    id: str = ""
    """Without a column, a row is named by file and line."""
    kind: str = ""
    kinds: dict[str, Kind] = {}
    rail: Rail = Rail.BANK
    """Rail of rows without a listed kind."""
    more: dict[str, str] = {}
    """Further fields of a payment (``device_token``, ``uetr``, ``debtor.country`` ...) and their columns."""
    countries: dict[str, str] = {}
    """Values of country columns that are no ISO 3166-1 codes."""
    labels: LabelColumns | None = None
    layout: Layout = Layout()


MORE = frozenset(
    {
        "uetr", "end_to_end_id", "instruction_id", "purpose_code", "mcc", "merchant_id", "order_id", "batch_id", "channel",
        "device_token", "ip_token", "ip_country", "debtor.party_token", "creditor.party_token", "debtor.country",
        "creditor.country", "debtor.agent_id", "creditor.agent_id", "debtor.account_masked", "creditor.account_masked",
    }
)  # fmt: skip
"""Fields that ``more`` may name: texts of a payment event."""
