"""The command line: one Typer app, and one place where an error becomes a line and an exit code."""

import importlib
import sys

import typer
from rich.console import Console
from rich.text import Text

from streams import __version__
from streams.alerts.compose import ENGINE
from streams.cli.showing import plain
from streams.errors import PayweirError

GROUPS = {
    "alerts": "alerts",
    "dead-letters": "deadletters",
    "store": "store",
    "topics": "topics",
    "rules": "rules",
    "audit": "audit",
}
"""Command groups and the modules that hold them."""
COMMANDS = ("run", "backfill", "worker", "produce", "convert", "generate", "score", "demo")
"""Single commands; each module holds an app of one command."""


def build() -> typer.Typer:
    """Put all commands together."""
    app = typer.Typer(
        name="payweir", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich",
        help="Payweir finds fraud-linked transfers in a stream of payments and follows them.",
    )  # fmt: skip
    for name, module in GROUPS.items():
        app.add_typer(importlib.import_module(f"streams.cli.{module}").app, name=name)
    for name in COMMANDS:
        app.add_typer(importlib.import_module(f"streams.cli.{name}").app)
    app.command("version")(version)
    return app


def version() -> None:
    """Print the version, and the number of the engine: results change only with it."""
    print(f"{__version__} (engine {ENGINE})")


def main() -> None:
    """Run the command line; a user's mistake is one line on standard error, never a stack trace."""
    try:
        build()(standalone_mode=True)
    except PayweirError as error:
        lines = "\n".join(plain(line).plain for line in str(error).split("\n"))  # brackets in it are no markup
        Console(stderr=True, soft_wrap=True).print(Text.assemble(("error:", "red"), f" {lines}"))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
