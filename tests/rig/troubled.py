"""The command line with what a test wants to go wrong inside it; the environment says what (``tests.rig.settings.trouble``).

``python -m tests.rig.troubled worker --role detect``. The rule ``raises``, where it is published, raises at every leg.
"""

import importlib
import sys

from streams.agents import rulesets
from tests.rig import broken, engine_fault, failing, raising
from tests.rig.settings import trouble

COMMAND = (sys.executable, "-m", "tests.rig.troubled")


def prepare() -> None:
    """Import everything a worker needs, with the rule that raises in it."""
    for name in ("streams.cli.app", "streams.cli.worker", "faust.worker", "aiokafka", "psycopg", "uvloop"):
        importlib.import_module(name)
    # Where workers look it up.
    vars(rulesets)["compile_ruleset"] = raising.compile_with_a_fault


def main() -> None:
    """Run the command line."""
    prepare()
    from streams.cli.app import main as payweir  # noqa: PLC0415 - after everything else, as a user would

    wanted = trouble()
    if wanted.unbearable:
        engine_fault.put_in(wanted.unbearable)
    if wanted.broken:
        broken.BUILDS[wanted.broken]()
    if wanted.failpoint:
        failing.arm(wanted.failpoint)
    payweir()


if __name__ == "__main__":
    main()
