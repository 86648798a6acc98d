"""Work in several processes: results in order, progress together, a failure is the failure of all."""

from functools import partial

import pytest

from streams.errors import EngineError, PayweirError, UsageError
from streams.replay.processes import Tell, in_processes


def double(number: int, tell: Tell) -> int:
    tell(1)
    tell(2)
    return 2 * number


def fail(tell: Tell) -> int:
    tell(1)
    message = "no such file"
    raise UsageError(message)


def break_down(_: Tell) -> int:
    raise EngineError(7, 1, "a", ValueError("deep"))


def vanish(_: Tell) -> int:
    raise SystemExit(3)


def test_results_come_in_the_order_of_the_jobs_and_progress_is_that_of_all() -> None:
    heard: list[int] = []
    assert in_processes([partial(double, number) for number in range(3)], 2, heard.append) == [0, 2, 4]
    assert heard == sorted(heard)
    assert heard[-1] == 6


def test_the_error_of_one_is_raised_as_it_was() -> None:
    with pytest.raises(UsageError, match="no such file"):
        in_processes([fail, fail], 2, lambda _: None)
    with pytest.raises(PayweirError, match=r"failed at offset 7 .* deep"):
        in_processes([break_down], 1, lambda _: None)


def test_a_process_that_ends_without_a_word_is_said() -> None:
    with pytest.raises(PayweirError, match="ended without a word"):
        in_processes([vanish], 1, lambda _: None)
