"""PaySim: its raw log (``action``) and the published set (``type``). One step is an hour.

The currency is made up; amounts are taken as USD. Cash comes from and goes to the outside world, a payment goes to a merchant.
"""

from typing import Final

from streams.events.model import Rail
from streams.replay.formats.mapping import Kind, LabelColumns, Mapping, Meaning

PAYSIM: Final = Mapping(
    source="paysim",
    time=("step",),
    time_format=("hours:2025-01-01",),
    payer=("nameOrig",),
    payee=("nameDest",),
    amount="amount",
    currency_default="USD",
    kind="action|type",
    kinds={
        "CASH_IN": Kind(Rail.CASH_IN, Meaning.CASH_IN),
        "CASH_OUT": Kind(Rail.CASH_OUT, Meaning.CASH_OUT),
        "PAYMENT": Kind(Rail.WALLET, Meaning.PURCHASE),
        "TRANSFER": Kind(Rail.WALLET),
        "DEBIT": Kind(Rail.BANK),
    },
    labels=LabelColumns("isFraud?"),
)
