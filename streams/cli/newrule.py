"""``payweir rules new``: a rule begun by questions; every question is also an option, so it works in scripts."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from streams.cli.rulefiles import show_findings, write_report
from streams.cli.ruletests import show_tests
from streams.clock import DAY_MS, SECOND_MS, SpanError, parse_span
from streams.detection.check import check_files
from streams.detection.fields import ID
from streams.detection.rulecheck import SEVERITIES
from streams.detection.templates import TEMPLATES, Answers, rule_text
from streams.detection.words import WINDOW_MS_MAX
from streams.errors import RuleError, UsageError
from streams.money import EXPONENTS
from streams.replay.approval import report_of

T = TypeVar("T", str, int)
_KINDS: Final = "; ".join(f"{name}: {each.meaning}" for name, each in TEMPLATES.items())
_COUNT_MAX: Final = 1000
_ID_HOW: Final = "write 2 to 63 lower case letters, digits and dashes, a letter first"
_SIGNS: Final = "\"':#{}[]&*!|>%@`,"
"""What means something in YAML."""
_LINE_HOW: Final = f"write one line without any of {' '.join(_SIGNS)}"


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
    _can_be_made(folder)
    if kind is None:
        typer.echo("\n".join(f"{name}: {each.meaning}" for name, each in TEMPLATES.items()))
    names = ", ".join(TEMPLATES)
    chosen = _asked(f"Kind of rule ({names})", kind, "sum", lambda text: text in TEMPLATES, f"write one of {names}")
    asks = TEMPLATES[chosen].asks
    identity = _asked("Id (lower case letters, digits, dashes)", rule_id, "", _identity, _ID_HOW)
    file = folder / f"{identity}.yaml"
    if file.exists():
        raise UsageError(f"{file}: there is such a file already; nothing was written")
    answers = Answers(
        identity,
        _asked("Title of its alerts", title, "", _one_line, _LINE_HOW),
        _asked("Typology", typology, "mule", _identity, _ID_HOW),
        _asked(
            "Severity", severity, "medium", lambda text: text in SEVERITIES, f"write one of {', '.join(SEVERITIES)}"
        ),
        _asked("Team that answers for it", owner, "fraud-ops", _one_line, _LINE_HOW),
        _asked("Currency", currency, "CNY", lambda code: code in EXPONENTS, "write a code of ISO 4217 such as CNY"),
        _asked("Limit in major units", limit, 10_000, lambda n: n > 1, "write a whole number above 1")
        if "limit" in asks
        else 2,
        number := _asked(
            "How many", count, 8, lambda n: 1 < n < _COUNT_MAX, f"write a whole number from 2 to {_COUNT_MAX - 1}"
        )
        if "count" in asks
        else 2,
        _window(window, number if "count" in asks else 1) if "window" in asks else "24h",
    )
    text = rule_text(chosen, answers)
    _prove(file, text)
    _make(folder)
    write_report(file, text)
    typer.echo(f"{file} is written, in shadow. Make it yours, then: payweir rules check {file} --strict")


def _can_be_made(folder: Path) -> None:
    """Raise UsageError when something in the way of the folder is a file: before the questions, not after the last."""
    for each in (folder, *folder.parents):
        if each.exists():
            if not each.is_dir():
                raise UsageError(f"{each}: is a file; give the folder, the file in it is called ID.yaml")
            return


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}; nothing was written") from None


def _window(given: str | None, count: int) -> str:
    """Ask for a window that holds the payments of the rule's own tests, which come one a second."""

    def fits(text: str) -> bool:
        try:
            return max(1, count) * SECOND_MS <= parse_span(text) <= WINDOW_MS_MAX
        except SpanError:
            return False

    least = f" and at least {count}s: the tests of the rule show {count} payments, one a second" if count > 1 else ""
    return _asked("Window", given, "24h", fits, f"write 24h or 7d, at most {WINDOW_MS_MAX // DAY_MS}d{least}")


def _identity(text: str) -> bool:
    return ID.fullmatch(text) is not None


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
    return text.isprintable() and text == text.strip() and not set(text) & set(_SIGNS) and text != ""


def _prove(file: Path, text: str) -> None:
    """Check and test the rule before it is written."""
    ruleset, findings = check_files({file.name: text})
    if ruleset is None:
        show_findings(file.parent, findings, to_errors=True)
        raise RuleError("these answers make no rule; nothing was written")
    tests, results, _ = report_of(ruleset)
    if tests.failed:
        show_tests(file.parent, [one for one in results if one.fault])
        raise RuleError("the tests of these answers fail; nothing was written")
