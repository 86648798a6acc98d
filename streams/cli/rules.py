"""``payweir rules``: everything one does with rules, from a draft to what is in force."""

from typing import Annotated

import msgspec
import typer

from streams.cli.backtests import app as backtests
from streams.cli.lifecycle import app as lifecycle
from streams.cli.newrule import app as newrule
from streams.cli.ruledocs import docs_command
from streams.cli.rulefiles import PathArgument, checked
from streams.cli.ruleschema import language_command, schema_command
from streams.cli.ruletests import check_command, run_tests_command
from streams.cli.topics import JsonOption
from streams.detection.explain import explain
from streams.errors import UsageError

app = typer.Typer(help="Rules: check, test, explain, compare, approve, publish.", no_args_is_help=True)

app.command("check")(check_command)
app.command("test")(run_tests_command)
app.command("schema")(schema_command)
app.command("language")(language_command)
app.command("docs")(docs_command)
app.add_typer(backtests)
app.add_typer(lifecycle)
app.add_typer(newrule)


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
    ruleset = checked(path, json=json)
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
