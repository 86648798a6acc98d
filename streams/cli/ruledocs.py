"""``payweir rules docs``: the manual of a set, for auditors."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from streams.cli.rulefiles import PathArgument, can_be_written, checked, write_report
from streams.detection.comparisons import Seen
from streams.errors import RuleError, UsageError
from streams.replay.coverage import coverage
from streams.replay.manual import TITLE, manual
from streams.replay.pages import as_html, as_markdown
from streams.replay.ruletests import run_tests


class Kind(StrEnum):
    """How the manual is written."""

    MARKDOWN = "markdown"
    HTML = "html"


_ENDINGS: Final = {".md": Kind.MARKDOWN, ".markdown": Kind.MARKDOWN, ".html": Kind.HTML, ".htm": Kind.HTML}


def docs_command(
    path: PathArgument,
    *,
    format_: Annotated[
        Kind | None,
        typer.Option("--format", help="markdown or html.", show_default="by the file's name, else markdown"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there: .md or .html.", show_default="print")
    ] = None,
) -> None:
    """Write the manual of a set for auditors: each rule in plain sentences, owner, legal basis, limits, lists, tests.

    Same set, same manual: it holds the digest of the set and no date of its own. Exit code 1 when a test of the set fails.

    Example: payweir rules docs rules/ --output manual.html
    """
    suffix = output.suffix.lower() if output is not None else ""
    if output is not None and suffix not in _ENDINGS:
        raise UsageError(f"{output}: the manual is Markdown or HTML; let the name end in .md or .html")
    can_be_written(output)
    ruleset, seen = checked(path), Seen()
    failed = [one.fault for one in run_tests(ruleset, seen) if one.fault]
    if failed:
        raise RuleError("tests of the set fail, so it is not described:\n" + "\n".join(failed))
    blocks = manual(ruleset, coverage(ruleset, seen))
    kind = format_ or _ENDINGS.get(suffix, Kind.MARKDOWN)
    text = as_html(TITLE, blocks) if kind is Kind.HTML else as_markdown(blocks)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_report(output, text)
        typer.echo(f"{output} is written: {len(ruleset.rules)} rules, {len(ruleset.lists)} lists")
