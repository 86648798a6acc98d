"""IBM AMLSim: the ``transactions.csv`` that its converter writes, also with the column names of the published example set.

One tick is a day. Currency and typology are not in the file: amounts are taken as USD, labels carry the alert id.
"""

from typing import Final

from streams.events.model import Rail
from streams.replay.formats.mapping import Kind, LabelColumns, Mapping, Meaning

AMLSIM: Final = Mapping(
    source="amlsim",
    id="tran_id|TX_ID",
    time=("tran_timestamp|TIMESTAMP",),
    time_format=("days:2017-01-01", "iso"),
    payer=("orig_acct|SENDER_ACCOUNT_ID",),
    payee=("bene_acct|RECEIVER_ACCOUNT_ID",),
    amount="base_amt|TX_AMOUNT",
    currency_default="USD",
    kind="tx_type|TX_TYPE",
    kinds={
        "CASH-IN": Kind(Rail.CASH_IN, Meaning.CASH_IN),
        "CASH-OUT": Kind(Rail.CASH_OUT, Meaning.CASH_OUT),
    },
    labels=LabelColumns("is_sar|is_fraud|IS_FRAUD?", "alert_type?", "alert_id|ALERT_ID?"),
)
