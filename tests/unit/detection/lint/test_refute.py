"""What is refuted is impossible: held to trying all small numbers."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detection.lint.refute import Effort, Fact, Flag, Row, Within, refuted

A, B = frozenset({"A"}), frozenset({"B"})


@pytest.mark.parametrize(
    ("facts", "impossible"),
    [
        ([], False),
        ([Row((), 1)], True),
        ([Row((), 0)], False),
        ([Row(((0, 1),), 3), Row(((0, -1),), -2)], True),  # x >= 3, x <= 2
        ([Row(((0, 1),), 3), Row(((0, -1),), -3)], False),
        ([Row(((0, 2),), 1), Row(((0, -2),), -1)], True),  # 2x is 1, and x a whole number
        ([Row(((0, 1), (1, -1)), 1), Row(((1, 1), (2, -1)), 0), Row(((0, -1), (2, 1)), 0)], True),  # x > y >= z >= x
        ([Row(((0, 1), (1, -1)), 1), Row(((1, 1), (2, -1)), 0)], False),
        ([Flag(0, truth=True), Flag(0, truth=False)], True),
        ([Flag(0, truth=True), Flag(1, truth=False)], False),
        ([Within(0, A, inside=True), Within(0, B, inside=True)], True),
        ([Within(0, A | B, inside=True), Within(0, A, inside=False)], False),
        ([Within(0, A | B, inside=True), Within(0, A, inside=False), Within(0, B, inside=False)], True),
        ([Within(0, A, inside=False), Within(1, A, inside=True)], False),
    ],
)
def test_facts_that_exclude_each_other_are_refuted(facts: list[Fact], *, impossible: bool) -> None:
    assert refuted(facts, Effort()) is impossible


_rows = st.builds(
    lambda factors, least: Row(tuple((i, factor) for i, factor in enumerate(factors) if factor), least),
    st.lists(st.integers(-3, 3), min_size=3, max_size=3),
    st.integers(-6, 6),
)


@given(st.lists(_rows, max_size=6))
def test_no_small_numbers_fulfil_what_is_refuted(rows: list[Row]) -> None:
    found = refuted(rows, Effort())
    fulfilled = any(
        all(sum(factor * numbers[each] for each, factor in row.terms) >= row.least for row in rows)
        for numbers in product(range(-4, 5), repeat=3)
    )
    assert not (found and fulfilled)


def test_what_would_take_too_long_is_not_proven() -> None:
    rows = [Row(((0, 1),), 3), Row(((0, -1), (1, 1)), 0), Row(((1, -1),), -2)]
    assert refuted(rows, Effort())
    assert not refuted(rows, Effort(left=1))
