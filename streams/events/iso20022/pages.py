"""The pages of ``schemas/iso20022``, one per message, from the tables the readers use.

``python -m streams.events.iso20022.pages`` writes them; a test compares.
"""

import sys
from pathlib import Path

from streams.events.iso20022.fields import Field, Message
from streams.events.iso20022.reader import MESSAGES


def page(message: Message) -> str:
    """Write the page of one message."""
    roots = ", ".join(f"`{root}`" for root in (*message.roots, f"{message.kind}.001.01"))
    lines = [
        f"# {message.kind}: {message.title}",
        "",
        message.meaning,
        "",
        f"Versions {message.kind}.001.01 to {message.kind}.001.{message.version_max:02}, national editions included.",
        f"Root: {roots}; a transaction is `{message.transaction}`. All paths start below the root.",
        "",
        "This page is made from the table the reader uses, by `python -m streams.events.iso20022.pages`.",
        "",
        "## What is read",
        "",
        "Where several paths stand in a row, the first that is there counts.",
        "",
        "| into | from | how |",
        "|---|---|---|",
        *(_row(each) for each in message.fields.values()),
        "",
        "## What is left aside",
        "",
        "With everything below it, but for what is read. Elements named on neither list are left aside too.",
        "",
        "| element | why |",
        "|---|---|",
        *(f"| `{path}` | {why} |" for path, why in message.ignored.items()),
        "",
    ]
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """Give file name and text of every page."""
    return {f"{kind}.md": page(message) for kind, message in MESSAGES.items()}


def write(folder: Path) -> None:
    """Write all pages into ``folder``; raises ``OSError``."""
    for name, text in pages().items():
        folder.joinpath(name).write_text(text, encoding="utf-8")


def _row(each: Field) -> str:
    into = ", ".join(f"`{name}`" for name in each.into.split(", ")) if each.into else ""
    return f"| {into} | {'<br>'.join(f'`{path}`' for path in each.paths)} | {each.note} |"


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "schemas/iso20022"))
