"""Snapshots: a consistent picture of a partition's state at one position, written while the state moves on, and read back."""

from streams.pipeline.snapshot.cut import Cut, Entry, SnapshotWriter
from streams.pipeline.snapshot.fingerprint import fingerprint
from streams.pipeline.snapshot.forms import Manifest
from streams.pipeline.snapshot.migrate import migrated
from streams.pipeline.snapshot.restore import manifest_of, restore

__all__ = ["Cut", "Entry", "Manifest", "SnapshotWriter", "fingerprint", "manifest_of", "migrated", "restore"]
