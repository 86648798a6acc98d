"""``payweir rules``: check, test, explain, publish."""

from datetime import datetime
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.agents.publishing import Published, publish, published
from streams.agents.wall import now_ms
from streams.cli.backtests import app as backtests
from streams.cli.ruledocs import docs_command
from streams.cli.rulefiles import DIGEST_SHOWN, PathArgument, checked
from streams.cli.ruleschema import schema_command
from streams.cli.ruletests import check_command, run_tests_command, show_tests
from streams.cli.topics import BootstrapOption, JsonOption
from streams.clock import from_datetime, to_text
from streams.detection.explain import explain
from streams.detection.folder import load_folder
from streams.errors import RuleError, UsageError
from streams.replay.ruletests import run_tests
from streams.settings import load_settings

app = typer.Typer(help="Rules: check, test, explain, compare, publish.", no_args_is_help=True)

app.command("check")(check_command)
app.command("test")(run_tests_command)
app.command("schema")(schema_command)
app.command("docs")(docs_command)
app.add_typer(backtests)


@app.command("explain")
def explain_command(
    path: PathArgument,
    rule: Annotated[str | None, typer.Argument(help="Only this rule.", show_default="all rules")] = None,
    *,
    json: JsonOption = False,
) -> None:
    """Say in plain sentences what each rule does, from what is evaluated.

    Example: payweir rules explain rules/ pass-through-account
    """
    ruleset = checked(path)
    chosen = [one for one in ruleset.rules if rule in {None, one.id}]
    if not chosen:
        known = ", ".join(one.id for one in ruleset.rules)
        raise UsageError(f"{rule}: no rule has that id; there are: {known}")
    if json:
        typer.echo(msgspec.json.encode({one.id: explain(one) for one in chosen}).decode())
        return
    for number, one in enumerate(chosen):
        if number:
            typer.echo()
        typer.echo(f"{one.id} (version {one.version}, {one.state}, owner {one.owner})")
        for sentence in explain(one):
            typer.echo(f"  {sentence}")
        if one.legal_basis:
            typer.echo(f"  Legal basis: {one.legal_basis}")


@app.command("publish")
def publish_command(
    path: PathArgument,
    *,
    bootstrap: BootstrapOption = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Event time from which it is in force, with a zone: 2026-03-01T08:30+01:00.",
            show_default="the beginning for the first set, else now and PAYWEIR_ANNOUNCE_SECONDS",
        ),
    ] = None,
    digest: Annotated[
        str | None, typer.Option(help="Digest that was approved; another set is refused.", show_default="any")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check, test and publish a set to all partitions at once; a bad set is refused and the old one still runs.

    Example: payweir rules publish rules/ --bootstrap kafka-1:9092
    """
    settings = load_settings({"bootstrap": bootstrap})
    from_ms = _moment(start) if start is not None else None
    files = load_folder(path)
    ruleset = checked(path, "; nothing was published, the ruleset in force still runs")
    if digest is not None and digest != ruleset.digest:
        approved = digest or "none"
        raise RuleError(f"{path} has digest {ruleset.digest}, approved is {approved}; the ruleset in force still runs")
    failed = [one for one in run_tests(ruleset) if one.fault]
    if failed:
        show_tests(path, failed)
        raise RuleError(f"{len(failed)} tests of the set fail; nothing was published, the ruleset in force still runs")
    done = publish(settings, files, now_ms(), from_ms)
    if json:
        typer.echo(msgspec.json.encode(_published_json(done)).decode())
        return
    typer.echo(
        f"Ruleset {done.digest[:DIGEST_SHOWN]} with {len(ruleset.rules)} rules is published to {done.partitions} "
        f"partitions, in force from {_from(done)}."
    )


@app.command("status")
def status_command(*, bootstrap: BootstrapOption = None, json: JsonOption = False) -> None:
    """List the published rulesets, oldest first.

    Example: payweir rules status --bootstrap kafka-1:9092
    """
    found = published(load_settings({"bootstrap": bootstrap}))
    if json:
        typer.echo(msgspec.json.encode([_published_json(one) for one in found]).decode())
    elif not found:
        typer.echo("No ruleset has been published; run: payweir rules publish rules/")
    else:
        table = Table("Digest", "Files", "In force from", "Published")
        for one in found:
            digest = one.digest[:DIGEST_SHOWN] if one.intact else f"{one.digest[:DIGEST_SHOWN]} DAMAGED"
            table.add_row(Text(digest), str(one.files), _from(one), to_text(one.published_at))
        Console().print(table)


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(
            f"--from: {text!r} is not a time with a zone; write 2026-03-01T08:30+01:00 or 2026-03-01T07:30Z"
        )
    return from_datetime(moment)


def _from(one: Published) -> str:
    if one.from_time < 0:
        return "unknown"
    return "the beginning" if one.from_time == 0 else to_text(one.from_time)


def _published_json(one: Published) -> dict[str, object]:
    entries: dict[str, object] = msgspec.to_builtins(one)
    for name in ("from_time", "published_at"):
        millis = getattr(one, name)
        entries[name] = to_text(millis) if millis >= 0 else None
    if not one.partitions:
        for name in ("first", "partitions", "sources"):
            del entries[name]
    return entries
