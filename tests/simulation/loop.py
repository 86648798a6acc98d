"""An event loop with a virtual clock, on which several processes live: which of them goes on at each await is drawn by the seed.

Inside a process the order is that of asyncio, first come, first served; between processes there is none. A process can be killed
between any two steps of its coroutines, and paused. Nothing here knows what the processes do.
"""
# ruff: noqa: ANN401 - what a loop is given to call is nobody's type
# mypy: disable-error-code="override"
# The last: a light stand-in for asyncio's handles takes their place.

import asyncio
import contextlib
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from heapq import heappop, heappush
from random import Random
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")
_AT: ContextVar["Process"] = ContextVar("process")
_TASKS_KEPT: Final = 64


class ProcessEnded(SystemExit):
    """The process called ``os._exit``."""


class Step:
    """A step of a coroutine that is due, or a timer; a light stand-in for ``asyncio.Handle``."""

    __slots__ = ("args", "at", "callback", "cancelled_", "context")

    def __init__(self, callback: Any, args: tuple[Any, ...], context: Context, at: float = 0.0) -> None:
        self.callback, self.args, self.context, self.at = callback, args, context, at
        self.cancelled_ = False

    def cancel(self) -> None:
        """Never do it."""
        self.cancelled_ = True

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.cancelled_

    def when(self) -> float:
        """Give the time of a timer."""
        return self.at


class Process:
    """Something that runs coroutines until it is killed; what it has in memory is lost then."""

    def __init__(self, name: str, number: int = 0) -> None:
        self.name, self.number = name, number
        self.alive, self.paused = True, False
        self.ready: deque[Step] = deque()
        self.tasks: list[tuple[asyncio.Task[Any], Context]] = []
        self.fuse = -1
        """Steps until the process is killed; negative for never."""
        self.context = copy_context()
        self.context.run(_AT.set, self)
        self.at_end: Callable[[int | None], None] = lambda _code: None
        """Called once, with the exit code, None after a kill."""

    def __repr__(self) -> str:
        return self.name


def process() -> Process:
    """Give the process that is running."""
    return _AT.get()


class SimLoop(asyncio.BaseEventLoop):
    """The loop. ``world`` is the process of everything that never fails: the broker, the network, the plan of faults."""

    def __init__(self, dice: Random) -> None:
        super().__init__()
        self.dice = dice
        self.steps = 0
        self._now = 0.0
        self._number = self._spawned = 0
        self._timers: list[tuple[float, int, Process, Step]] = []
        self.halt = False
        """Ends :meth:`run`."""
        self.world = Process("world")
        self._processes = [self.world]
        self.errors: list[str] = []
        self.set_exception_handler(self._note)

    # -- what asyncio asks of a loop

    def time(self) -> float:
        """Seconds since the beginning; they pass only when nobody has anything to do."""
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Any:
        """Put a step behind those its process has to do already; a dead one does nothing any more."""
        context = context or copy_context()
        step = Step(callback, args, context)
        where = context[_AT]
        if where.alive:
            where.ready.append(step)
        return step

    def call_at(
        self,
        when: float,
        callback: Any,
        *args: Any,
        context: Context | None = None,
    ) -> Any:
        """Do something at a time."""
        context = context or copy_context()
        timer = Step(callback, args, context, when)
        self._number += 1
        heappush(self._timers, (when, self._number, context[_AT], timer))
        return timer

    def call_later(
        self,
        delay: float,
        callback: Any,
        *args: Any,
        context: Context | None = None,
    ) -> Any:
        """Do something after a while."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None) -> asyncio.Task[Any]:
        """Make a task of the process in whose context it will run."""
        context = context or copy_context()
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=str(name), context=context)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        tasks = context[_AT].tasks
        tasks.append((task, context))
        if len(tasks) > _TASKS_KEPT:
            tasks[:] = [each for each in tasks if not each[0].done()]
        return task

    def run_in_executor(self, executor: object, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # noqa: ARG002
        """Stand in for a thread: the work is done at once, a little later."""
        answer: asyncio.Future[T] = self.create_future()

        def work() -> None:
            if answer.done():
                return
            try:
                answer.set_result(func(*args))
            except Exception as fault:  # noqa: BLE001 - it is the caller's
                answer.set_exception(fault)

        self.call_later(self.dice.expovariate(100), work)
        return answer

    def _note(self, _loop: object, context: dict[str, Any]) -> None:
        # Who was killed, or gave up waiting, does not hear of a fault.
        if "never retrieved" not in context["message"]:
            self.errors.append(f"{context.get('message')}: {context.get('exception')!r}")

    # -- processes

    def spawn(self, name: str, main: Callable[[], Coroutine[Any, Any, None]]) -> Process:
        """Start a process."""
        self._spawned += 1
        started = Process(name, self._spawned)
        self._processes.append(started)
        self.create_task(started.context.run(main), context=started.context)
        return started

    def kill(self, victim: Process, code: int | None = None) -> None:
        """End a process between two steps: nothing it had in memory has any effect any more."""
        if not victim.alive:
            return
        victim.alive = False
        self._processes.remove(victim)
        victim.ready.clear()
        while victim.tasks:
            task, context = victim.tasks.pop()
            # It may try to await in its cleaning up; a process that is gone cannot.
            with contextlib.suppress(BaseException):
                context.run(cast("Coroutine[Any, Any, None]", task.get_coro()).close)
        victim.at_end(code)

    def run(self, steps_max: int) -> None:
        """Let everybody go on until ``halt`` is set, nobody has anything to do, or so many steps are done."""
        last = self.steps + steps_max
        events._set_running_loop(self)
        try:
            while not self.halt and self.steps < last and self._step():
                pass
        finally:
            events._set_running_loop(None)

    def shut(self) -> None:
        """Kill everybody and forget everything."""
        events._set_running_loop(self)
        try:
            for each in [*self._processes]:
                each.at_end = lambda _code: None
                self.kill(each)
        finally:
            events._set_running_loop(None)
        self._timers.clear()
        self.close()

    def _step(self) -> bool:
        able = [each for each in self._processes if each.ready and not each.paused]
        if not able:
            return self._wait()
        chosen = able[0] if len(able) == 1 else able[int(self.dice.random() * len(able))]
        if chosen.fuse == 0:
            self.kill(chosen)
            return True
        step = chosen.ready.popleft()
        if step.cancelled_:
            return True
        chosen.fuse -= chosen.fuse > 0
        self.steps += 1
        try:
            step.context.run(step.callback, *step.args)
        except ProcessEnded as ended:
            self.kill(chosen, int(str(ended.code)))
        return True

    def _wait(self) -> bool:
        """Go to the next time at which somebody has something to do."""
        while self._timers:
            when, _, where, timer = heappop(self._timers)
            if not timer.cancelled_ and where.alive:
                self._now = max(self._now, when)
                where.ready.append(timer)
                if not where.paused:
                    return True
        return False


def leave(code: int) -> None:
    """Stand in for ``os._exit``."""
    raise ProcessEnded(code)
