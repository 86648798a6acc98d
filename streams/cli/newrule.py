"""``payweir rules new``: a rule begun by questions; every question is also an option, so it works in scripts."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from streams.cli.rulefiles import show_findings, write_report
from streams.cli.ruletests import show_tests
from streams.detection.check import check_files
from streams.detection.rulecheck import SEVERITIES
from streams.detection.templates import TEMPLATES, Answers, rule_text
from streams.errors import RuleError, UsageError
from streams.money import EXPONENTS
from streams.replay.approval import report_of

T = TypeVar("T", str, int)
_KINDS: Final = "; ".join(f"{name}: {each.meaning}" for name, each in TEMPLATES.items())
_COUNT_MAX: Final = 1000


app = typer.Typer()
"""Mounted by ``payweir rules``; holds the one command."""


@app.command("new")
def new_command(
    folder: Annotated[Path, typer.Argument(help="Folder for the file, which is called ID.yaml.")],
    *,
    kind: Annotated[str | None, typer.Option(help=_KINDS, show_default="asked")] = None,
    rule_id: Annotated[str | None, typer.Option("--id", help="Lower case letters, digits, dashes.")] = None,
    title: Annotated[str | None, typer.Option(help="What its alerts are called.")] = None,
    typology: Annotated[str | None, typer.Option(help="Kind of fraud: mule, structuring, ...")] = None,
    severity: Annotated[str | None, typer.Option(help=", ".join(SEVERITIES))] = None,
    owner: Annotated[str | None, typer.Option(help="The team that answers for it.")] = None,
    currency: Annotated[str | None, typer.Option(help="Of its limit and its tests: CNY, USD, ...")] = None,
    limit: Annotated[int | None, typer.Option(help="In major units; large and sum ask for it.")] = None,
    count: Annotated[int | None, typer.Option(help="How many; payers and payees ask for it.")] = None,
    window: Annotated[str | None, typer.Option(help="24h, 7d; all but large ask for it.")] = None,
) -> None:
    """Begin a rule by questions: a file that passes check, with two tests that fire and two near misses, in shadow.

    Example: payweir rules new rules/mule/ --kind payers --count 8 --window 24h
    """
    chosen = _asked("Kind of rule", kind, "sum", lambda text: text in TEMPLATES, f"write one of {', '.join(TEMPLATES)}")
    asks = TEMPLATES[chosen].asks
    answers = Answers(
        _asked("Id (lower case letters, digits, dashes)", rule_id, ""),
        _asked("Title of its alerts", title, "", _one_line, "write one line without quotes or colons"),
        _asked("Typology", typology, "mule"),
        _asked(
            "Severity", severity, "medium", lambda text: text in SEVERITIES, f"write one of {', '.join(SEVERITIES)}"
        ),
        _asked("Team that answers for it", owner, "fraud-ops", _one_line, "write one line without quotes or colons"),
        _asked("Currency", currency, "CNY", lambda code: code in EXPONENTS, "write a code of ISO 4217 such as CNY"),
        _asked("Limit in major units", limit, 10_000, lambda n: n > 1, "write a whole number above 1")
        if "limit" in asks
        else 2,
        _asked("How many", count, 8, lambda n: 1 < n < _COUNT_MAX, f"write a whole number from 2 to {_COUNT_MAX - 1}")
        if "count" in asks
        else 2,
        _asked("Window", window, "24h") if "window" in asks else "24h",
    )
    try:
        text = rule_text(chosen, answers)
    except ValueError as error:
        raise UsageError(f"--window {answers.window}: {error}; write 24h or 7d") from None
    file = folder / f"{answers.id}.yaml"
    _prove(file, text)
    if file.exists():
        raise UsageError(f"{file}: there is such a file already; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    write_report(file, text)
    typer.echo(f"{file} is written, in shadow. Make it yours, then: payweir rules check {file} --strict")


def _asked(question: str, given: T | None, default: T, fits: Callable[[T], bool] = lambda _: True, how: str = "") -> T:
    """Take the option, or ask until the answer fits."""
    if given is not None:
        if not fits(given):
            raise UsageError(f"{question}: {given!r} does not fit; {how}")
        return given
    while True:
        answer: T = typer.prompt(question, default=default or None, type=type(default))
        if fits(answer):
            return answer
        typer.echo(how, err=True)


def _one_line(text: str) -> bool:
    return text.isprintable() and text == text.strip() and not set(text) & set("\"':#{}[]&*!|>%@`,") and text != ""


def _prove(file: Path, text: str) -> None:
    """Check and test the rule before it is written."""
    ruleset, findings = check_files({file.name: text})
    if ruleset is None:
        show_findings(file, findings, to_errors=True)
        raise RuleError("these answers make no rule; nothing was written")
    tests, results, _ = report_of(ruleset)
    if tests.failed:
        show_tests(file, [one for one in results if one.fault])
        raise RuleError("the tests of these answers fail; nothing was written")
