"""SAML-D. The amount is in the currency it was paid in."""

from typing import Final

from streams.events.model import Rail
from streams.replay.formats.mapping import Kind, LabelColumns, Mapping

CURRENCIES: Final = {
    "UK pounds": "GBP", "Euro": "EUR", "US dollar": "USD", "Swiss franc": "CHF", "Dirham": "AED", "Yen": "JPY",
    "Indian rupee": "INR", "Pakistani rupee": "PKR", "Naira": "NGN", "Turkish lira": "TRY", "Mexican Peso": "MXN",
    "Moroccan dirham": "MAD", "Albanian lek": "ALL",
}  # fmt: skip
COUNTRIES: Final = {
    "UK": "GB", "USA": "US", "UAE": "AE", "Albania": "AL", "Austria": "AT", "France": "FR", "Germany": "DE", "India": "IN",
    "Italy": "IT", "Japan": "JP", "Mexico": "MX", "Morocco": "MA", "Netherlands": "NL", "Nigeria": "NG", "Pakistan": "PK",
    "Spain": "ES", "Switzerland": "CH", "Turkey": "TR",
}  # fmt: skip

SAMLD: Final = Mapping(
    source="saml-d",
    time=("Date", "Time"),
    payer=("Sender_account",),
    payee=("Receiver_account",),
    amount="Amount",
    currency="Payment_currency",
    currency_names=CURRENCIES,
    kind="Payment_type",
    kinds={
        "Cash Deposit": Kind(Rail.CASH_IN),
        "Cash Withdrawal": Kind(Rail.CASH_OUT),
        "Credit card": Kind(Rail.CARD),
        "Debit card": Kind(Rail.CARD),
    },
    more={
        "channel": "Payment_type",
        "debtor.country": "Sender_bank_location?",
        "creditor.country": "Receiver_bank_location?",
    },
    countries=COUNTRIES,
    labels=LabelColumns("Is_laundering?", "Laundering_type?"),
)
