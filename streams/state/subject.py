"""One subject: its log of legs in canonical order, running windows over it, and the hits found so far.

A leg in order is one append and one evaluation. A leg out of order is inserted; the windows are rewound to it, leg by leg, and
every later leg is evaluated again. What a leg sees, the legs in (t - W, t] that are not after it in order, is therefore a function
of the *set* of legs. Times are milliseconds.
"""

from bisect import bisect_left
from collections.abc import MutableSequence
from operator import attrgetter
from typing import Any, Final

from msgspec.structs import replace

from streams.legs import Leg, LegKind, Mark, content, order
from streams.state.counting import ONCE, ids, registers, same
from streams.state.hearing import Heard, hear, standing
from streams.state.history import Days
from streams.state.nothing import NO_DICT, NO_LIST, NO_SET
from streams.state.program import Groups, Hit, HitKey, Pairs, Told, WindowProgram
from streams.state.windows import FOREVER, NEVER, leave, move_back

DEEP: Final = 8
"""A leg that would have more legs than this evaluated again waits for others of its kind."""
_time = attrgetter("time")
_REFERENCE, _REPORT = int(LegKind.REFERENCE), int(LegKind.REPORT)


class Saved:
    """What a snapshot topic may hold of a subject: days of its log, and whether there is a record beside them."""

    __slots__ = ("days", "extras")

    def __init__(self) -> None:
        """Start with nothing written."""
        self.days: set[int] = set()
        self.extras = False


