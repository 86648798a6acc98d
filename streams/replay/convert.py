"""Turning files into our own JSON Lines: what is accepted, what is refused and why, and the labels the file brings along."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import IO, Final

from streams.errors import UsageError
from streams.events import Limits, Refused, decode_event
from streams.replay.files import LineFile
from streams.replay.formats import Format, Label, Told, payments
from streams.replay.formats.amlworld import AMLWORLD
from streams.replay.formats.beside import labels_of, patterns_of, read_labels, read_patterns
from streams.replay.formats.rows import refusal_line

HEADER: Final = "event_id,scenario_id,typology,role\n"
"""Of a labels file, as ``payweir generate`` writes it; files of others know no roles."""


@dataclass(slots=True)
class Converted:
    """What became of every record: ``found`` = written + refused. Repeated ids are found when the events are run."""

    found: int = 0
    written: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    labels: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether every record is accounted for."""
        return self.found == self.written + self.refused.total()


@dataclass(slots=True)
class Targets:
    """Where lines go; ``received_ms`` is what a far future is judged against."""

    events: IO[bytes]
    refused: IO[bytes]
    labels: IO[bytes] | None
    received_ms: int
    token: Callable[[str], str] = str
    """From an account of a table to the token that is written."""


def convert(files: list[LineFile], targets: Targets, progress: Callable[[int, int], None]) -> Converted:
    """Write the accepted events of all files, and each refused record with its place and reason.

    ``progress`` is told bytes read and records found. Raises ``UsageError`` for a file that cannot be read at all, and when labels
    are wanted of a format that has none.
    """
    converted, limits = Converted(), Limits()
    told: list[Label] = []
    if targets.labels is not None:
        targets.labels.write(HEADER.encode())
    for file in files:
        wanted = targets.labels is not None
        known = _labels_beside(file) if wanted else {}
        file.format = _telling(file, Told(told.append, targets.token, _attempts(file) if wanted else None))
        for number, line in enumerate(file.lines(), 1):
            converted.found += 1
            try:
                event, _ = decode_event(line, targets.received_ms, limits)
            except Refused as refused:
                converted.refused[refused.refusal.value] += 1
                reason = (
                    line if line.startswith(b'{"event_type":"refused"') else refusal_line(refused, file.name, number)
                )
                targets.refused.write(reason + b"\n")
            else:
                converted.written += 1
                targets.events.write(line + b"\n")
                if event.event_id in known:
                    told.append(known[event.event_id])
                converted.labels += _labelled(targets.labels, told)
            told.clear()
            if converted.found % 1_000 == 0:
                progress(sum(each.place() for each in files), converted.found)
    return converted


def _telling(file: LineFile, told: Told) -> Format:
    """Give a table's format that tells labels and turns accounts into tokens; other formats stay as they are."""
    if file.format.mapping is None:
        return file.format
    return replace(file.format, reader=partial(payments, mapping=file.format.mapping, told=told))


def _labels_beside(file: LineFile) -> dict[str, Label]:
    """Give the labels of a set that has them in a file of their own; a table has them in its columns."""
    beside = labels_of(file.path) if file.path is not None else None
    if beside is not None:
        return read_labels(beside)
    if file.format.mapping is None or file.format.mapping.labels is None:
        raise UsageError(
            f"{file.name}: there are no labels in this format, nor in a file beside it; leave out --labels"
        )
    return {}


def _attempts(file: LineFile) -> dict[str, tuple[str, str]]:
    patterns = patterns_of(file.path) if file.path is not None and file.format.mapping is AMLWORLD else None
    return read_patterns(patterns) if patterns is not None else {}


def _labelled(target: IO[bytes] | None, told: list[Label]) -> int:
    if target is None:
        return 0
    for label in told:
        target.write(f"{','.join(map(_cell, label))},\n".encode())
    return len(told)


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(each in text for each in ',"\r\n') else text
