"""Marks between subjects as one mechanism: what a subject wants to have said, against what it has said."""

from collections.abc import Callable

from streams.legs import Leg, Mark, Said, SubjectKind, content, order
from streams.state.program import HitKey, Told
from streams.state.subject import Subject

_ACCOUNT = int(SubjectKind.ACCOUNT)

Address = tuple[int, str, str]
"""Receiving subject's kind and key, and the mark's key (which names the sender)."""


def difference(subject: Subject, before: set[Address], wanted: dict[Address, Leg]) -> list[tuple[Address, Leg | None]]:
    """Give what has to be sent so that ``wanted`` replaces ``before``, and note it as sent.

    ``before`` are the addresses under consideration that were sent earlier; what is no longer wanted becomes an empty mark.
    """
    known = subject.marks_out
    if known is None:
        if not wanted:
            return []
        known = subject.marks_out = {}
    changes: list[tuple[Address, Leg | None]] = []
    gone = sorted(before - wanted.keys())
    changes += [(address, None) for address in gone if known.pop(address, None) is not None]
    for address, leg in wanted.items():
        told = known.get(address)
        if told is None or order(told) != order(leg) or content(told) != content(leg):
            known[address] = leg
            changes.append((address, leg))
    return changes


def stamp(changes: list[tuple[Address, Leg | None]], position: tuple[int, int, int]) -> list[Mark]:
    """Turn changes into marks at a position of the sender's log."""
    return [Mark(kind, subject, key, position, leg) for (kind, subject, key), leg in changes]


def said(
    subject: Subject, key: HitKey, wanted: tuple[Told, ...], position: Callable[[], tuple[int, int, int]]
) -> list[Mark]:
    """Give the marks to the other ends of payments that are lacking so that ``wanted`` is what hits of a key tell, and note it.

    What was told and is no longer wanted is withdrawn, unless hits of another key of the rule tell it. ``position`` gives that of
    the next mark.
    """
    before = subject.told.get(key, ()) if subject.told is not None else ()
    if wanted == before:
        return []
    if subject.told is None:
        subject.told = {}
    if wanted:
        subject.told[key] = wanted
    else:
        del subject.told[key]
    gone = [each for each in before if each not in wanted]
    if gone:
        every = (each for one, several in subject.told.items() if one.rule_id == key.rule_id for each in several)
        still = {_about(each) for each in every}
        gone = [each for each in gone if _about(each) not in still]
    changes = [(each, False) for each in gone] + [(each, True) for each in wanted if each not in before]
    return [
        Mark(
            _ACCOUNT,
            told.other,
            told.event_id,
            position(),
            None,
            said=Said(key.rule_id, subject.key, told.time, stands, told.names if stands else ()),
        )
        for told, stands in changes
    ]


def _about(told: Told) -> tuple[str, str, int]:
    """Name the payment; with other names it is told anew and not withdrawn."""
    return told.event_id, told.other, told.time
