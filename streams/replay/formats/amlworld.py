"""IBM AMLworld (``HI-Small_Trans.csv`` and its like), and the patterns file beside it.

An account is bank and number. The amount is what was paid, in the currency it was paid in; what the payee received in another
currency is not read. Bitcoin is no ISO 4217 currency, so those rows are refused; so are self-transfers.
"""

from typing import Final

from streams.events.model import Rail
from streams.replay.formats.mapping import Kind, LabelColumns, Mapping

CURRENCIES: Final = {
    "US Dollar": "USD", "Euro": "EUR", "Yuan": "CNY", "Yen": "JPY", "UK Pound": "GBP", "Rupee": "INR", "Ruble": "RUB",
    "Swiss Franc": "CHF", "Australian Dollar": "AUD", "Canadian Dollar": "CAD", "Mexican Peso": "MXN", "Brazil Real": "BRL",
    "Saudi Riyal": "SAR", "Shekel": "ILS",
}  # fmt: skip

AMLWORLD: Final = Mapping(
    source="amlworld",
    time=("Timestamp",),
    time_format=("%Y/%m/%d %H:%M", "iso"),
    payer=("From Bank", "Account"),
    payee=("To Bank", "Account.1|Account_1"),
    amount="Amount Paid",
    currency="Payment Currency",
    currency_names=CURRENCIES,
    kind="Payment Format",
    kinds={"Credit Card": Kind(Rail.CARD)},
    more={"channel": "Payment Format"},
    labels=LabelColumns("Is Laundering?"),
)
