"""Faults of the infrastructure are waited out in place; anything else is a bug and ends the process."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from aiokafka.errors import KafkaError

from streams.agents.batch import Revoked
from streams.errors import FormatError, ServiceError, ZombieError

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Exit code after a bug: nothing was acknowledged, a restart reads everything again.
EXIT_BUG = 70

#: Exit code of a program that is older or newer than what it found: another version has to be started.
EXIT_FORMAT = 72

#: Exit code of a worker that finds another one in its place: nothing is wrong, and a restart takes what the group gives it.
EXIT_FENCED = 73

#: What counts as "the service is away": it may come back, and repeating is harmless because outputs are idempotent.
TRANSIENT: tuple[type[Exception], ...] = (KafkaError, ServiceError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waiting doubles up to a ceiling: a short outage costs little, a long one does not hammer the service."""

    first_seconds: float = 0.1
    seconds_max: float = 5.0

    def seconds(self, attempt: int) -> float:
        """Pause after the failed attempt number ``attempt``, counted from 0."""
        return min(self.seconds_max, self.first_seconds * float(1 << min(attempt, 16)))


def die(what: str, bug: BaseException) -> NoReturn:
    """Log the bug and end the process at once, so that nothing can be acknowledged any more.

    What another version of Payweir has written is no bug, nor is another worker in our place: each has a code of its own.
    """
    if isinstance(bug, FormatError):
        logger.critical("%s: ending the process: %s", what, bug)
        leave(EXIT_FORMAT)
    if isinstance(bug, ZombieError):
        logger.warning("%s: ending the process: %s", what, bug)
        leave(EXIT_FENCED)
    logger.critical("%s: ending the process", what, exc_info=bug)
    leave(EXIT_BUG)


def leave(code: int) -> NoReturn:
    """End the process at once, without any of the tidying up that may hang or acknowledge something."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)


async def insist(
    action: Callable[[], Awaitable[T]],
    ended: asyncio.Event,
    what: str,
    transient: tuple[type[Exception], ...] = TRANSIENT,
    backoff: Backoff = Backoff(),
) -> T:
    """Run ``action`` until it succeeds, as long as the term lives.

    Raises :class:`Revoked` when ``ended`` is set before, between or right after the attempts (a result that comes after
    the end of the term is dropped), and at once whatever ``action`` raises that is not ``transient``.
    """
    attempt = 0
    while not ended.is_set():
        try:
            result = await action()
        except transient as fault:
            logger.warning("%s failed, attempt %d: %s: %s", what, attempt + 1, type(fault).__name__, fault)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), backoff.seconds(attempt))
            attempt += 1
        else:
            if ended.is_set():
                break
            return result
    raise Revoked
