"""One number for a whole state: equal for two workers that have folded the same log to the same position."""

from hashlib import blake2b

import msgspec

from streams.legs import Leg, whole
from streams.pipeline.partition import PartitionState
from streams.pipeline.snapshot.cut import extras_of
from streams.pipeline.snapshot.forms import Extras, encode
from streams.state.subject import Subject

_DERIVED = {"previous": -1, "known": -1}
"""Recomputed whenever windows are made anew; a predecessor older than any window may be forgotten or not."""


def fingerprint(state: PartitionState) -> str:
    """Hash everything that can still change a result. Walks the whole state: for tests and for comparing workers."""
    found = blake2b(digest_size=16)

    def add(*parts: object) -> None:
        found.update(encode(parts))

    state.wake_all()
    for kind, key in sorted(state.subjects):
        subject = state.subjects[kind, key]
        if subject.log or extras_of(subject) is not None:
            add(
                kind,
                key,
                _legs(subject.log),
                _extras(subject),
                sorted((one, leg.event_id) for one, leg in subject.claims.items()),
            )
    add([(key, _legs([whole(leg) for leg in state.dormant[key]])) for key in sorted(state.dormant)])
    accounting = state.accounting
    add(sorted(accounting.events.items()), sorted(accounting.counts.items(), key=_name), sorted(accounting.changed))
    add(sorted(accounting.contents.items()), sorted(state.tallies.items(), key=_name), sorted(state.told))
    add(state.sources, sorted(state.watermarks.items()), state.ended, state.swept_at, state.next_offset)
    add([(each.time, each.programs.ruleset.digest, each.terms) for each in state.schedule.entries])
    return found.hexdigest()


def _extras(subject: Subject) -> Extras | None:
    """Marks are compared as they came: what the log derives for their legs stands in the log."""
    extras = extras_of(subject)
    if extras is None or extras.marks_in is None:
        return extras
    marks = [
        msgspec.structs.replace(
            mark, leg=mark.leg and msgspec.structs.replace(mark.leg, counted=True, marked=(), **_DERIVED)
        )
        for mark in extras.marks_in
    ]
    return msgspec.structs.replace(extras, marks_in=marks)


def _legs(legs: list[Leg]) -> list[Leg]:
    return [msgspec.structs.replace(leg, **_DERIVED) for leg in legs]


def _name(item: tuple[str, object]) -> str:
    return item[0]
