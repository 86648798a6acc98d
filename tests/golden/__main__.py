"""Write the golden log of today's engine: ``python -m tests.golden``."""

import sys

from streams.alerts.compose import ENGINE
from tests.golden.golden import RELEASED, folder, make, write


def main() -> int:
    """Refuse to overwrite what a release left."""
    if str(ENGINE) in RELEASED.read_text().split():
        sys.stderr.write(
            f"engine {ENGINE} was released: its outputs stay what they are. "
            "Raise ENGINE in streams/alerts/compose.py, then run this again.\n"
        )
        return 1
    golden = make()
    write(golden)
    size = sum(each.stat().st_size for each in folder(ENGINE).glob("*.xz"))
    sys.stdout.write(
        f"{folder(ENGINE)}: {len(golden.log)} records, {len(golden.outputs)} outputs, {len(golden.snapshot)} records of the "
        f"snapshot, {size // 1024} KiB\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