class Subject:
    """State of one account, device, merchant or join id."""

    __slots__ = (
        "approximate", "by_key", "changed", "changed_from", "claims", "days", "deadlines", "dirty", "done", "full_until", "groups",
        "heard", "history", "hits", "key", "kind", "leaving", "log", "marks_in", "marks_out", "moved_to", "older", "pairs",
        "past_days", "pending", "program", "ptr", "references", "saved", "sent", "told", "touched", "verdicts", "voids", "waiting",
        "wakes",
    )  # fmt: skip

    def __init__(self, kind: int, key: str) -> None:
        """Start with nothing known; what most subjects never have is shared until they do (``state/nothing.py``)."""
        self.kind, self.key = kind, key
        self.log: list[Leg] = []
        self.done = 0
        self.program: WindowProgram | None = None
        self.ptr: list[int] = NO_LIST
        """Per window: the oldest leg in it, by its place in the log."""
        self.leaving: MutableSequence[int] = NO_LIST
        """Per window: the event time at which that leg leaves it; empty when it has to be looked up."""
        self.full_until = NEVER
        """The earliest of these."""
        self.moved_to = NEVER
        """Windows have not moved further than for a leg of this event time; the next leg is not older."""
        self.groups: Groups = NO_DICT
        self.pairs: Pairs = NO_DICT
        self.older: Pairs = NO_DICT
        """What stays known of legs that are gone; with the log it makes ``pairs`` anew."""
        self.history = b""
        """Days of legs that are gone (``state/history.py``)."""
        self.days: Days | None = None
        """All days, once a rule has asked for them."""
        self.past_days: dict[tuple[str, int, int], Any] = NO_DICT
        """What was found by looking back over days that are over (``detection/lookback.py``), until the subject is rewound."""
        self.claims: dict[str, Leg] = NO_DICT
        self.hits: list[Hit] = NO_LIST
        self.by_key: dict[HitKey, list[Hit]] = NO_DICT
        self.verdicts: list[Hit] | None = None
        """Those of ``hits`` that other rules of this subject may ask about, in the same order; None when there never were any."""
        self.dirty: set[HitKey] = NO_SET
        self.sent: dict[HitKey, object] = NO_DICT
        self.references: list[Leg] = NO_LIST
        self.marks_in: dict[str, Mark] | None = None
        self.marks_out: dict[tuple[int, str, str], Leg] | None = None
        self.heard: Heard | None = None
        """Marks on payments, from their other ends."""
        self.told: dict[HitKey, tuple[Told, ...]] | None = None
        """Marks on payments it has sent to their other ends, by the hits they come from."""
        self.voids: dict[tuple[str, int], int] | None = None
        """Copies of events that lost a conflict, by event id and digest, and their event times."""
        self.deadlines: dict[tuple[str, str], int] | None = None
        self.approximate = False
        self.waiting: list[Leg] | None = None
        """Legs that came far out of order: taken together, once the log tells the subject to."""
        self.touched = self.wakes = False
        """By the record in hand: changed, so that it is asked what it has to say; the first leg waits, so that it tells itself."""
        self.changed = self.pending = False
        """Changed since the last snapshot began; part of the snapshot in writing and not written yet."""
        self.changed_from = FOREVER
        """Earliest event time in the log that changed since it was last written."""
        self.saved: Saved | None = None

    def insert(self, leg: Leg, *, at_once: bool = False) -> bool:  # noqa: C901  every leg passes: a call for a part of it would cost
        """Put a leg at its place; False when it is known already or lost a conflict. The caller then advances.

        One far out of order waits for ``take_waiting``, unless it is wanted at once.
        """
        if self.voids is not None and (leg.event_id, leg.digest) in self.voids:
            return False
        kind = leg.kind
        if kind == _REFERENCE or (kind == _REPORT and registers(self.kind, self.key)):
            return self._insert_reference(leg)
        log, time = self.log, leg.time
        at = len(log)
        if at and time <= log[-1].time:
            mine = order(leg)
            if mine <= order(log[-1]):
                at = bisect_left(log, mine, key=order)
                if at < len(log) and order(log[at]) == mine:
                    if content(leg) >= content(log[at]):
                        return False
                    self.remove(at)
                elif self.done - at > DEEP and not at_once:
                    self._wait(leg)
                    return True
        leg.counted = True
        if self.heard is not None:
            leg.marked = standing(self.heard, leg)
        if kind in ONCE:
            self._claim(leg)
            if self.deadlines is not None:
                at = self.index(leg)
        if at < self.done or time < self.moved_to:
            self.rewind(at, time)
        log.insert(at, leg)
        if time < self.changed_from:  # noqa: PLR1730  a call of min() for every leg costs more
            self.changed_from = time
        return True

    def _wait(self, leg: Leg) -> None:
        if self.waiting is None:
            self.waiting, self.wakes = [], True
        self.waiting.append(leg)

    def take_waiting(self) -> None:
        """Put the legs that wait at their places."""
        waiting, self.waiting = self.waiting, None
        for leg in waiting or ():
            self.insert(leg, at_once=True)

    def _claim(self, leg: Leg) -> None:
        """Let a payment count once: of legs that share an id, the smallest in order."""
        claims = self.claims = self.claims or {}
        names = ids(leg)
        for one in names:
            if one in claims:
                break
        else:
            for one in names:
                claims[one] = leg
            return
        rivals = [rival for one in names if (rival := claims.get(one)) is not None]
        winner = min([leg, *rivals], key=order)
        leg.counted = winner is leg
        for rival in rivals:
            if rival is not winner and rival.counted:
                self.rewind(self.index(rival))
                rival.counted = False
                self.forget_deadlines(rival.event_id)
        if winner is leg or len(rivals) > 1:
            names += tuple(one for one, holder in claims.items() if any(holder is rival for rival in rivals))
        for one in names:
            claims[one] = winner

    def _insert_reference(self, leg: Leg) -> bool:
        """Reference data holds from its time on: legs from there are evaluated again."""
        at = bisect_left(self.references, order(leg), key=order)
        if at < len(self.references) and order(self.references[at]) == order(leg):
            if leg.digest >= self.references[at].digest:
                return False
            self.references[at] = leg
        else:
            self.references = [*self.references[:at], leg, *self.references[at:]]
        self.rewind(bisect_left(self.log, leg.time, key=_time))
        return True

    def reference_at(self, time: int) -> dict[str, str | tuple[str, ...]] | None:
        """Give the reference data in force at a time, or None."""
        for leg in reversed(self.references):
            if leg.time <= time and leg.kind == _REFERENCE:
                return leg.facts if not leg.until or time < leg.until else None
        return None

    def since(self, time: int, word: str) -> int:
        """Give the time since a registered moment, or -1 when it is not known or lies ahead."""
        facts = self.reference_at(time)
        moment = facts.get(word) if facts is not None else None
        return max(time - int(moment), -1) if isinstance(moment, str) else -1

    def index(self, leg: Leg) -> int:
        """Give the place of a leg in the log."""
        return bisect_left(self.log, order(leg), key=order)

    def rewind(self, to: int, time: int = FOREVER) -> None:
        """Take windows and hits back to just before ``log[to]``; ``to`` may be the end of the log.

        The leg that comes next is not older than ``time``, nor than ``log[to]`` if that is older.
        """
        program, log = self.program, self.log
        if to == len(log):
            move_back(self, time)
            return
        self.past_days = NO_DICT
        self.changed_from = min(self.changed_from, log[to].time)
        if self.days is not None and (not to or log[to - 1].time < self.days.until_ms):
            self.days = None  # a leg that comes here may be of a day before that of log[to]
        if program is None:
            self.done = min(self.done, to)
            while self.hits and order(self.hits[-1].leg) >= order(log[to]):
                self.drop_hit(self.hits.pop())
            return
        move_back(self, min(time, log[to].time))
        undo, hits = program.undo, self.hits
        for leg in reversed(log[to : self.done]):
            undo(self.groups, self.pairs, leg)
            while hits and hits[-1].leg is leg:
                self.drop_hit(hits.pop())
        self.done = min(self.done, to)

    def drop_hit(self, hit: Hit) -> None:
        """Forget a hit that was taken from the end of ``hits``."""
        same = self.by_key[hit.key]
        same.pop()
        if not same:
            del self.by_key[hit.key]
        if hit.asked and self.verdicts:
            self.verdicts.pop()
        self.dirty.add(hit.key)

    def keep_hit(self, hit: Hit) -> None:
        """Remember a hit of the newest evaluated leg."""
        if self.hits is NO_LIST:
            self._expect_hits()
        self.hits.append(hit)
        self.by_key.setdefault(hit.key, []).append(hit)
        if hit.asked:
            if self.verdicts is None:
                self.verdicts = []
            self.verdicts.append(hit)
        self.dirty.add(hit.key)

    def _expect_hits(self) -> None:
        """Have containers of its own for hits and what is said of them."""
        self.hits, self.by_key, self.dirty, self.sent = [], {}, set(), {**self.sent}

    def use(self, program: WindowProgram) -> None:
        """Change to another program: running values are made anew from the legs evaluated so far."""
        self.program, self.days = program, None
        self.ptr, self.groups, self.moved_to = [0] * len(program.windows), {}, NEVER
        self.pairs = {**self.older} if program.memory_ms else NO_DICT
        self.look_up()
        upto, self.done = self.done, 0
        for _ in range(upto):
            self.enter()

    def enter(self) -> Leg:
        """Move the windows over the next leg of the log and give it. Old legs leave them when a rule is going to look."""
        program = self.program
        assert program is not None  # noqa: S101  the caller chose one with use()
        leg = self.log[self.done]
        if leg.time >= self.full_until and leg.kind in program.asked:
            leave(self, program, leg.time)
        program.enter(self.groups, self.pairs, leg)
        self.done += 1
        return leg

    def look_up(self) -> None:
        """Windows were moved back: when legs leave them has to be looked up."""
        self.leaving, self.full_until = NO_LIST, NEVER

    def remove(self, at: int) -> None:
        """Take one leg out of the log; its deadlines go with it."""
        self.rewind(at)
        leg = self.log.pop(at)
        if leg.kind in ONCE:
            self._claim_again(leg)
        self.forget_deadlines(leg.event_id)

    def _claim_again(self, gone: Leg) -> None:
        """Let another leg count after one has gone: the one that counted, or one that held two payments together."""
        winner = self.claims.get(ids(gone)[0])
        affected = {one for one, holder in self.claims.items() if holder is winner}
        for one in affected:
            del self.claims[one]
        legs = [leg for leg in self.log if leg.kind in ONCE and affected.intersection(ids(leg))]
        if legs:
            self.rewind(self.index(legs[0]))
        for leg in legs:
            leg.counted = True
            self._claim(leg)

    def forget_deadlines(self, event_id: str) -> None:
        """Take out the deadlines, fired or not, of an event that no longer counts."""
        if self.deadlines is None:
            return
        for known in [known for known in self.deadlines if known[1] == event_id]:
            del self.deadlines[known]
        for leg in self.log:
            if leg.event_id == event_id:  # another content under the id sets its own again
                self.rewind(self.index(leg))
                break
        for leg in [leg for leg in self.log if leg.kind == LegKind.DEADLINE and leg.event_id == event_id]:
            at = self.index(leg)
            self.rewind(at)
            del self.log[at]

    def void(self, event_id: str, digest: int, time: int) -> None:
        """Take out the copy of an event that lost a conflict, now and whenever it comes."""
        if self.voids is None:
            self.voids = {}
        self.voids[event_id, digest] = time
        for leg in [leg for leg in self.references if leg.event_id == event_id and leg.digest == digest]:
            self.references.remove(leg)
            self.rewind(bisect_left(self.log, leg.time, key=_time))
        for leg in [leg for leg in self.log if leg.event_id == event_id and leg.digest == digest]:
            at = self.index(leg)
            if at < len(self.log) and self.log[at] is leg:  # a deadline has gone with its event
                self.remove(at)

    def receive(self, mark: Mark) -> bool:
        """Take a mark: absolute, the newest position of its key wins; False when it is old or says nothing new."""
        if mark.said is not None:
            return hear(self, mark, mark.said)
        if self.marks_in is None:
            self.marks_in = {}
        known = self.marks_in.get(mark.key)
        if known is not None and known.position >= mark.position:
            return False
        if mark.leg is None and known is not None:
            mark = replace(mark, gone_time=known.gone_time if known.leg is None else known.leg.time)
        self.marks_in[mark.key] = mark
        if known is not None and known.leg is not None and not same(known.leg, mark.leg):
            self._take_back(known.leg)
        if mark.leg is not None:
            self.insert(mark.leg)
        return True

    def _take_back(self, gone: Leg) -> None:
        """A mark no longer says this; another may still say so."""
        if gone.kind == _REPORT and registers(self.kind, self.key):
            self.references = [leg for leg in self.references if not same(leg, gone)]
            self.rewind(bisect_left(self.log, gone.time, key=_time))
        if self.waiting is not None:
            self.waiting = [leg for leg in self.waiting if not same(leg, gone)]
        at = self.index(gone)
        if at < len(self.log) and same(self.log[at], gone):
            self.remove(at)
        for other in (self.marks_in or {}).values():
            if other.leg is not None and order(other.leg) == order(gone):
                self.insert(other.leg)

    def reload(self, log: list[Leg]) -> None:
        """Take a log that was evaluated before, and expect its hits; running values are made anew when next it is advanced."""
        self.log, self.done = log, len(log)
        self._expect_hits()
        once = [leg for leg in log if leg.kind in ONCE]
        if once:
            self.claims = {one: leg for leg in once if leg.counted for one in ids(leg)}
        waiting, left = [leg for leg in once if not leg.counted], -1
        while len(waiting) != left:  # a payment may share an id with one that counts only by way of a third
            left = len(waiting)
            waiting = [leg for leg in waiting if not self._join_claim(leg)]

    def _join_claim(self, leg: Leg) -> bool:
        holder = next((self.claims[one] for one in ids(leg) if one in self.claims), None)
        if holder is None:
            return False
        for one in ids(leg):
            self.claims.setdefault(one, holder)
        return True


__all__ = ["DEEP", "FOREVER", "NEVER", "Saved", "Subject"]
