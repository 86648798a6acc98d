"""``payweir store``: prepare and inspect the SQL store."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.cli.alerts import JsonOption, StoreOption
from streams.store import DEFAULT_STORE_URL
from streams.store import upgrade as upgrade_store
from streams.store.check import check_store
from streams.store.engine import parse_url, shown

app = typer.Typer(help="The SQL store: prepare it, check it.", no_args_is_help=True)


@app.command("upgrade")
def upgrade_command(
    *,
    store: StoreOption = DEFAULT_STORE_URL,
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
def check_command(*, store: StoreOption = DEFAULT_STORE_URL, json: JsonOption = False) -> None:
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
        Console().print(table)
    else:
        typer.echo(f"{shown(parse_url(store))} is in order.")
    if findings:
        raise typer.Exit(1)
