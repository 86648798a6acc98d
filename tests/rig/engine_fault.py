"""The command line with an engine that cannot bear one account.

``python -m tests.rig.engine_fault ACCOUNT worker --role detect`` is a worker that ends at every leg of it.
"""

import sys

from streams.legs import Leg
from streams.state.subject import Subject


def put_in(unbearable: str) -> None:
    """Make the engine of this process fail at every leg of an account."""
    honest = Subject.enter

    def enter(subject: Subject) -> Leg:
        if subject.key == unbearable:
            raise ZeroDivisionError("made by the test")
        return honest(subject)

    setattr(Subject, "enter", enter)  # noqa: B010  the fault; a plain assignment is none mypy lets pass


def main() -> None:
    """Run the command line."""
    put_in(sys.argv.pop(1))
    from streams.cli.app import main as payweir  # noqa: PLC0415 - after the fault is in

    payweir()


if __name__ == "__main__":
    main()
