"""A build that evaluates legs in the order of their arrival: what every engine does that has no order of its own.

``python -m tests.rig.arrival_order worker --role detect`` is such a worker; the order tests must find it out.
"""

from importlib import import_module

import pytest

from streams.legs import Leg
from streams.state.subject import Subject


def _append_only(subject: Subject, leg: Leg) -> bool:
    leg.counted = True
    subject.changed_from = min(subject.changed_from, leg.time)
    subject.log.append(leg)
    return True


def _found_by_looking(subject: Subject, leg: Leg) -> int:
    return next(at for at, each in enumerate(subject.log) if each is leg)


def _never(_subject: Subject, _before: int, _program: object) -> None:
    """Cutting off the oldest needs an ordered log, as bisection does, and this build has none."""


ARRIVAL_ORDER = (
    (Subject, "insert", _append_only),
    (Subject, "index", _found_by_looking),
    (import_module("streams.pipeline.forgetting"), "evict", _never),
)
"""Where the fault is put, and what."""


def main() -> None:
    """Run the command line."""
    with pytest.MonkeyPatch.context() as patch:
        for place, name, broken in ARRIVAL_ORDER:
            patch.setattr(place, name, broken)
        _command()


def _command() -> None:
    from streams.cli.app import main as payweir  # noqa: PLC0415 - after the fault is in

    payweir()


if __name__ == "__main__":
    main()
