"""The positions of one term (one assignment of partitions), kept by us and not by Faust.

Pure bookkeeping on the worker's event loop: no I/O, nothing here waits.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from streams.agents.batch import TP, Committed, Revoked


@dataclass(slots=True)
class Place:
    """Positions in one partition: ``next_offset`` to deliver, ``done`` before which all is acknowledged."""

    next_offset: int
    done: Committed
    # What the broker has, or would do if it had nothing: the beginning.
    stored: Committed
    # Stretches without a visible record, by their first offset: they are done as soon as all before them is.
    empty: dict[int, int] = field(default_factory=dict)
    # Offsets before ``next_offset`` that were gone before they could be read, and that no batch has told of yet.
    lost: int = 0
    # Delivered and not done: end and first time stamp of each batch. Replayed batches are done already.
    waiting: deque[tuple[int, int]] = field(default_factory=deque)

    @property
    def oldest_ms(self) -> int | None:
        """Kafka's time stamp of the oldest record that waits for its agent, None when none does."""
        return self.waiting[0][1] if self.waiting else None


class Ledger:
    """Positions of the partitions of one term; ended at revocation and never used again."""

    def __init__(self, term: int, generation: int, tps: Iterable[TP]) -> None:
        self.term = term
        self.generation = generation
        self.tps = tuple(sorted(tps))
        self.ended = asyncio.Event()
        # Set when a rebalance or a stop begins: the batch in hand may finish, no other may begin.
        self.closing = False
        # What the broker had when the term began.
        self.known: Mapping[TP, Committed] = {}
        self.places: dict[TP, Place] = {}
        self.ahead: Counter[str] = Counter()

    @property
    def started(self) -> bool:
        """Whether start positions were chosen for every partition."""
        return len(self.places) == len(self.tps)

    def check(self) -> None:
        """Raise :class:`Revoked` once the term is over."""
        if self.ended.is_set():
            raise Revoked

    def start(
        self,
        starts: Mapping[TP, int],
        committed: Mapping[TP, Committed],
        chosen: Mapping[TP, int] = MappingProxyType({}),
    ) -> None:
        """Set the first position of every partition; what is committed counts as acknowledged from the beginning.

        So does what lies before the start: whoever chose it beyond the committed position knows that it is done. What lies
        between the position chosen, or committed where nobody chose, and the start is lost.
        """
        for tp in self.tps:
            stored = committed.get(tp) or Committed(0, "")
            done = stored if stored.offset >= starts[tp] else Committed(starts[tp], stored.metadata)
            self.places[tp] = Place(starts[tp], done, stored, lost=max(0, starts[tp] - chosen.get(tp, stored.offset)))

    def move(self, tp: TP, offset: int) -> None:
        """Go on at another offset, because the broker no longer has the one that was next."""
        place = self.places[tp]
        place.lost += max(0, offset - place.next_offset)
        place.next_offset = offset

    def expects(self, tp: TP, first_offset: int) -> bool:
        """Whether a fetched stretch continues exactly where the partition stands."""
        place = self.places.get(tp)
        return place is not None and place.next_offset == first_offset

    def deliver(self, tp: TP, next_offset: int, first_ms: int) -> int:
        """A batch with records goes to the agents; gives how many offsets before it were lost."""
        place = self.places[tp]
        lost, place.lost = place.lost, 0
        place.next_offset = next_offset
        if next_offset > place.done.offset:
            place.waiting.append((next_offset, first_ms))
        self.ahead[tp.topic] += 1
        return lost

    def pass_over(self, tp: TP, next_offset: int) -> None:
        """A stretch without visible records (markers, aborted transactions) needs no agent."""
        place = self.places[tp]
        if place.next_offset >= place.done.offset:
            place.empty[place.next_offset] = next_offset
        place.next_offset = next_offset
        self._skip(place)

    def free(self, topic: str) -> None:
        """An agent is through with a batch of this topic, done or dropped."""
        self.ahead[topic] -= 1

    def acknowledge(self, tp: TP, next_offset: int, metadata: str) -> None:
        """All records before ``next_offset`` are done. A lower position than the acknowledged one changes nothing.

        Raises :class:`Revoked` after the end of the term and ValueError for a position that was not delivered yet.
        """
        self.check()
        place = self.places[tp]
        if next_offset > place.next_offset:
            raise ValueError(f"{tp}: acknowledged {next_offset}, but delivered only up to {place.next_offset}")
        if next_offset >= place.done.offset:
            place.done = Committed(next_offset, metadata)
            while place.waiting and place.waiting[0][0] <= next_offset:
                place.waiting.popleft()
            self._skip(place)

    def pending(self) -> dict[TP, Committed]:
        """Acknowledged positions that the broker has not confirmed."""
        return {tp: place.done for tp, place in self.places.items() if place.done != place.stored}

    def done(self, tp: TP) -> Committed:
        """Give the position before which all is done; before the start, what was committed, or else the beginning."""
        place = self.places.get(tp)
        return self.known.get(tp) or Committed(0, "") if place is None else place.done

    def confirm(self, positions: Mapping[TP, Committed]) -> None:
        """The broker has stored these positions."""
        for tp, position in positions.items():
            if tp in self.places:
                self.places[tp].stored = position

    @staticmethod
    def _skip(place: Place) -> None:
        while (after := place.empty.pop(place.done.offset, None)) is not None:
            place.done = Committed(after, place.done.metadata)
