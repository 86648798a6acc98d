"""What stands in the snapshots topic, key by key.

A subject's log is kept in blocks of one UTC day of event time each, so that a busy account with thirty days behind it writes
today's legs only; whatever else a subject knows (hits, alerts told, marks, reference data) is one record beside them. Events seen
and payments that wait at a join id only ever grow: they are written as numbered segments. The manifest makes a whole of it.

These values are compressed one by one: of a subject that sleeps after a recovery memory holds the bytes that came from the topic.
What every version must be able to read (the manifest), and what is small and rare (attempts, skips), is not.
"""

from collections.abc import Iterator
from threading import local
from typing import Final, Generic, TypeVar

from msgspec import Raw, Struct
from msgspec.msgpack import Decoder, Encoder
from zstandard import ZstdCompressor, ZstdDecompressor

from streams.alerts.model import Alert
from streams.clock import DAY_MS
from streams.legs import APPROVED, Head, Leg, Mark, Terms
from streams.pipeline.accounting import Content, KnownEvent, SourceCount
from streams.pipeline.partition import RuleTally
from streams.state.program import HitKey, Told
from streams.state.subject import FOREVER, NEVER

SNAPSHOT_VERSION: Final = 2
MANIFEST_KEY: Final = b"manifest"
EVENTS: Final = "events"
DORMANT: Final = "dormant"


class SavedHit(Struct, array_like=True, gc=False):
    """A hit; ``at`` is the place of its leg in the subject's log, ``digest`` names the ruleset of its rule."""

    at: int
    key: HitKey
    digest: str
    values: tuple[int | str, ...]
    held_by: str = ""
    undecided: str = ""
    error: str = ""


class Due(Struct, array_like=True):
    """What comes to a subject by itself, when a time has passed; the first places of what it knows beside its log."""

    deadlines: list[tuple[tuple[str, str], int]] | None
    provisional: list[tuple[HitKey, int]]
    """Alerts to be confirmed, and their first hits."""


class Void(Struct, array_like=True, frozen=True, order=True):
    """A copy of an event that lost a conflict, and its event time."""

    event_id: str
    digest: int
    time: int = FOREVER


class Extras(Due, array_like=True):
    """What a subject knows beside its log."""

    hits: list[SavedHit]
    alerts: list[tuple[HitKey, Alert]]
    tallies: list[tuple[HitKey, dict[str, int]]]
    references: list[Leg]
    marks_in: list[Mark] | None
    marks_out: list[tuple[tuple[int, str, str], Leg]] | None
    voids: list[Void] | None
    approximate: bool
    older: list[tuple[str, tuple[int, int]]] = []
    history: bytes = b""
    waiting: list[Leg] | None = None
    heard: list[Mark] = []
    told: list[tuple[HitKey, tuple[Told, ...]]] = []


class Segment(Struct, array_like=True, frozen=True, gc=False):
    """A numbered piece of what only grows; ``newest`` is the newest event time in it: it goes when that is forgotten.

    ``swept_to`` is the horizon of the last sweep before it was written: what is older and in it came after that sweep (old
    reference data, a mended dead letter), and is known until the next.
    """

    name: str
    number: int
    newest: int
    swept_to: int = NEVER

    def forgotten(self, time: int, swept_to: int) -> bool:
        """Say whether a sweep since then has forgotten what is of this time."""
        return self.swept_to != swept_to and time < swept_to


class Planned(Struct, array_like=True, frozen=True):
    """A ruleset of the schedule: in force from event time ``time``."""

    time: int
    digest: str
    terms: Terms = APPROVED


class Manifest(Struct, array_like=True):
    """A partition at one position: all subjects changed by records before ``offset`` are in the snapshot."""

    version: int
    engine: int
    offset: int
    acknowledged: int
    """Outputs of records before this offset are out. Never below ``offset``."""
    epoch: int
    lateness_ms: int
    sources: tuple[str, ...]
    watermarks: dict[str, int]
    ended: bool
    swept_at: int
    swept_to: int
    rulesets: list[Planned]
    counts: dict[str, SourceCount]
    counts_changed: list[str]
    contents: dict[str, tuple[Content, ...]]
    tallies: dict[str, RuleTally]
    tallies_told: list[str]
    segments: list[Segment]
    next_segment: int


class Skip(Struct, array_like=True, frozen=True):
    """In the record at ``offset`` everything for this subject is left out: it ended the engine three times."""

    offset: int
    subject_kind: int
    subject: str
    error: str = ""


class Attempts(Struct, array_like=True, frozen=True):
    """How often the record at ``offset`` ended the engine at this subject."""

    skip: Skip
    count: int


class Version(Struct, array_like=True):
    """The first place of a manifest of any format."""

    version: int


encode = Encoder().encode
T = TypeVar("T")


class _Zstd(local):
    """A recovery runs in a thread of its own, and no two threads may use one of these at a time."""

    def __init__(self) -> None:
        self.compress = ZstdCompressor(level=-1).compress
        self.decompress = ZstdDecompressor().decompress


zstd: Final = _Zstd()


def squeeze(value: object) -> bytes:
    """Encode and compress, at the fastest level: every subject that changed is written with every snapshot."""
    return zstd.compress(encode(value))


class Squeezed(Generic[T]):
    """Reads what ``squeeze`` has made."""

    def __init__(self, form: type[T]) -> None:
        self._read = Decoder(form).decode

    def decode(self, data: bytes) -> T:
        """Give the value."""
        return self._read(zstd.decompress(data))


Entries = list[tuple[str, KnownEvent]]
read_legs = Squeezed(list[Leg])
read_events = Squeezed(Entries)
read_due = Squeezed(Due)
read_extras = Squeezed(Extras)
read_manifest: Decoder[Manifest] = Decoder(Manifest)
read_version: Decoder[Version] = Decoder(Version)
read_attempts: Decoder[Attempts] = Decoder(Attempts)
read_skip: Decoder[Skip] = Decoder(Skip)


_read_heads: Decoder[list[Head]] = Decoder(list[Head])
_read_raw: Decoder[list[Raw]] = Decoder(list[Raw])


def read_waiting(data: bytes) -> Iterator[tuple[Head, Raw]]:
    """Give legs as bytes, and of each whose it is and of when."""
    plain = zstd.decompress(data)
    return zip(_read_heads.decode(plain), _read_raw.decode(plain), strict=True)


def day_of(time: int) -> int:
    """Number the UTC day of an event time."""
    return time // DAY_MS


def block_key(kind: int, day: int, subject: str) -> bytes:
    """Key of one day of a subject's log."""
    return f"b:{kind}:{day}:{subject}".encode()


def extras_key(kind: int, subject: str) -> bytes:
    """Key of what a subject knows beside its log."""
    return f"x:{kind}:{subject}".encode()


def segment_key(segment: Segment) -> bytes:
    """Key of a segment."""
    return f"s:{segment.name}:{segment.number}".encode()


def attempts_key(offset: int) -> bytes:
    """Key of the attempts at a record."""
    return f"a:{offset}".encode()


def skip_key(skip: Skip) -> bytes:
    """Key of a skip; skips are never overwritten."""
    return f"k:{skip.offset}:{skip.subject_kind}:{skip.subject}".encode()
