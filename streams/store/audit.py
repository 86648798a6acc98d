"""The audit log: who did what, append-only, each entry chained to the one before by SHA-256.

Whoever changes, removes or inserts an entry breaks the chain from there on, unless they rewrite all that follows; and who
noted the hash of the newest entry elsewhere finds that out too, as he finds a log that was cut off at its end.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, literal_column, select, text

from streams.store.columns import Moment
from streams.store.engine import reading, writing
from streams.store.schema import audit_log
from streams.store.upsert import NOW
from streams.store.writer import Store

FIRST_HASH: Final = "0" * 64
_LOCK: Final = 0x7061_7977_6175_6474
"""Key of the lock under which entries are added: ``paywaudt`` in ASCII."""
_FAULTS_MAX: Final = 20


@dataclass(frozen=True)
class AuditState:
    """What a look through the whole log found; without faults the chain is whole."""

    entries: int
    head: str
    """Hash of the newest entry: note it elsewhere, and a later check can say whether it is still in the chain."""
    faults: tuple[str, ...]


def lock(connection: Connection) -> None:
    """Wait until nobody else is adding entries; held to the end of the transaction. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def clock(connection: Connection) -> int:
    """Give the database's time, in milliseconds."""
    now: int = connection.execute(select(literal_column(NOW[connection.dialect.name], Moment))).scalar_one()
    return now


def record(store: Store, actor: str, action: str, about: str, detail: dict[str, object]) -> None:
    """Add an entry about something that happened outside the store. Blocks; raises ``StoreUnreachable`` and ``StoreOutdated``."""
    with writing(store.engine) as connection:
        lock(connection)
        append(connection, actor, action, about, detail)


def append(connection: Connection, actor: str, action: str, about: str, detail: dict[str, object]) -> None:
    """Add an entry in the transaction of what it tells of; call :func:`lock` first."""
    columns = audit_log.c
    last = connection.execute(
        select(columns.number, columns.hash).order_by(columns.number.desc()).limit(1)
    ).one_or_none()
    number, previous = (1, FIRST_HASH) if last is None else (last.number + 1, last.hash)
    written = (clock(connection), actor, action, about, msgspec.json.encode(detail, order="sorted").decode())
    names = ("written_at", "actor", "action", "about", "detail")
    row = dict(zip(names, written, strict=True))
    hashed = _hash(number, *written, previous)
    connection.execute(insert(audit_log).values(number=number, **row, previous_hash=previous, hash=hashed))


def verify(store: Store, head: str | None = None) -> AuditState:
    """Recompute the chain from its first entry; ``head`` is a hash that must be in it.

    Blocks; raises ``StoreUnreachable`` and ``StoreOutdated``.
    """
    faults: list[str] = []
    number, previous, found = 0, FIRST_HASH, head is None
    with reading(store.engine) as connection:
        for row in connection.execution_options(yield_per=1000).execute(select(audit_log).order_by(audit_log.c.number)):
            if row.number != number + 1:
                faults.append(f"entry {number + 1} is missing; the next there is is {row.number}")
            elif row.previous_hash != previous:
                faults.append(f"entry {row.number} does not follow the one before it")
            if row.hash != _hash_of(row):
                faults.append(f"entry {row.number} was changed ({row.action} by {row.actor})")
            found = found or row.hash == head
            number, previous = row.number, row.hash
    if not found:
        faults.append(f"the hash {head} is not in the log; entries at its end were removed, or all was written anew")
    return AuditState(number, previous, tuple(faults[:_FAULTS_MAX]))


def _hash_of(row: Row[Any]) -> str:
    return _hash(row.number, row.written_at, row.actor, row.action, row.about, row.detail, row.previous_hash)


def _hash(*parts: object) -> str:
    return sha256(msgspec.json.encode(parts)).hexdigest()
