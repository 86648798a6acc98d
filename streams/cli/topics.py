"""``payweir topics``: make the topics, compare them with the design."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from streams.agents.acls import allow as allow_rights
from streams.agents.acls import read_rights
from streams.agents.topics import check as check_topics
from streams.agents.topics import create as create_topics
from streams.cli.showing import screen
from streams.settings import load_settings

app = typer.Typer(help="The topics: make them, compare them with the design.", no_args_is_help=True)

BootstrapOption = Annotated[
    str | None, typer.Option(help="Kafka brokers, host:port.", metavar="HOST:PORT", show_default="PAYWEIR_BOOTSTRAP")
]
PartitionsOption = Annotated[
    int | None, typer.Option(help="Partitions of activity and alerts.", show_default="PAYWEIR_PARTITIONS")
]
SourcesOption = Annotated[
    int | None,
    typer.Option("--source-partitions", help="Partitions of source topics.", show_default="PAYWEIR_SOURCE_PARTITIONS"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("create")
def create_command(
    *,
    bootstrap: BootstrapOption = None,
    partitions: PartitionsOption = None,
    source_partitions: SourcesOption = None,
    json: JsonOption = False,
) -> None:
    """Make the topics that are missing; those that exist are never altered, and twice is harmless.

    Example: payweir topics create --bootstrap kafka-1:9092 --partitions 16
    """
    told = {"bootstrap": bootstrap, "partitions": partitions, "source_partitions": source_partitions}
    made = create_topics(load_settings(told))
    if json:
        typer.echo(msgspec.json.encode(made).decode())
        return
    for one in made:
        partitions_text = f"{one.partitions} partition{'s' if one.partitions > 1 else ''}"
        typer.echo(f"{one.topic}: {'made' if one.made else 'was there'}, {partitions_text}")


@app.command("check")
def check_command(
    *,
    bootstrap: BootstrapOption = None,
    partitions: PartitionsOption = None,
    source_partitions: SourcesOption = None,
    json: JsonOption = False,
) -> None:
    """Compare the topics with the design, changing nothing; exit code 1 when there are findings.

    Example: payweir topics check --bootstrap kafka-1:9092 --json
    """
    told = {"bootstrap": bootstrap, "partitions": partitions, "source_partitions": source_partitions}
    settings = load_settings(told)
    findings = check_topics(settings)
    if json:
        typer.echo(msgspec.json.encode(findings).decode())
    elif findings:
        table = Table("Topic", "What", "Is", "Wanted", "", "What to do")
        for one in findings:
            row = (one.topic, one.what, one.found, one.wanted, one.weight.value, one.advice)
            table.add_row(*(Text(cell, overflow="fold") for cell in row))
        screen().print(table)
    else:
        typer.echo(f"The topics at {settings.bootstrap} are as designed.")
    if findings:
        raise typer.Exit(1)


@app.command("allow")
def allow_command(
    file: Annotated[Path, typer.Argument(help="Users and their rights; deploy/kafka/acls.yaml is made for the roles.")],
    *,
    bootstrap: BootstrapOption = None,
    json: JsonOption = False,
) -> None:
    """Give users the rights of a file, on a broker with an authorizer; twice is harmless, and no right is taken away.

    Example: payweir topics allow deploy/kafka/acls.yaml --bootstrap kafka-1:9092
    """
    given = allow_rights(load_settings({"bootstrap": bootstrap}), read_rights(file))
    if json:
        typer.echo(msgspec.json.encode(given).decode())
        return
    for one in given:
        typer.echo(f"{one.right}{'' if one.made else ' (was there)'}")
