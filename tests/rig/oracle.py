"""The meaning of three rules as plain SQL over the whole set of payments, in DuckDB: it shares no code with the product.

A rule triggered by leg x at time t sees the legs of x's account in (t - W, t] that are not after x in the order
(time, sequence, source, event id). A payer is new when the two accounts moved no money, either way, in the 30 days before.
"""

from typing import Final, NamedTuple

import duckdb

from tests.rig.order_data import Payment

_HOUR: Final = 3_600_000
_DAY: Final = 24 * _HOUR

_LEGS: Final = """
create table legs as
with sides as (
    select debtor as subject, creditor as other, 'debit' as kind, * exclude (debtor, creditor) from payments
    union all
    select creditor, debtor, 'credit', * exclude (debtor, creditor) from payments
)
select *, row_number() over (order by time, sequence, source, event_id) as place from sides
"""

_NEW: Final = f"""
create table fresh as
select x.event_id, x.subject
from legs x
where x.kind = 'credit' and not exists (
    select 1 from legs y
    where y.subject = x.subject and y.other = x.other and y.time > x.time - {30 * _DAY}
      and (y.time, y.sequence, y.source, y.event_id) < (x.time, x.sequence, x.source, x.event_id)
)
"""

_SEEN: Final = """
from legs x join legs y
  on y.subject = x.subject and y.time > x.time - {window} and y.time <= x.time
 and (y.time, y.sequence, y.source, y.event_id) <= (x.time, x.sequence, x.source, x.event_id)
"""

_RULES: Final = {
    "fast-debits": f"""
select x.subject, '' as currency, x.time // {6 * _HOUR} * {6 * _HOUR} as bucket, x.event_id, x.place
{_SEEN.format(window=_HOUR)}
where x.kind = 'debit' and y.kind = 'debit'
group by all having count(*) >= 10
""",
    "pass-through-account": f"""
select x.subject, x.currency, x.time // {_DAY} * {_DAY} as bucket, x.event_id, x.place
{_SEEN.format(window=_DAY)}
where x.kind = 'debit' and y.currency = x.currency
group by all
having sum(y.amount) filter (y.kind = 'credit') >= case x.currency when 'CNY' then 2000000 else 300000 end
   and 10 * sum(y.amount) filter (y.kind = 'debit') >= 9 * sum(y.amount) filter (y.kind = 'credit')
   and 100 * sum(y.amount) filter (y.kind = 'debit') <= 102 * sum(y.amount) filter (y.kind = 'credit')
   and count(distinct y.other) filter (y.kind = 'credit') >= 2
""",
    "fan-in-new-payers": f"""
select x.subject, x.currency, x.time // {_DAY} * {_DAY} as bucket, x.event_id, x.place
{_SEEN.format(window=_DAY)}
left join fresh on fresh.event_id = y.event_id and fresh.subject = y.subject
where x.kind = 'credit' and y.kind = 'credit' and y.currency = x.currency
group by all
having count(distinct y.other) filter (fresh.event_id is not null) >= 8
   and 10 * count(distinct y.other) filter (fresh.event_id is not null) >= 8 * count(distinct y.other)
   and sum(y.amount) >= case x.currency when 'CNY' then 2000000 else 300000 end
""",
}


class Bucket(NamedTuple):
    """What makes one alert: rule, account, currency where money is summed, start of the time bucket."""

    rule_id: str
    subject: str
    currency: str
    start: int


def hits(payments: list[Payment]) -> dict[Bucket, list[str]]:
    """Give the event ids that trigger each rule, in order, by alert."""
    with duckdb.connect() as base:
        base.execute("set threads = 1")
        base.execute(
            "create table payments (event_id varchar, time bigint, sequence integer, source varchar, debtor varchar,"
            " creditor varchar, amount bigint, currency varchar)"
        )
        columns = list(zip(*(each[:8] for each in payments), strict=True))
        base.execute(
            "insert into payments select " + ", ".join(f"unnest(${n})" for n in range(1, 9)), [list(c) for c in columns]
        )
        base.execute(_LEGS)
        base.execute(_NEW)
        found: dict[Bucket, list[str]] = {}
        for rule_id, query in _RULES.items():
            rows = base.execute(f"select subject, currency, bucket, event_id from ({query}) order by place").fetchall()
            for subject, currency, start, event_id in rows:
                found.setdefault(Bucket(rule_id, subject, currency, start), []).append(event_id)
        return found
