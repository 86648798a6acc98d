"""Snapshots of older formats, brought to the present one, format by format.

A snapshot lives for the days between two releases; a migration may go when no supported release writes its format any more.
"""

from collections.abc import Callable
from typing import Final

from streams.errors import FormatError, FormatOutdated
from streams.pipeline.snapshot.forms import MANIFEST_KEY, SNAPSHOT_VERSION, read_version

Migration = Callable[[dict[bytes, bytes]], dict[bytes, bytes]]
"""Gives all records of a snapshot in the next format, the manifest with its number; keys that are left out are deleted."""

MIGRATIONS: Final[dict[int, Migration]] = {}
"""By the format they start from. Format 1 is that of the first release."""


def migrated(records: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Give the records in this program's format; the same object when they are, or when there is no snapshot.

    Raises FormatError for a newer format, and FormatOutdated for one that is too old.
    """
    while (data := records.get(MANIFEST_KEY)) is not None:
        version = read_version.decode(data).version
        if version == SNAPSHOT_VERSION:
            break
        if version > SNAPSHOT_VERSION:
            message = (
                f"a snapshot of format {version}, and this program reads up to {SNAPSHOT_VERSION}: a newer version of Payweir "
                "wrote it; start that one, this one cannot go back"
            )
            raise FormatError(message)
        migration = MIGRATIONS.get(version)
        if migration is None:
            message = (
                f"a snapshot of format {version}, which this program no longer reads (it reads {SNAPSHOT_VERSION})"
            )
            raise FormatOutdated(message)
        records = migration(records)
    return records
