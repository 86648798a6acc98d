"""The batch reference: three rules as one window query of DuckDB over a finished file of payments, one thread."""

from pathlib import Path
from typing import Final, NamedTuple

import duckdb

_QUERY: Final = """
with payments as (
    select event_time as time, amount_minor as amount, currency, debtor.account_token as debtor, creditor.account_token as creditor
    from read_json(?, format = 'newline_delimited', columns = {
        event_time: 'timestamp', status: 'varchar', amount_minor: 'bigint', currency: 'varchar',
        debtor: 'struct(account_token varchar)', creditor: 'struct(account_token varchar)'})
    where status = 'SETTLED'
),
legs as (
    select time, currency, debtor as account, null as payer, 0 as received, amount as sent, 1 as debit from payments
    union all
    select time, currency, creditor, debtor, amount, 0, 0 from payments
),
seen as (
    select *, count(distinct payer) over day as payers, sum(received) over day as received_day, sum(sent) over day as sent_day,
        sum(debit) over hour as debits_hour
    from legs
    window day as (partition by account, currency order by time
                   range between interval 86399999 milliseconds preceding and current row),
           hour as (partition by account order by time range between interval 3599999 milliseconds preceding and current row)
)
select count(*) filter (debit = 0 and payers >= 8 and received_day >= 2000000),
    count(*) filter (debit = 1 and received_day >= 2000000 and 10 * sent_day >= 9 * received_day),
    count(*) filter (debit = 1 and debits_hour >= 10)
from seen
"""


class Hits(NamedTuple):
    """Legs at which each rule holds."""

    fan_in: int
    pass_through: int
    fast_debits: int


def window_query(file: Path) -> Hits:
    """Read the file and count."""
    with duckdb.connect() as base:
        base.execute("set threads = 1")
        row = base.execute(_QUERY, [str(file)]).fetchone()
    assert row is not None
    return Hits(*row)
