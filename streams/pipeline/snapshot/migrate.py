"""Snapshots of older formats, brought to the present one, format by format.

A snapshot lives for the days between two releases; a migration may go when no supported release writes its format any more.
"""

from collections.abc import Callable
from typing import Final

from msgspec import msgpack

from streams.errors import FormatError, FormatOutdated
from streams.pipeline.snapshot.forms import MANIFEST_KEY, SNAPSHOT_VERSION, encode, read_version, zstd

Migration = Callable[[dict[bytes, bytes]], dict[bytes, bytes]]
"""Gives all records of a snapshot in the next format, the manifest with its number; keys that are left out are deleted."""


def _squeezed(records: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Format 2 compresses what subjects and segments hold."""
    found = {key: zstd.compress(value) if key[:2] in _SQUEEZED else value for key, value in records.items()}
    manifest = msgpack.decode(records[MANIFEST_KEY])
    found[MANIFEST_KEY] = encode([2, *manifest[1:]])
    return found


_SQUEEZED: Final = {b"b:", b"x:", b"s:"}
MIGRATIONS: Final[dict[int, Migration]] = {1: _squeezed}
"""By the format they start from."""


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
