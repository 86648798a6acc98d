"""A few rows of every table format, good and bad, with what must come of each row."""

from typing import Final, NamedTuple


class Sample(NamedTuple):
    """The text of a file, and per row what is expected: a refusal ``name:column``, or what the payment must say."""

    text: str
    rows: tuple[str | dict[str, object], ...]
    labels: tuple[str, ...]


def paid(**fields: object) -> dict[str, object]:
    """Name what a payment says; ``payer`` and ``payee`` stand for the account tokens."""
    return fields


AMLSIM: Final = Sample(
    "tran_id,orig_acct,bene_acct,tx_type,base_amt,tran_timestamp,is_sar,alert_id\n"
    "1,1001,2001,TRANSFER,150.5,2017-01-01T10:00:00Z,False,-1\n"
    "2,2001,3001,TRANSFER,2750.00,3,True,10\n"
    "3,2001,3001,CASH-IN,20,3,false,\n"
    "4,2001,3001,CASH-OUT,20.00,3,false,\n"
    "5,2001,2001,TRANSFER,20.00,3,false,\n"
    "6,2001,3001,TRANSFER,-20.00,3,false,\n"
    "7,2001,3001,TRANSFER,0.00,3,false,\n"
    "8,2001,3001,TRANSFER,,3,false,\n"
    "9,2001,3001,TRANSFER,1.005,3,false,\n"
    ",2001,3001,TRANSFER,1.00,3,false,\n"
    "11,2001,,TRANSFER,1.00,3,false,\n"
    "12,2001,3001,TRANSFER,1.00,soon,false,\n"
    "13,2001,3001,TRANSFER,much,3,false,\n"
    "14,2001,3001\n"
    "15,2001,3001,TRANSFER,1.00,3,false,,\n"
    '16,2001,"3001,TRANSFER,1.00,3,false,\n'
    '17,2001,"3001",TRANSFER,1e2,3,false,\n',
    (
        paid(event_id="amlsim:1", payment_id="1", event_time="2017-01-01T10:00:00.000Z", amount_minor=15050, currency="USD",
             payer="1001", payee="2001", rail="BANK", source="amlsim"),
        paid(event_id="amlsim:2", event_time="2017-01-04T00:00:00.000Z", amount_minor=275000),
        paid(payer="CASH", payee="2001", rail="CASH_IN", amount_minor=2000),
        paid(payer="2001", payee="CASH", rail="CASH_OUT"),
        "debtor_is_creditor:bene_acct",
        "amount_not_positive:base_amt",
        "amount_not_positive:base_amt",
        "missing_field:base_amt",
        "amount_decimals:base_amt",
        "missing_field:tran_id",
        "missing_field:bene_acct",
        "wrong_type:tran_timestamp",
        "wrong_type:base_amt",
        "missing_field:",
        "wrong_type:",
        "wrong_type:",
        paid(event_id="amlsim:17", payee="3001", amount_minor=10000),
    ),
    ("amlsim:2,10,fraud,",),
)  # fmt: skip

PUBLISHED_AMLSIM: Final = Sample(
    "TX_ID,SENDER_ACCOUNT_ID,RECEIVER_ACCOUNT_ID,TX_TYPE,TX_AMOUNT,TIMESTAMP,IS_FRAUD,ALERT_ID\n1,6456,9069,TRANSFER,465.05,0,True,3\n",
    (paid(event_id="amlsim:1", payer="6456", payee="9069", amount_minor=46505, event_time="2017-01-01T00:00:00.000Z"),),
    ("amlsim:1,3,fraud,",),
)

AMLGENTEX: Final = Sample(
    "step,type,amount,nameOrig,nameDest,bankOrig,bankDest,daysInBankOrig,isSAR,patternID,modelType\n"
    "0,INITALBALANCE,1000.0,-2,7,source,bank_a,0,0,-1,0\n"
    "1,TRANSFER,571.8650000001,7,9,bank_a,bank_b,3,1,44,2\n"
    "2,CASH,12.5,9,-1,bank_b,sink,3,0,-1,0\n"
    "2,TRANSFER,0.001,9,7,bank_b,bank_a,3,0,-1,0\n",
    (
        "not_about_a_payment:type",
        paid(event_id="sample.csv:3", event_time="2024-01-02T00:00:00.000Z", amount_minor=57187, currency="SEK", payer="7",
             payee="9", channel="TRANSFER"),
        paid(payer="9", payee="EXTERNAL", amount_minor=1250),
        "amount_not_positive:amount",
    ),
    ("sample.csv:3,44,fan_in,",),
)  # fmt: skip

