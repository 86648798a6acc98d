"""A backtest in several processes: each reads all events and keeps the subjects of one partition; marks go from one to the other.

On few cores, reading everything several times costs no more than passing legs on from one reader.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

from streams.detection.program import Programs, compile_ruleset
from streams.detection.rule import Ruleset
from streams.errors import UsageError
from streams.legs import FORMAT_VERSION, Packed, pack, unpack
from streams.replay.backtest import Backtest, BacktestPlan, Part, Period, backtest, backtest_part, whole
from streams.replay.collector import quiet_collector
from streams.replay.embedded import Marks, Share
from streams.replay.files import open_inputs
from streams.replay.processes import Link, in_processes
from streams.replay.run import Progress

_SMALL: Final = 16 << 20
"""Bytes of input; with less, one process is done before several have started."""
_MOST: Final = 8
"""Processes, unless more are asked for: each reads everything, so ever more of them do ever less of the rest."""


class Past(NamedTuple):
    """What a backtest reads and looks out for; travels to the processes."""

    inputs: list[str]
    format: str
    started_ms: int
    period: Period
    wanted: frozenset[str]


def processes_for(asked: int | None, inputs: list[str], format_: str) -> int:
    """Say in how many processes to read: as asked, else one a core, few where more would bring little, and one for small input.

    Raises UsageError for files that are not there, and for standard input, which only one can read.
    """
    if "-" in inputs:
        if (asked or 1) > 1:
            raise UsageError("--processes: standard input can be read by one only; put it into a file")
        return 1
    small = sum(file.size for file in open_inputs(inputs, format_)) < _SMALL
    return asked or (1 if small else min(len(os.sched_getaffinity(0)), _MOST))


def backtests(processes: int, sets: Sequence[Programs], past: Past, progress: Progress) -> list[Backtest]:
    """Run each of the sets over the past, in so many processes together; what comes of it is what comes of one process.

    Sets run beside each other, and processes that are left over share a set. Raises UsageError when a file changed while it was
    read, and what ``in_processes`` raises.
    """
    if processes == len(sets) == 1:
        with quiet_collector():
            plan = BacktestPlan(sets[0], progress, past.started_ms, past.period, past.wanted)
            return [backtest(open_inputs(past.inputs, past.format), plan)]
    each = max(1, processes // len(sets))
    jobs = [partial(_part, programs.ruleset, past, number, each) for programs in sets for number in range(each)]
    parts = in_processes(jobs, processes, progress, each)
    return [whole(programs, _together(parts[at * each : (at + 1) * each])) for at, programs in enumerate(sets)]


def share(number: int, of: int, link: Link) -> Share:
    """Give a share whose marks travel over the link, as they would over the activity topic."""

    def exchange(marks: Marks) -> Marks:
        """An empty parcel says that there were no marks for anybody."""
        mine = [Packed(FORMAT_VERSION, f"detect/{number}", [], marks.get(p, []), {}) for p in range(of)]
        heard = [unpack(each).marks for each in link.trade([pack(each) if marks else b"" for each in mine]) if each]
        return {number: [mark for several in heard for mark in several]} if heard else {}

    return Share(number, of, exchange)


def _part(ruleset: Ruleset, past: Past, number: int, of: int, link: Link) -> Part:
    """Run one share; in a process of its own. All are equally far at any time, so one tells how far that is."""
    progress = link.tell if number == 0 else _say_nothing
    mine = share(number, of, link) if of > 1 else None
    plan = BacktestPlan(compile_ruleset(ruleset), progress, past.started_ms, past.period, past.wanted, mine)
    with quiet_collector():
        return backtest_part(open_inputs(past.inputs, past.format), plan)


def _say_nothing(_done: int, _records: int) -> None:
    pass


def _together(parts: Sequence[Part]) -> Part:
    first, *others = parts
    summary, traffic = first.summary, first.traffic
    for part in others:
        if part.summary.found != first.summary.found:
            raise UsageError("--input: a file changed while it was read; copy it first, or give --processes 1")
        summary.add(replace(part.summary, found=0))
        traffic.payments.add(part.traffic.payments)
        traffic.found.update(part.traffic.found)
    return Part(summary, traffic, tuple(alert for part in parts for alert in part.alerts))
