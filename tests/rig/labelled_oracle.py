"""Rules R10 and R15 as shipped, as plain SQL over a file of transfers, in DuckDB: it reads the file itself, without our code.

A leg x at time t sees the legs of its account in (t - 24 h, t] that are not after x in the order (time, sequence, source, event
id), in the currency of x. A payer is new when the two accounts moved no money, either way, in any currency, in the 30 days before.
Legs between accounts of one party, refunds and returns are no debits or credits. A payment counts once, from its first booking.
"""

from pathlib import Path
from typing import Final, NamedTuple

import duckdb

_DAY: Final = 86_400_000
_LISTED: Final = "exists (from listed where account = x.subject and x.time >= since and x.time < until)"

LABELLED: Final = """
create table payments as
select distinct event_id, epoch_ms(ts::timestamp) as time, 0 as sequence, 'labelled' as source, event_id as payment,
  if(from_account like 'EXT:%', '', from_account) as debtor, if(to_account like 'EXT:%', '', to_account) as creditor,
  (amount::decimal(24, 6) * if(currency in ('JPY', 'VND', 'KRW'), 1, 100))::bigint as amount, currency, '' as merchant,
  false as apart, null::bigint as left_over
from read_json($file, format = 'newline_delimited', columns = {event_id: 'varchar', ts: 'varchar', from_account: 'varchar',
  to_account: 'varchar', amount: 'varchar', currency: 'varchar'})
where amount::decimal(24, 6) > 0 and debtor <> creditor
"""
"""The labelled format: every line is booked; the world outside (``EXT:``) is nobody's account and nobody's counterparty."""

EVENTS: Final = """
create table payments as
select distinct event_id, epoch_ms(event_time::timestamp) as time, coalesce(sequence, 0) as sequence, source,
  source || '|' || payment_id as payment,
  if(debtor.account_token in ('CASH', 'EXTERNAL'), '', debtor.account_token) as debtor,
  if(creditor.account_token in ('CASH', 'EXTERNAL'), '', creditor.account_token) as creditor,
  amount_minor as amount, currency, coalesce(merchant_id, '') as merchant,
  relation is not null or coalesce(debtor.party_token = creditor.party_token, false) as apart,
  debtor_balance_after_minor as left_over
from read_json($file, format = 'newline_delimited', columns = {event_id: 'varchar', event_time: 'varchar', sequence: 'bigint',
  source: 'varchar', payment_id: 'varchar', debtor: 'struct(account_token varchar, party_token varchar)',
  debtor_balance_after_minor: 'bigint',
  creditor: 'struct(account_token varchar, party_token varchar)', amount_minor: 'bigint', currency: 'varchar',
  merchant_id: 'varchar', relation: 'varchar', status: 'varchar', event_type: 'varchar'})
where event_type = 'payment' and status = 'SETTLED' and debtor.account_token <> creditor.account_token
"""
"""Our own payment events."""

_LEGS: Final = f"""
create table legs as
with booked as (
  from payments where not apart
  qualify row_number() over (partition by payment order by time, sequence, source, event_id) = 1
), sides as (
  select debtor as subject, creditor as other, 'debit' as kind, * exclude (debtor, creditor) from booked
  union all
  select creditor, debtor, 'credit', * exclude (debtor, creditor) from booked
)
select *, row_number() over (order by time, sequence, source, event_id) as place, time // {_DAY} as day
from sides where subject <> '';

create table fresh as
select x.event_id, x.subject from legs x
where x.kind = 'credit' and x.other <> '' and not exists (
  from legs y
  where y.subject = x.subject and y.other = x.other and y.time > x.time - {30 * _DAY}
    and (y.time, y.sequence, y.source, y.event_id) < (x.time, x.sequence, x.source, x.event_id)
);

create table seen as
select x.subject, x.place as spot, x.kind as role, y.kind, y.other, y.amount, fresh.event_id is not null as new
from legs x join (select *, day + later as seen_on from legs, (values (0), (1)) v(later)) y
  on y.subject = x.subject and y.currency = x.currency and y.seen_on = x.day
left join fresh on fresh.event_id = y.event_id and fresh.subject = y.subject
where y.time > x.time - {_DAY} and y.time <= x.time
  and (y.time, y.sequence, y.source, y.event_id) <= (x.time, x.sequence, x.source, x.event_id);
"""

