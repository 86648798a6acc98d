"""``payweir backfill``: state from history, with alerts in shadow until a stated event time."""

from typing import Annotated

import msgspec
import typer

from streams.agents.feeding import Feed, feed
from streams.agents.publishing import published
from streams.cli.lifecycle import EmergencyOption, Release, stands
from streams.cli.person import AuditOption, ByOption, store_of
from streams.cli.rulefiles import PathArgument, checked
from streams.cli.showing import zoned
from streams.cli.topics import BootstrapOption, JsonOption
from streams.clock import to_text
from streams.detection.folder import load_folder
from streams.errors import UsageError
from streams.replay.files import open_inputs, read_all
from streams.replay.formats import FORMATS
from streams.settings import load_settings

app = typer.Typer()
"""Mounted by the command line as a whole; holds the one command."""


@app.command()
def backfill(
    rules: PathArgument,
    *,
    by: ByOption,
    inputs: Annotated[
        list[str], typer.Option("--input", help="Files or folders of history; may be repeated.", show_default=False)
    ],
    until: Annotated[
        str, typer.Option(help="Event time, with a zone, from which alerts count; before it they are shadow alerts.")
    ],
    bootstrap: BootstrapOption = None,
    emergency: EmergencyOption = None,
    store: AuditOption = None,
    format_: Annotated[
        str,
        typer.Option("--format", help=f"{', '.join(FORMATS)}, or a mapping (.yaml); XML is always read as iso20022."),
    ] = "payweir",
    json: JsonOption = False,
) -> None:
    """Build state from history before live events come: publish the first set in shadow until a time, then feed the files.

    Run the workers with PAYWEIR_HISTORY=true meanwhile, so that sources at their end do not follow the clock; when the lag is 0,
    start them without it and let the live sources in. It is for topics that are empty: what is older than a source has come and
    its lateness would be late.

    Example: payweir backfill rules/ --input history/ --until 2026-03-01T00:00Z
    """
    settings = load_settings({"bootstrap": bootstrap})
    until_ms = zoned("--until", until)
    found = open_inputs(inputs, format_)
    if published(settings):
        raise UsageError("a ruleset is in force already: history is built before the first; see: payweir rules status")
    ruleset = checked(rules, "; nothing was published")
    terms = msgspec.structs.replace(stands(rules, ruleset, emergency), shadow_until=until_ms)
    release = Release(settings, load_folder(rules), terms, None, by, store_of(settings, store))
    done = release.publish("ruleset published for history")
    fed = feed(settings, read_all(found), Feed())
    if json:
        typer.echo(msgspec.json.encode({"digest": done.digest, "shadow_until": to_text(until_ms), "fed": fed}).decode())
        return
    total = sum(fed.records.values())
    typer.echo(f"{total:,} records are fed; alerts whose last hit is before {to_text(until_ms)} are shadow alerts.")
