"""Legs: how an event is split into one side per subject, and how legs travel."""

from streams.legs.codec import Head, pack, pack_route, peek, share, unpack, unpack_route, whole
from streams.legs.model import (
    APPROVED,
    FORMAT_VERSION,
    REPORT_KEY,
    WAKES,
    Control,
    Leg,
    LegKind,
    Mark,
    Packed,
    Said,
    SubjectKind,
    Terms,
    content,
    order,
    partition_of,
)
from streams.legs.split import Split, split

__all__ = [
    "APPROVED",
    "FORMAT_VERSION",
    "REPORT_KEY",
    "WAKES",
    "Control",
    "Head",
    "Leg",
    "LegKind",
    "Mark",
    "Packed",
    "Said",
    "Split",
    "SubjectKind",
    "Terms",
    "content",
    "order",
    "pack",
    "pack_route",
    "partition_of",
    "peek",
    "share",
    "split",
    "unpack",
    "unpack_route",
    "whole",
]
