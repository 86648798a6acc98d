"""Work in several processes: results in order, progress together, a failure is the failure of all."""

import os
from functools import partial
from multiprocessing import active_children

import pytest

from streams.errors import EngineError, PayweirError, UsageError
from streams.replay.processes import Link, in_processes


def double(number: int, link: Link) -> int:
    link.tell(1, 10)
    link.tell(2, 20)
    return 2 * number


def fail(link: Link) -> int:
    link.tell(1)
    message = "no such file"
    raise UsageError(message)


def break_down(_: Link) -> int:
    raise EngineError(7, 1, "a", ValueError("deep"))


def vanish(_: Link) -> int:
    raise SystemExit(3)


def test_results_come_in_the_order_of_the_jobs_and_progress_is_that_of_all() -> None:
    heard: list[tuple[int, int]] = []
    jobs = [partial(double, number) for number in range(3)]
    assert in_processes(jobs, 2, lambda *numbers: heard.append(numbers)) == [0, 2, 4]
    assert heard == sorted(heard)
    assert heard[-1] == (6, 60)


def test_the_error_of_one_is_raised_as_it_was() -> None:
    with pytest.raises(UsageError, match="no such file"):
        in_processes([fail, fail], 2, lambda _done, _records: None)
    with pytest.raises(PayweirError, match=r"failed at offset 7 .* deep"):
        in_processes([break_down], 1, lambda _done, _records: None)


def test_a_process_that_ends_without_a_word_is_said() -> None:
    with pytest.raises(PayweirError, match="ended without a word"):
        in_processes([vanish], 1, lambda _done, _records: None)


def give_and_take(number: int, of: int, link: Link) -> list[bytes]:
    """Trade three times; the second parcels are larger than any pipe."""
    got = [link.trade([b"%d to %d;" % (number, other) * size for other in range(of)]) for size in (1, 200_000, 1)]
    return [parcel[:7] for parcel in got[number % 3]]


def trade_once(number: int, link: Link) -> int:
    link.trade([b"", b""])
    if number == 1:
        link.trade([b"", b""])
    return number


def fail_between(number: int, link: Link) -> None:
    link.trade([b"", b""])
    if number == 1:
        raise UsageError("no such file")
    link.trade([b"", b""])


def vanish_between(number: int, link: Link) -> None:
    link.trade([b"", b""])
    if number == 1:
        os._exit(3)
    link.trade([b"", b""])


def test_jobs_that_trade_get_what_each_has_for_them_table_by_table() -> None:
    jobs = [partial(give_and_take, number, 3) for _ in range(2) for number in range(3)]
    found = in_processes(jobs, 6, lambda _done, _records: None, 3)
    assert found == 2 * [[b"%d to %d;" % (other, number) for other in range(3)] for number in range(3)]


def test_jobs_that_are_not_equally_far_do_not_wait_for_each_other_for_ever() -> None:
    with pytest.raises(PayweirError, match="not equally far"):
        in_processes([partial(trade_once, number) for number in range(2)], 2, lambda _done, _records: None, 2)


def test_the_fault_of_one_ends_those_that_wait_for_it() -> None:
    with pytest.raises(UsageError, match="no such file"):
        in_processes([partial(fail_between, number) for number in range(2)], 2, lambda _done, _records: None, 2)
    with pytest.raises(PayweirError, match="ended without a word"):
        in_processes([partial(vanish_between, number) for number in range(2)], 2, lambda _done, _records: None, 2)
    assert not active_children()
