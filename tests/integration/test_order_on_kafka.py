"""Through real Kafka and workers, too, verdicts are those of SQL over the whole set of payments.

These cells of the matrix (1, 4, 16 source partitions; backlog and live; one and two workers) run here, all of it in the soak.
"""

from functools import cache
from pathlib import Path

import pytest

from tests.rig import oracle
from tests.rig.order_data import Payment, payments
from tests.rig.order_kafka import BROKEN, Cell, faults_of, run_cell
from tests.rig.postgres import PostgresServer

COUNT = 30_000
CELLS = [Cell(1, backlog=False, workers=1), Cell(4, backlog=False, workers=2), Cell(16, backlog=True, workers=2)]
pytestmark = pytest.mark.integration


@cache
def data() -> tuple[list[Payment], dict[oracle.Bucket, list[str]]]:
    known = payments(COUNT)
    return known, oracle.hits(known)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_verdicts_in_the_store_are_those_of_sql(cell: Cell, tmp_path: Path, postgres: PostgresServer) -> None:
    known, truth = data()
    cluster = run_cell(cell, known, tmp_path, postgres, 240)
    assert faults_of(cluster, truth, known) == []


def test_workers_that_evaluate_in_arrival_order_are_caught(tmp_path: Path, postgres: PostgresServer) -> None:
    known = payments(6_000, seed=11)
    cluster = run_cell(Cell(4, backlog=True, workers=1, detect=BROKEN), known, tmp_path, postgres, 240)
    assert len(faults_of(cluster, oracle.hits(known), known)) > 10
