"""``payweir rules schema`` and ``language``: what editors need, and every word there is."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.rulefiles import write_report
from streams.detection.reference import reference
from streams.detection.ruleschema import export, text_of
from streams.errors import UsageError

_FILES = {"rule": "rule.schema.json", "list": "list.schema.json"}


def schema_command(
    of: Annotated[str, typer.Option("--of", help="rule or list.")] = "rule",
    *,
    write: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write rule.schema.json and list.schema.json there.", show_default="print"),
    ] = None,
) -> None:
    """Print the JSON Schema of a rule file, or of a list file, with meanings and examples: for completion in editors.

    What an expression means, only payweir rules check can tell.

    Example: payweir rules schema --write rules/
    """
    if of not in _FILES:
        raise UsageError(f"--of {of}: write rule or list")
    if write is None:
        typer.echo(text_of(export()[_FILES[of]]), nl=False)
        return
    for name, schema in export().items():
        write_report(write / name, text_of(schema))
        typer.echo(f"{write / name} is written")


def language_command(
    *,
    write: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write REFERENCE.md there.", show_default="print")
    ] = None,
) -> None:
    """Print the reference of the rule language: every key, word, type and bound, made from what the program knows.

    Example: payweir rules language --write rules/
    """
    if write is None:
        typer.echo(reference(), nl=False)
        return
    write_report(write / "REFERENCE.md", reference())
    typer.echo(f"{write / 'REFERENCE.md'} is written")
