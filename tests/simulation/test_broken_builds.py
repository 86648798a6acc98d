"""The simulation notices every build that is broken on purpose, within a bounded number of seeds."""

from typing import Final

import pytest

from tests.simulation.builds import BUILDS
from tests.simulation.campaign import Draws, attempt, quiet

SEEDS_MAX: Final = 400


def first_failure(seeds: range, draws: Draws) -> str:
    """Give what is wrong in the first schedule that fails, empty when none does."""
    with quiet():
        for seed in seeds:
            _, wrong = attempt(seed, draws)
            if wrong:
                return f"seed {seed}: {wrong[0]}"
    return ""


@pytest.mark.parametrize("name", BUILDS)
def test_a_broken_build_is_found(name: str) -> None:
    build = BUILDS[name]
    with build.broken():
        found = first_failure(range(1, 1 + SEEDS_MAX), build.draws)
    assert found, f"{name}: nothing wrong in {SEEDS_MAX} schedules"
    seed = int(found.partition(":")[0].removeprefix("seed "))
    assert not first_failure(range(seed, seed + 1), build.draws), "the honest build fails in the same schedule"
