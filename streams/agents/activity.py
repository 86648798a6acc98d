"""Records of the activity topic, none larger than the topic takes."""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from streams.agents.producer import Outgoing
from streams.agents.topics import ACTIVITY_BYTES_MAX
from streams.legs import Packed, pack
from streams.settings.topics import ACTIVITY

PARTS_MAX: Final = 1 << 14
"""Legs and marks packed at a time: more than a common batch makes, and little enough to be packed in vain."""


def activity_records(place: int, packed: Packed, bytes_max: int = ACTIVITY_BYTES_MAX) -> Iterator[Outgoing]:
    """Give what is packed as one record of a partition, or halved until every part fits.

    Where a record ends means nothing to detection: the same legs in any records lead to the same state, also when some of them
    are sent again. Control goes with the first part and watermarks with the last, as they apply. One leg is always small
    enough: the events it can come of are bounded (``streams.events.model``).
    """
    legs, marks = packed.legs, packed.marks
    count = len(legs) + len(marks)
    if count <= PARTS_MAX:
        value = pack(packed)
        if len(value) <= bytes_max or count == 1:
            yield Outgoing(ACTIVITY, place, None, value)
            return
    half = count // 2
    first = replace(packed, legs=legs[:half], marks=marks[: max(0, half - len(legs))], watermarks={})
    rest = replace(packed, legs=legs[half:], marks=marks[max(0, half - len(legs)) :], control=None)
    yield from activity_records(place, first, bytes_max)
    yield from activity_records(place, rest, bytes_max)
