"""The command line of a release with another engine number: ``python -m tests.rig.engine_number 2 worker --role detect``."""

import sys

from streams.alerts import compose


def main() -> None:
    """Run the command line."""
    number = int(sys.argv.pop(1))
    setattr(compose, "ENGINE", number)  # noqa: B010  what a release changes; a plain assignment is none mypy lets pass
    from streams.cli.app import main as payweir  # noqa: PLC0415 - after the number is set

    payweir()


if __name__ == "__main__":
    main()
