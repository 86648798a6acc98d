"""The command line with a slow engine, so that a replay of the log lasts long enough to be looked at.

``python -m tests.rig.slow worker --role detect`` rests before every record of the log.
"""

import time
from collections.abc import Mapping

from streams.detection.program import Programs
from streams.legs import Packed
from streams.pipeline import Outputs, PartitionState, step

REST_SECONDS = 0.05


def slow_step(state: PartitionState, record: Packed, rulesets: Mapping[str, Programs]) -> Outputs:
    """Rest, then step."""
    time.sleep(REST_SECONDS)
    return step(state, record, rulesets)


def main() -> None:
    """Run the command line."""
    from streams.agents import detect  # noqa: PLC0415 - the name is looked up there
    from streams.cli.app import main as payweir  # noqa: PLC0415

    vars(detect)["step"] = slow_step
    payweir()


if __name__ == "__main__":
    main()
