"""``payweir store``: prepare and inspect the SQL store."""

from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from streams.cli.alerts import JsonOption, StoreOption
from streams.cli.person import ByOption
from streams.cli.showing import screen
from streams.clock import SpanError, parse_span
from streams.errors import UsageError
from streams.store import open_store
from streams.store import upgrade as upgrade_store
from streams.store.check import check_store
from streams.store.engine import parse_url, shown
from streams.store.retention import Retention
from streams.store.retention import retain as retain_rows

app = typer.Typer(help="The SQL store: prepare it, check it, let go what is old.", no_args_is_help=True)


@app.command("upgrade")
def upgrade_command(
    *,
    store: StoreOption,
    reader: Annotated[
        str | None, typer.Option(help="Role of PostgreSQL that may read the views, which show no account.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Bring the store to the schema of this program; keeps all data, and twice is harmless.

    Example: payweir store upgrade --store postgresql://payweir@localhost/payweir --reader grafana
    """
    version = upgrade_store(store, reader)
    if json:
        typer.echo(msgspec.json.encode({"schema": version}).decode())
    else:
        typer.echo(f"{shown(parse_url(store))} has schema {version}.")


@app.command("check")
def check_command(*, store: StoreOption, json: JsonOption = False) -> None:
    """Check schema, views, counts and completeness, changing nothing; exit code 1 when there are findings.

    Example: payweir store check --store postgresql://payweir@localhost/payweir
    """
    findings = check_store(store)
    if json:
        typer.echo(msgspec.json.encode(findings).decode())
    elif findings:
        table = Table("Finding", "What it means, what to do")
        for finding in findings:
            table.add_row(finding.kind.value, Text(finding.text))
        screen().print(table)
    else:
        typer.echo(f"{shown(parse_url(store))} is in order.")
    if findings:
        raise typer.Exit(1)


@app.command("retain")
def retain_command(
    *,
    by: ByOption,
    alerts: Annotated[
        str | None, typer.Option(help="Keep alerts for this time, 31d at least: 400d.", show_default="for ever")
    ] = None,
    dead_letters: Annotated[
        str | None, typer.Option(help="Keep refused records for this time: 90d.", show_default="for ever")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
    store: StoreOption,
    json: JsonOption = False,
) -> None:
    """Delete what is older than its time, by the store's clock; alerts on legal hold and alerts in work stay.

    Example: payweir store retain --alerts 400d --dead-letters 90d --store postgresql://payweir@localhost/payweir
    """
    retention = Retention(_length("--alerts", alerts), _length("--dead-letters", dead_letters))
    if retention == Retention():
        message = "nothing is to go; write --alerts or --dead-letters with a time"
        raise UsageError(message)
    with open_store(store, create=False) as opened:
        gone = retain_rows(opened, retention, by, dry_run=dry_run)
    if json:
        typer.echo(msgspec.json.encode(gone).decode())
        return
    for name, number in gone.items():
        what = "" if name.startswith("kept") else "would go" if dry_run else "gone"
        typer.echo(f"{number:>10} {name} {what}".rstrip())


def _length(option: str, text: str | None) -> int | None:
    """Read a length of time."""
    try:
        return None if text is None else parse_span(text)
    except SpanError as error:
        message = f"{option} {text!r} is no length of time; write 400d"
        raise UsageError(message) from error