_HITS: Final = f"""
create table hits as
with measured as (
  select subject, spot, role,
    coalesce(sum(amount) filter (kind = 'credit'), 0) as received, coalesce(sum(amount) filter (kind = 'debit'), 0) as sent,
    count(distinct other) filter (kind = 'credit' and other <> '') as payers,
    count(distinct other) filter (kind = 'credit' and other <> '' and new) as new_payers
  from seen group by all
), found as (
  select 'pass-through-account' as rule, m.*, floor from measured m join legs x on (x.subject, x.place) = (m.subject, spot)
    join floors on floors.rule = 'pass-through-account' and floors.currency = x.currency
  where role = 'debit' and received >= floor and 10 * sent >= 9 * received and 100 * sent <= 102 * received and payers >= 2
    and (left_over is null or 20 * left_over <= received)
  union all
  select 'fan-in-new-payers', m.*, floor from measured m join legs x on (x.subject, x.place) = (m.subject, spot)
    join floors on floors.rule = 'fan-in-new-payers' and floors.currency = x.currency
  where role = 'credit' and new_payers >= 8 and 10 * new_payers >= 8 * payers and received >= floor and x.merchant = ''
)
select rule, x.*, x.time // {_DAY} * {_DAY} as bucket, {_LISTED} as held
from found join legs x on (x.subject, x.place) = (found.subject, spot)
"""

_ALERTS: Final = f"""
with shown as (
  from hits qualify not held or bool_and(held) over (partition by rule, subject, currency, bucket)
), alerts as (
  select rule, subject, currency, bucket, bool_and(held) as held, list(event_id order by place) as hits,
    min(time) as first_hit, max(time) as last_hit, max(place) as last_place
  from shown group by all
)
select rule, alerts.subject, alerts.currency, bucket, held, hits, first_hit, last_hit,
  list(y.event_id order by place desc)[:100].list_reverse()
from alerts join legs y on y.subject = alerts.subject and y.currency = alerts.currency
where y.time > first_hit - {_DAY} and y.place <= last_place and (rule = 'pass-through-account' or y.kind = 'credit')
group by all
"""

_UNDECIDED: Final = """
select rule, currency, count(*) from legs, (values ('pass-through-account', 'debit'), ('fan-in-new-payers', 'credit')) v(rule, role)
where kind = v.role and not exists (from floors where floors.rule = v.rule and floors.currency = legs.currency) group by all
"""

FACTS: Final = ("  party_type: reference party_type", "  age: time since opened")
STATED: Final = {
    "pass-through-account": (
        "on: debit",
        "  received: sum amount of credits over 24h",
        "  sent: sum amount of debits over 24h",
        "  payers: count distinct counterparty of credits over 24h",
        FACTS[0],
        "  received >= floor and sent >= 90% of received and sent <= 102% of received and payers >= 2",
        "  and (balance is missing or balance <= 5% of received) and not party_type in businesses",
        "unless: [licensed-psp]",
        "cool_down: 24h",
    ),
    "fan-in-new-payers": (
        "on: credit",
        "  received: sum amount of credits over 24h",
        "  payers: count distinct counterparty of credits over 24h",
        "  new_payers: count distinct counterparty of new credits over 24h",
        *FACTS,
        "  new_payers >= payers_min and new_payers >= 80% of payers and received >= floor and merchant is missing",
        "  and not party_type in businesses and not (purpose in fees_and_gifts and party_type = ORG and age >= 180d)",
        "  payers_min: 8",
        "unless: [licensed-psp]",
        "cool_down: 24h",
    ),
}
"""The lines of the shipped rules that the queries restate; a rule that changes one must change the query too.

The streams they are asked on hold no registered facts, so what ``party_type`` leaves out is nobody.
"""


class Alert(NamedTuple):
    """What makes one alert (rule, account, currency, start of its day), and what it must say."""

    rule_id: str
    subject: str
    currency: str
    bucket: int
    held: bool
    hits: tuple[str, ...]
    first_hit: int
    last_hit: int
    evidence: tuple[str, ...]


class Limits(NamedTuple):
    """What the rule and list files say, in rows: (rule, currency, minor units) and (account, since ms, until ms)."""

    floors: list[tuple[str, str, int]]
    listed: list[tuple[str, int, int]]


class Truth(NamedTuple):
    """All alerts, and how many legs each rule cannot decide for want of a floor, by currency."""

    alerts: list[Alert]
    undecided: dict[tuple[str, str], int]


def meant(file: Path, dialect: str, limits: Limits) -> Truth:
    """Say what R10 and R15 mean on a file of transfers; ``dialect`` is ``LABELLED`` or ``EVENTS``."""
    with duckdb.connect(config={"threads": 1}) as base:
        base.execute("set enable_progress_bar = false")
        base.execute(dialect, {"file": str(file)})
        base.execute(_LEGS)
        base.execute("create table floors (rule varchar, currency varchar, floor bigint)")
        base.execute("create table listed (account varchar, since bigint, until bigint)")
        base.executemany("insert into floors values (?, ?, ?)", limits.floors)
        if limits.listed:
            base.executemany("insert into listed values (?, ?, ?)", limits.listed)
        base.execute(_HITS)
        alerts = [
            Alert(rule, account, currency, bucket, held, tuple(hits), first, last, tuple(evidence))
            for rule, account, currency, bucket, held, hits, first, last, evidence in base.execute(_ALERTS).fetchall()
        ]
        undecided = {(rule, currency): count for rule, currency, count in base.execute(_UNDECIDED).fetchall()}
    return Truth(sorted(alerts), undecided)
