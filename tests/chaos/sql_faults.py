"""What may be wrong with the database itself: away, locked, slow, full. A row it refuses is planted in the stream instead."""

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from random import Random
from typing import Final

import psycopg

from tests.rig.postgres import PostgresServer

REFUSED_BYTES: Final = 4_321
"""A dead letter of this size hurts a constraint of the table: SQLSTATE 23514, and the row will never fit."""
_DISK_FULL: Final = """
CREATE OR REPLACE FUNCTION chaos_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER chaos_full BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION chaos_full()
"""
_SLOW: Final = """
CREATE OR REPLACE FUNCTION chaos_slow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$;
CREATE TRIGGER chaos_slow AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION chaos_slow()
"""
_TABLES: Final = ("alerts", "alert_amendments", "alert_evidence", "ingest_counters")
Going = Generator[None, None, int]


@dataclass(frozen=True, slots=True)
class SqlScene:
    """The server and the database on it."""

    server: PostgresServer
    url: str
    dice: Random

    def tell(self, statement: str) -> None:
        """Do something past the store, as its administrator would."""
        with psycopg.connect(self.url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def table(self) -> str:
        """Choose where it hurts."""
        return self.dice.choice(_TABLES)


def plant_constraint(url: str) -> None:
    """Make the database refuse a kind of row for ever."""
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True) as connection:
        check = f"ALTER TABLE dead_letters ADD CONSTRAINT chaos_size CHECK (bytes_total <> {REFUSED_BYTES})"
        connection.execute(check.encode())


def _waited(seconds: float) -> Generator[None, None, None]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield


def _down(scene: SqlScene) -> Going:
    scene.server.stop()
    yield from _waited(scene.dice.uniform(2, 6))
    scene.server.start()
    return 1


def _down_short(scene: SqlScene) -> Going:
    """A restart: connections break, and a moment later all is well."""
    scene.server.stop()
    yield
    scene.server.start()
    return 1


def _locked(scene: SqlScene) -> Going:
    """Longer than the writers wait for a lock."""
    release, table = threading.Event(), scene.table()

    def hold() -> None:
        with psycopg.connect(scene.url.replace("postgresql+psycopg://", "postgresql://")) as connection:
            connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
            release.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    yield from _waited(scene.dice.choice((3, 12)))
    release.set()
    thread.join()
    return 1


def _connections_ended(scene: SqlScene) -> Going:
    """An administrator ends every session of the workers."""
    yield
    scene.tell(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return 1


def _with_trigger(text: str, name: str, scene: SqlScene) -> Going:
    table = scene.table()
    scene.tell(text.format(table=table))
    yield from _waited(scene.dice.uniform(3, 6))
    scene.tell(f"DROP TRIGGER {name} ON {table}")
    return 1


def _full(scene: SqlScene) -> Going:
    return _with_trigger(_DISK_FULL, "chaos_full", scene)


def _slow(scene: SqlScene) -> Going:
    return _with_trigger(_SLOW, "chaos_slow", scene)


SQL_FAULTS: Final[dict[str, Callable[[SqlScene], Going]]] = {
    "down": _down,
    "restarted": _down_short,
    "locked": _locked,
    "slow": _slow,
    "disk full (a trigger raises SQLSTATE 53100)": _full,
    "sessions ended by the administrator": _connections_ended,
}
