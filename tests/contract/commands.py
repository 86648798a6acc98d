"""Whether the command line takes a command, without doing it."""

from typer._click.exceptions import UsageError
from typer.main import get_command

from streams.cli.app import build


def refuses(words: list[str]) -> str | None:
    """Why the command line would not take these words; None when it would."""
    command = get_command(build())
    rest = list(words)
    try:
        while rest and hasattr(command, "commands"):
            name = rest.pop(0)
            if name not in command.commands:
                return f"there is no command {name}"
            command = command.commands[name]
        command.make_context(words[0], rest)
    except UsageError as error:
        return error.format_message()
    return None
