"""``python -m tests.simulation --seed 7`` runs one schedule and shows it; ``--schedules 1000`` runs that many from the seed on."""

import argparse
import logging
import sys

from tests.simulation.campaign import attempt, campaign
from tests.simulation.loop import process


class _Here(logging.Formatter):
    """Says which simulated process speaks."""

    def format(self, record: logging.LogRecord) -> str:
        return f"  {process()}: {record.getMessage()}"


def main() -> int:
    """Run what is asked for; gives 1 when a schedule failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Simulated schedules.")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--schedules", type=int, default=1, help="how many; one is shown in detail")
    parser.add_argument("--seconds", type=float, help="stop after so many seconds of processor time")
    asked = parser.parse_args()
    if asked.schedules > 1 or asked.seconds:
        tally = campaign(range(asked.seed, asked.seed + asked.schedules), asked.seconds)
        sys.stdout.write("".join(f"FAILED {each}\n" for each in tally.failed) + f"{tally}\n")
        return 1 if tally.failed else 0
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Here())
    logging.getLogger("streams").addHandler(handler)
    logging.getLogger("streams").setLevel(logging.INFO)
    schedule, wrong = attempt(asked.seed)
    sys.stdout.write("".join(f"{fault}\n" for fault in sorted(schedule.plan)))
    for at, who, *what in schedule.network.trace:
        shown = " ".join(f"<{len(each)} bytes>" if isinstance(each, bytes) else str(each) for each in what)
        sys.stdout.write(f"{at:9.4f} {who}: {shown}\n")
    sys.stdout.write("".join(f"WRONG {each}\n" for each in wrong))
    sys.stdout.write(f"trace {schedule.trace}, {len(wrong)} things wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
