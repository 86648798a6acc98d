"""The past as it lies in the source topics, for commands that read files: put beside, as files, while they need it."""

import gzip
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from kafka import TopicPartition
from rich.progress import Progress, TaskID

from streams.agents import history
from streams.agents.clients import committed_reader
from streams.cli.run import progress_bar
from streams.errors import UsageError
from streams.replay.backtest import ALWAYS, Period
from streams.settings import Settings
from streams.settings.topics import SOURCES

TopicsOption = Annotated[
    bool, typer.Option("--topics", help=f"Instead of files: the topics {', '.join(SOURCES)} in Kafka.")
]
AppendedOption = Annotated[
    str | None,
    typer.Option(
        metavar="FROM..TO",
        help="With --topics: only what was appended within, UTC, TO not included.",
        show_default="all",
    ),
]


@contextmanager
def source_topics(settings: Settings, appended: Period = ALWAYS, *, quiet: bool) -> Iterator[list[str]]:
    """Give, as inputs, what was appended to the source topics in a period; the files are gone afterwards.

    They lie where ``TMPDIR`` says, compressed. Raises TopicError, BrokerUnreachable, and UsageError when nothing was appended or
    a file cannot be written.
    """
    asked = [each for topic in SOURCES for each in _within(settings, topic, appended)]
    total = sum(each.end - each.begin for each in asked)
    if not total:
        raise UsageError(
            f"--topics: nothing was appended to {', '.join(SOURCES)}" + (" then" if appended != ALWAYS else "")
        )
    with tempfile.TemporaryDirectory(prefix="payweir-topics-") as folder:
        try:
            with progress_bar(disable=quiet) as progress:
                task = progress.add_task("fetching", total=total, records=0)
                before = 0
                for each in asked:
                    path = Path(folder) / f"{each.topic}-{each.partition}.jsonl.gz"
                    _fetch(settings, each, path, partial(_tell, progress, task, before - each.begin))
                    before += each.end - each.begin
        except OSError as error:
            raise UsageError(f"{folder}: cannot be written: {error}; TMPDIR names another place") from None
        yield [folder]


def _tell(progress: Progress, task: TaskID, ahead: int, offset: int) -> None:
    progress.update(task, completed=ahead + offset, records=ahead + offset)


def _within(settings: Settings, topic: str, appended: Period) -> list[history.Stretch]:
    """Give the part of each partition that was appended in a period, by the broker's time stamps."""
    found = history.stretches(settings, topic)
    for name, moment in (("begin", appended.start), ("end", appended.end)):
        if moment is not None:
            with committed_reader(settings) as consumer:
                places = consumer.offsets_for_times({TopicPartition(topic, each.partition): moment for each in found})
            first = {place.partition: at.offset for place, at in places.items() if at is not None}
            found = [each._replace(**{name: first.get(each.partition, each.end)}) for each in found]
    return [each for each in found if each.begin < each.end]


def _fetch(settings: Settings, stretch: history.Stretch, path: Path, told: history.Told) -> None:
    """Write one record a line: a line end inside a record can only be white space between its parts."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _, _, value in history.read(settings, stretch, told):
            file.write((value or b"").replace(b"\n", b" ") + b"\n")
