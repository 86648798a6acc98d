"""Connections to the store: its URL, how each database is set up, and what its errors mean.

An error of a driver becomes ``StoreUnreachable`` (try again), ``StoreOutdated`` (upgrade first) or, inside this
package, ``RowRefusedError`` (this row, not the others). No message carries a password.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import StaticPool

from streams.errors import ServiceError, StoreOutdated, StoreUnreachable, UsageError

_WRITES: Final = "payweir_writes"
_CONNECT_SECONDS: Final = 5
_STATEMENT_MS: Final = 60_000
_LOCK_MS: Final = 10_000
_IDLE_MS: Final = 30_000
"""For so long the server keeps the locks of a transaction in which nothing is asked."""
_TEXT_MAX: Final = 300

# Classes of https://www.postgresql.org/docs/current/errcodes-appendix.html that blame the row; the others, the service.
_ROW_CLASSES: Final = ("21", "22", "23", "54")
_OUTDATED_STATES: Final = ("42P01", "42P10", "42703", "42883")
_SQLITE_OUTDATED: Final = ("no such table", "no such column", "has no column named")


class RowRefusedError(Exception):
    """The database, or its driver, refuses the values of a row; never leaves this package."""


def parse_url(text: str) -> URL:
    """Read a store URL; raises ``UsageError``, which does not repeat the text because it may hold a password."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        message = "the store URL cannot be read; write sqlite:///FILE or postgresql://USER@HOST:PORT/DATABASE"
        raise UsageError(message) from None
    if url.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        return url
    message = f"a store of kind {url.drivername!r} is not supported; write sqlite:///FILE or postgresql://..."
    raise UsageError(message)


def shown(url: URL) -> str:
    """Give the URL for people, without its password."""
    return url.difference_update_query(["password", "sslpassword"]).render_as_string(hide_password=True)


def connect_engine(url: URL) -> Engine:
    """Make the engine; nothing is connected yet."""
    if url.get_backend_name() == "postgresql":
        defaults = {
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "payweir",
            "keepalives_idle": 10,
            "tcp_user_timeout": _CONNECT_SECONDS * 3_000,
        }
        arguments = {name: value for name, value in defaults.items() if name not in url.query}
        engine = create_engine(url, connect_args=arguments, pool_pre_ping=True, hide_parameters=True)
        event.listen(engine, "connect", _prepare_postgresql)
        return engine
    if url.database in {None, "", ":memory:"}:
        engine = create_engine(
            url, poolclass=StaticPool, connect_args={"check_same_thread": False}, hide_parameters=True
        )
    else:
        engine = create_engine(url, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def require_file(url: URL) -> None:
    """Raise ``StoreUnreachable`` for a SQLite file that is not there, which connecting would make."""
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        if url.database.startswith("file:") or Path(url.database).exists():
            return
        message = f"there is no file {url.database}; payweir run makes it, and --store names another"
        raise StoreUnreachable(message)


def _prepare_postgresql(connection: DBAPIConnection, _record: object) -> None:
    """Bound every wait: a stuck server looks like an unreachable one, and a worker that is frozen keeps no other waiting."""
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = {_IDLE_MS}")
    cursor.execute(f"SET statement_timeout = {_STATEMENT_MS}")
    cursor.execute(f"SET lock_timeout = {_LOCK_MS}")
    cursor.execute("SET timezone = 'UTC'")
    cursor.close()
    connection.commit()


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    """Let SQLAlchemy begin transactions (``_begin_sqlite``); readers and the writer do not block each other (WAL)."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {_LOCK_MS}", "journal_mode = WAL", "synchronous = NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once when writing: taken later it may fail, and no waiting would help."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a read transaction: one snapshot on SQLite; on PostgreSQL each statement has its own."""
    try:
        with translated(engine), engine.connect() as connection:
            yield connection
    except (RowRefusedError, OverflowError) as error:
        message = f"the store cannot look for such a value: {error}"
        raise UsageError(message) from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a write transaction, committed at the end; values that do not fit raise ``RowRefusedError``."""
    try:
        with (
            translated(engine),
            engine.connect().execution_options(**{_WRITES: True}) as connection,
            connection.begin(),
        ):
            yield connection
    except (ArithmeticError, ValueError, TypeError) as error:
        raise RowRefusedError(_first_line(error)) from error


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn errors of the database and its driver into those of this package."""
    try:
        yield
    except DBAPIError as error:
        raise _judge(engine, error.orig or error, lost=error.connection_invalidated) from None
    except StatementError as error:
        raise RowRefusedError(_first_line(error.orig or error)) from error
    except PoolTimeoutError as error:
        raise _unreachable(engine, error) from None
    except Exception as error:
        if not _of_driver(error):
            raise
        raise _judge(engine, error, lost=False) from None


def _of_driver(error: BaseException) -> bool:
    """Say whether the error comes straight from a driver, as those of COPY do."""
    return isinstance(error, sqlite3.Error) or type(error).__module__.startswith("psycopg")


def _judge(engine: Engine, error: BaseException, *, lost: bool) -> ServiceError | RowRefusedError:
    """Decide between row, schema and service by the error's code; the class of the error says too little."""
    if engine.dialect.name == "sqlite":
        return _judge_sqlite(engine, error)
    state: str | None = getattr(error, "sqlstate", None)
    if state is None and not lost and type(error).__name__ == "DataError":
        return RowRefusedError(_first_line(error))
    if state is not None and state.startswith(_ROW_CLASSES):
        return RowRefusedError(_first_line(error))
    if state in _OUTDATED_STATES:
        return StoreOutdated(f"{_outdated(engine.url)} ({_first_line(error)})")
    return _unreachable(engine, error)


def _judge_sqlite(engine: Engine, error: BaseException) -> ServiceError | RowRefusedError:
    """SQLite has one class for all faults of the service; those of the schema are told apart by text."""
    text = _first_line(error)
    if isinstance(error, sqlite3.OperationalError) and text.startswith(_SQLITE_OUTDATED):
        return StoreOutdated(f"{_outdated(engine.url)} ({text})")
    if isinstance(error, sqlite3.IntegrityError | sqlite3.DataError) or text.startswith("Error binding parameter"):
        return RowRefusedError(text)
    return _unreachable(engine, error)


def _unreachable(engine: Engine, error: BaseException) -> StoreUnreachable:
    reason = _first_line(error)
    if engine.url.password:
        reason = reason.replace(str(engine.url.password), "***")
    return StoreUnreachable(f"the store {shown(engine.url)} cannot be used now: {reason}")


def _outdated(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return f"the file {url.database} was made by another version of Payweir; move it away, or name a new one"
    return f"the schema of {shown(url)} is not the one this program needs; run: payweir store upgrade"


def outdated(url: URL, found: str | None, needed: str) -> StoreOutdated:
    """Make the error for a store whose schema is not ours: ``found`` is its version, None when it has none."""
    what = "has no schema of Payweir" if found is None else f"has schema version {found}"
    return StoreOutdated(f"{_outdated(url)} (it {what}, needed is {needed})")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:_TEXT_MAX]
