"""The verdicts are those of SQL over the whole set of payments, from any number of partitions, live or from a backlog.

Backlog: one source partition after the other, each in big chunks, so that sources run weeks of event time apart. Live: all
source partitions advance together. In both, 5 % of the payments arrive up to two days late within their partition.
"""

from functools import cache
from itertools import pairwise

import pytest

from tests.rig import oracle
from tests.rig.arrival_order import ARRIVAL_ORDER
from tests.rig.order_data import Payment, payments
from tests.rig.order_run import Layout, differences, run

COUNT = 30_000
LAYOUTS = [Layout(s, a, backlog) for s in (1, 4, 16) for backlog in (False, True) for a in (1, 4)]


@cache
def data() -> list[Payment]:
    return payments(COUNT)


@cache
def meant() -> dict[oracle.Bucket, list[str]]:
    return oracle.hits(data())


def test_the_data_has_ties_exact_windows_late_arrivals_and_hits_of_every_rule() -> None:
    times = [each.time for each in data()]
    ends = {(each.debtor, each.creditor, each.currency, each.time) for each in data()}
    assert len(times) - len(set(times)) > COUNT / 100
    assert sum((d, c, cur, t + 3_600_000) in ends for d, c, cur, t in ends) > 30
    assert sum(after < before for before, after in pairwise(times)) > COUNT * 0.03
    rules = [bucket.rule_id for bucket in meant()]
    assert min(rules.count(rule) for rule in set(rules)) > 50
    assert len(set(rules)) == 3


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_verdicts_are_those_of_sql_over_the_whole_set(layout: Layout) -> None:
    found = run(data(), layout)
    assert len(found.hits) > 50
    assert differences(found, meant(), data()) == []


def test_the_evidence_of_an_alert_is_the_same_from_every_layout() -> None:
    known = payments(6_000, seed=11)
    first = run(known, LAYOUTS[0])
    for layout in (
        Layout(4, 1, backlog=True, chunk=7),
        Layout(16, 4, backlog=True),
        Layout(4, 4, backlog=False, chunk=3),
    ):
        assert run(known, layout).evidence == first.evidence


def test_a_build_that_evaluates_in_arrival_order_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name, broken in ARRIVAL_ORDER:
        monkeypatch.setattr(place, name, broken)
    known = payments(6_000, seed=11)
    truth = oracle.hits(known)
    for layout in (Layout(1, 1, backlog=False), Layout(4, 1, backlog=True)):
        assert len(differences(run(known, layout), truth, known)) > 10


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_verdicts_over_300_000_payments_are_those_of_sql(layout: Layout) -> None:
    known, truth = _large()
    assert differences(run(known, layout), truth, known) == []


@cache
def _large() -> tuple[list[Payment], dict[oracle.Bucket, list[str]]]:
    known = payments(300_000)
    return known, oracle.hits(known)
