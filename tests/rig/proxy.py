"""A TCP proxy of ours between a client and a server: it delays, resets, swallows, holds back, and cuts at a named request."""

import asyncio
import struct
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Final, Self, TypeVar

from tests.rig.process import free_ports

_CHUNK: Final = 1 << 16
_GATE_SECONDS: Final = 0.02
_API_KEYS: Final = {0: "Produce", 1: "Fetch", 8: "OffsetCommit", 9: "OffsetFetch", 11: "JoinGroup", 26: "EndTxn"}
T = TypeVar("T")
Names = Callable[[bytes], list[str]]
"""Names the requests that begin in a chunk of one connection; keeps what it must remember between two chunks."""


def kafka_names() -> Names:
    """Read the frames of Kafka's protocol: a length, then the number of the request."""
    left, head = 0, b""

    def names(data: bytes) -> list[str]:
        nonlocal left, head
        found = []
        while data:
            if left:
                passed = min(left, len(data))
                left, data = left - passed, data[passed:]
                continue
            wanted = 6 - len(head)
            head, data = head + data[:wanted], data[wanted:]
            if len(head) == 6:
                size, key = struct.unpack(">ih", head)
                left, head = size - 2, b""
                found.append(_API_KEYS.get(key, str(key)))
        return found

    return names


def sql_names() -> Names:
    """Look for words of SQL; our statements are short, so a word is hardly ever cut in two."""
    return lambda data: [word for word in ("INSERT", "COPY", "COMMIT") if word.encode() in data]


class _Link:
    """One connection through the proxy."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter, names: Names) -> None:
        self.near, self.far, self.names = near, far, names
        self.doomed = self.held = False

    def abort(self) -> None:
        """Reset both sides."""
        for side in (self.near, self.far):
            side.transport.abort()


class Proxy:
    """Listens from the beginning; ``target`` may be set later. The troubles are plain attributes, read before every chunk."""

    def __init__(self, names: Callable[[], Names], target: int = 0) -> None:
        [self.port] = free_ports(1)
        self.target = target
        self.delay_seconds = 0.0
        """Every chunk waits so long."""
        self.black = False
        """Nothing passes in either direction, and nobody is told."""
        self.cut_at = ""
        """The next request of this name passes, its answer does not: both sides are reset instead. Used up by one."""
        self.break_at = ""
        """The next request of this name does not pass: both sides are reset. Used up by one."""
        self.hold = ""
        """From a request of this name on, what a connection asks stays here for ever."""
        self.done: Counter[str] = Counter()
        """How often something was cut, broken or held, by the name of the request."""
        self._names = names
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def links(self) -> int:
        """How many connections there are."""
        return len(self._links)

    def reset(self) -> int:
        """Reset all connections; gives how many there were."""

        async def abort() -> int:
            links = list(self._links)
            for link in links:
                link.abort()
            return len(links)

        return self._ask_loop(abort())

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._ask_loop(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        return self

    def __exit__(self, *_: object) -> None:
        self._ask_loop(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _ask_loop(self, what: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _close(self) -> None:
        self._server.close()
        for link in list(self._links):
            link.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        try:
            answers, far = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            near.transport.abort()
            return
        link = _Link(near, far, self._names())
        self._links.add(link)
        try:
            with suppress(OSError, asyncio.CancelledError):  # cancelled when the proxy closes
                await asyncio.gather(self._ask(reader, link), self._answer(answers, link))
        finally:
            link.abort()
            self._links.discard(link)

    async def _ask(self, reader: asyncio.StreamReader, link: _Link) -> None:
        while data := await reader.read(_CHUNK):
            await self._gate()
            names = link.names(data)
            if self.hold and self.hold in names:
                self.done[self.hold] += not link.held
                link.held = True
            if link.held:
                continue
            if self.break_at and self.break_at in names:
                self.done[self.break_at] += 1
                self.break_at = ""
                link.abort()
                return
            if self.cut_at and self.cut_at in names:
                self.done[self.cut_at] += 1
                self.cut_at = ""
                link.doomed = True
            link.far.write(data)
            await link.far.drain()
        link.far.close()

    async def _answer(self, answers: asyncio.StreamReader, link: _Link) -> None:
        while data := await answers.read(_CHUNK):
            if link.doomed:
                link.abort()
                return
            await self._gate()
            link.near.write(data)
            await link.near.drain()
        link.near.close()

    async def _gate(self) -> None:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        while self.black:  # noqa: ASYNC110 - set from another thread
            await asyncio.sleep(_GATE_SECONDS)
