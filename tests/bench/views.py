"""What dashboards' queries take on many alerts, and whether retention keeps up with what comes in."""

import time
from typing import Final

from streams.alerts.model import Position
from streams.clock import DAY_MS
from streams.store import Store, open_store, upgrade
from streams.store.retention import Retention, retain
from tests.bench.report import Figure, Report
from tests.rig.alert_mass import DAYS, TYPICAL, ask_typical, fill
from tests.rig.postgres import PostgresServer
from tests.unit.store.samples import mule_alert, token

RUNS: Final = 20
TARGET_MS: Final = 200.0
WRITTEN: Final = 10_000
BATCH: Final = 1_000
DELETED_DAYS: Final = 20
"""The oldest days, which the retention job deletes."""


def views(report: Report, alerts: int) -> None:
    """Fill a PostgreSQL with its own defaults, ask every view's typical query, write, delete."""
    with PostgresServer(fsync=True) as server:
        url = server.create_database()
        upgrade(url)
        with open_store(url) as store:
            fill(store, alerts)
            report.figures.append(Figure("views", "alerts in the store", alerts, "alerts"))
            with store.engine.connect() as connection:
                for view in TYPICAL:
                    p95 = ask_typical(connection, view, RUNS).p95
                    reached = p95 <= TARGET_MS
                    what = f"{view}, p95 of {RUNS}"
                    report.figures.append(Figure("views", what, p95, "ms", target="<= 200 ms", reached=reached))
            report.figures.append(_written(store))
            report.figures.append(_deleted(store))


def _written(store: Store) -> Figure:
    """Write new alerts, three legs each, in batches as the record worker does."""
    batches = [
        [
            mule_alert(f"new-{first + n}", subject=token(f"new {first + n}"), revision=Position(2, first + n, 0))
            for n in range(BATCH)
        ]
        for first in range(0, WRITTEN, BATCH)
    ]
    begun = time.monotonic()
    for batch in batches:
        store.write(batch)
    taken = time.monotonic() - begun
    return Figure("views", "alerts written to the full store", WRITTEN / taken, "alerts/s", taken)


def _deleted(store: Store) -> Figure:
    """Let the retention job delete the oldest days, with all that belongs to them."""
    begun = time.monotonic()
    gone = retain(store, Retention(alerts_ms=(DAYS - DELETED_DAYS) * DAY_MS), "bench")
    taken = time.monotonic() - begun
    return Figure("views", "alerts deleted by the retention job", gone["alerts"] / taken, "alerts/s", taken)
