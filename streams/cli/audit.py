"""``payweir audit``: check the log of what people did."""

from typing import Annotated

import msgspec
import typer

from streams.cli.alerts import JsonOption, StoreOption
from streams.store import open_store
from streams.store.audit import verify

app = typer.Typer(help="The audit log: check that nobody changed it.", no_args_is_help=True)


@app.callback()
def audit() -> None:
    """Keep the group a group: it has one command so far."""


@app.command("verify")
def verify_command(
    *,
    head: Annotated[
        str | None, typer.Option(help="Hash printed by an earlier check, kept elsewhere; it must still be in the log.")
    ] = None,
    store: StoreOption,
    json: JsonOption = False,
) -> None:
    """Recompute the chain of hashes over the whole audit log; exit code 1 when it is broken.

    Example: payweir audit verify --store postgresql://payweir@localhost/payweir
    """
    with open_store(store, create=False) as opened:
        state = verify(opened, head)
    if json:
        typer.echo(msgspec.json.encode(state).decode())
    else:
        for fault in state.faults:
            typer.echo(fault)
        word = "is broken" if state.faults else "is whole"
        typer.echo(f"The chain of {state.entries} entries {word}; its newest hash is {state.head}")
    if state.faults:
        raise typer.Exit(1)
