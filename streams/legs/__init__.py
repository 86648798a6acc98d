"""Legs: how an event is split into one side per subject, and how legs travel."""

from streams.legs.codec import pack, unpack
from streams.legs.model import (
    FORMAT_VERSION,
    REPORT_KEY,
    Control,
    Leg,
    LegKind,
    Mark,
    Packed,
    SubjectKind,
    content,
    order,
    partition_of,
)
from streams.legs.split import Split, split

__all__ = [
    "FORMAT_VERSION",
    "REPORT_KEY",
    "Control",
    "Leg",
    "LegKind",
    "Mark",
    "Packed",
    "Split",
    "SubjectKind",
    "content",
    "order",
    "pack",
    "partition_of",
    "split",
    "unpack",
]
