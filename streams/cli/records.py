"""What became of the records of a run, as ``run``, ``rules backtest`` and ``diff`` say it: refused by name, undecided by rule."""

from rich.console import Console

from streams.cli.showing import plain
from streams.errors import PayweirError
from streams.replay.run import Summary


def refusals(summary: Summary) -> str:
    """Say how many records were refused, and by which names, the most frequent first."""
    refused = summary.refused
    named = ", ".join(f"{name} {count:,}" for name, count in refused.most_common())
    return f"{refused.total():,} refused" + (f" ({named})" if named else "")


def show_undecided(summary: Summary, out: Console, whose: str = "") -> None:
    """Print a line for each rule that left legs undecided, with the reasons."""
    for rule, reasons in summary.undecided.items():
        told = ", ".join(f"{reason} ({count:,})" for reason, count in reasons.most_common())
        out.print(plain(f"{whose}{rule}: not decided: {told}"), soft_wrap=True)


def undecided_data(summary: Summary) -> dict[str, dict[str, int]]:
    """Give the same for machines."""
    return {rule: dict(reasons) for rule, reasons in summary.undecided.items()}


def refuse_if_nothing_was_read(summary: Summary, format_: str) -> None:
    """Raise PayweirError when there were records and every one was refused: no alert then says nothing about the rules."""
    refused = summary.refused
    if summary.found and refused.total() == summary.found:
        name, count = refused.most_common(1)[0]
        raise PayweirError(
            f"all {summary.found:,} records were refused, {count:,} of them as {name}, so nothing was tried; read as "
            f"--format {format_}: is it another one? schemas/README.md says what a refusal means"
        )