AMLWORLD: Final = Sample(
    "Timestamp,From Bank,Account,To Bank,Account,Amount Received,Receiving Currency,Amount Paid,Payment Currency,Payment Format,"
    "Is Laundering\n"
    "2022/09/01 00:20,010,8000EBD30,010,8000EBD30,3697.34,US Dollar,3697.34,US Dollar,Reinvestment,0\n"
    "2022/09/01 00:20,03208,8000F4580,001,8000F5340,0.01,US Dollar,0.01,US Dollar,Cheque,0\n"
    "2022/09/01 00:06,021174,800737690,012,80011F990,2848.96,Euro,2900,Yen,Credit Card,1\n"
    "2022/09/01 00:06,021174,800737690,012,80011F990,0.5,Bitcoin,0.5,Bitcoin,Bitcoin,0\n"
    "2022/09/01 00:06,021174,800737690,013,800737690,1.00,Euro,1.00,Euro,ACH,0\n"
    "2022/09/01 00:06,021174,800737690,013,800737690,1.00,Euro,1.00,,ACH,0\n",
    (
        "debtor_is_creditor:Account.1",
        paid(event_id="sample.csv:3", event_time="2022-09-01T00:20:00.000Z", amount_minor=1, currency="USD",
             payer="03208:8000F4580", payee="001:8000F5340", rail="BANK", channel="Cheque"),
        paid(amount_minor=2900, currency="JPY", rail="CARD"),
        "unknown_currency:Payment Currency",
        paid(payer="021174:800737690", payee="013:800737690", currency="EUR"),
        "missing_field:Payment Currency",
    ),
    ("sample.csv:4,sample.csv:4,fraud,",),
)  # fmt: skip

SAMLD: Final = Sample(
    "Time,Date,Sender_account,Receiver_account,Amount,Payment_currency,Received_currency,Sender_bank_location,"
    "Receiver_bank_location,Payment_type,Is_laundering,Laundering_type\n"
    "10:35:19,2022-10-07,8724731955,2769355426,1459.15,UK pounds,UK pounds,UK,UAE,Cash Deposit,0,Normal_Cash_Deposits\n"
    "11:02:44,2022-10-08,287305149,4404767002,14328.44,Albanian lek,Pakistani rupee,Nigeria,Atlantis,Cheque,1,Smurfing\n"
    "11:02:44,,287305149,4404767002,14328.44,Guilder,Euro,Nigeria,Spain,Cheque,1,Smurfing\n",
    (
        paid(event_time="2022-10-07T10:35:19.000Z", amount_minor=145915, currency="GBP", payer="8724731955", rail="CASH_IN",
             debtor_country="GB", creditor_country="AE"),
        "wrong_type:creditor.country",
        "wrong_type:Date",
    ),
    ("sample.csv:3,sample.csv:3,Smurfing,",),
)  # fmt: skip

PAYSIM: Final = Sample(
    "step,type,amount,nameOrig,oldbalanceOrg,newbalanceOrig,nameDest,oldbalanceDest,newbalanceDest,isFraud,isFlaggedFraud\n"
    "1,PAYMENT,9839.64,C1231006815,170136.0,160296.36,M1979787155,0.0,0.0,0,0\n"
    "1,TRANSFER,181.0,C1305486145,181.0,0.0,C553264065,0.0,0.0,1,0\n"
    "1,CASH_OUT,181.0,C840083671,181.0,0.0,C38997010,21182.0,0.0,1,0\n"
    "25,CASH_IN,7817.71,C90045638,53860.0,61677.71,C972765878,0,0,0,0\n"
    "743,TRANSFER,1.0E7,C1,0,0,C2,0,0,0,0\n",
    (
        paid(event_time="2025-01-01T01:00:00.000Z", payee="M1979787155", merchant_id="M1979787155", rail="WALLET",
             amount_minor=983964, currency="USD"),
        paid(payer="C1305486145", payee="C553264065"),
        paid(payer="C840083671", payee="CASH", rail="CASH_OUT"),
        paid(payer="CASH", payee="C90045638", rail="CASH_IN", event_time="2025-01-02T01:00:00.000Z"),
        paid(amount_minor=1_000_000_000),
    ),
    ("sample.csv:3,sample.csv:3,fraud,", "sample.csv:4,sample.csv:4,fraud,"),
)  # fmt: skip

SAMPLES: Final = {
    "amlsim": AMLSIM, "amlsim as published": PUBLISHED_AMLSIM, "amlgentex": AMLGENTEX, "amlworld": AMLWORLD, "saml-d": SAMLD,
    "paysim": PAYSIM,
}  # fmt: skip
