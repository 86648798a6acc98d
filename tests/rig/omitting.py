"""The command line of an intake that loses a stretch on the way: the legs of its first batch go to no partition but the last.

``python -m tests.rig.omitting worker --role intake``
"""

from collections.abc import Sequence

from streams.pipeline import Intake, RawRecord, SourceState, Taken


def main() -> None:
    """Run the command line."""
    honest = Intake.take
    lost = [False]

    def take(intake: Intake, source: SourceState, records: Sequence[RawRecord]) -> Taken:
        taken = honest(intake, source, records)
        if not lost[0] and taken.legs:
            taken.legs.pop(min(taken.legs))
            lost[0] = True
        return taken

    setattr(Intake, "take", take)  # noqa: B010  the fault; a plain assignment is none mypy lets pass
    from streams.cli.app import main as payweir  # noqa: PLC0415 - after the fault is in

    payweir()


if __name__ == "__main__":
    main()
