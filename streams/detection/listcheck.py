"""Reading a list file: who is left out, by whom, why, and until when."""

import re
import unicodedata

from streams.detection.document import Mapping
from streams.detection.fields import Fields
from streams.detection.findings import Findings
from streams.detection.rule import ListEntry, ReferenceList
from streams.detection.words import LIST_KINDS

_COUNTRY = re.compile("[A-Z]{2}")
_KEYS = {"id", "kind", "owner", "description", "entries"}
_ENTRY_KEYS = {"key", "reason", "added_by", "approved_by", "valid_from", "expires"}


def read_list(document: Mapping, findings: Findings) -> ReferenceList | None:
    """Read one list; None when it has faults."""
    before = len(findings.errors)
    fields = Fields(document, findings)
    fields.unknown(_KEYS)
    name, owner = fields.identity(), fields.text("owner")
    kind = fields.word("kind", list(LIST_KINDS))
    entries: dict[str, tuple[ListEntry, ...]] = {}
    for item in fields.maps("entries"):
        entry = Fields(item, findings)
        entry.unknown(_ENTRY_KEYS)
        read = ListEntry(
            entry.text("key"), entry.text("reason"), entry.text("added_by"), entry.text("approved_by"),
            entry.day("valid_from", required=False), entry.day("expires"),
        )  # fmt: skip
        if read.added_by and same_person(read.added_by, read.approved_by):
            findings.error(
                entry.spot("approved_by"), "added and approved by the same person", "a second person approves"
            )
        if read.expires and read.expires <= read.valid_from:
            findings.error(entry.spot("expires"), "the entry expires before it begins")
        if kind == "country" and read.key and not _COUNTRY.fullmatch(read.key):
            told = f"{read.key!r} is no country code of ISO 3166"
            findings.error(entry.spot("key"), told, 'write two capital letters, like KH; in quotation marks: "NO"')
        if any(each.valid_from < read.expires and read.valid_from < each.expires for each in entries.get(read.key, ())):
            told = f"{read.key!r} stands here already for some of that time"
            findings.warn(entry.spot("key"), told, "keep one entry, or let the second begin when the first expires")
        entries[read.key] = (*entries.get(read.key, ()), read)
    if len(findings.errors) > before:
        return None
    return ReferenceList(name, LIST_KINDS[kind], owner, entries, document.spot)


def same_person(one: str, other: str) -> bool:
    """Say whether two names are of one person, however they are written: spaces, capitals, full-width letters, signs unseen."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    seen = "".join(sign for sign in unicodedata.normalize("NFKC", name) if unicodedata.category(sign) != "Cf")
    return " ".join(seen.split()).casefold()
