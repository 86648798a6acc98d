"""The simulation notices every build that is broken on purpose, within a bounded number of seeds."""

from collections.abc import Callable
from random import Random
from typing import Final

import pytest

from tests.simulation.builds import BUILDS
from tests.simulation.campaign import attempt, quiet
from tests.simulation.faults import Fault

SEEDS_MAX: Final = 400


def first_failure(seeds: range, plan: Callable[[Random], list[Fault]] | None) -> str:
    """Give what is wrong in the first schedule that fails, empty when none does."""
    with quiet():
        for seed in seeds:
            _, wrong = attempt(seed, plan)
            if wrong:
                return f"seed {seed}: {wrong[0]}"
    return ""


@pytest.mark.parametrize("name", BUILDS)
def test_a_broken_build_is_found(name: str) -> None:
    build = BUILDS[name]
    with build.broken():
        found = first_failure(range(build.first, build.first + SEEDS_MAX), build.plan)
    assert found, f"{name}: nothing wrong in {SEEDS_MAX} schedules"
    seed = int(found.partition(":")[0].removeprefix("seed "))
    assert not first_failure(range(seed, seed + 1), build.plan), "the honest build fails in the same schedule"
