"""From a stream of elements to transactions: finds the messages in any envelope, keeps what is needed, drops the rest."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from streams.events.iso20022.limits import ELEMENT_COST, Limits
from streams.events.iso20022.tree import Node
from streams.events.refusals import Refusal, Refused

VERSION: Final = re.compile(r"\b([a-z]{4}\.\d{3})\.(\d{3})\.(\d{2})\b")
"""A message name such as ``pacs.008.001.08``, alone or inside a namespace."""
_EDITION: Final = re.compile(r"V\d\d$")


class Reading(Protocol):
    """What reads one message while it is being built."""

    drops: frozenset[tuple[str, ...]]
    """Paths below the root whose elements are done with when they end."""

    def ended(self, path: tuple[str, ...]) -> None:
        """Be told that an element of ``drops`` has ended; it is still in the tree, as the last of its name."""

    def finished(self) -> None:
        """Be told that the message has ended."""


Open = Callable[[str, str, Node], Reading | None]
"""Kind (empty if unknown), version and root to the reading of that message; None for a message that is not read."""


@dataclass(slots=True)
class Builder:
    """Takes elements as they come. ``roots`` maps local names of root elements to message kinds."""

    roots: dict[str, str]
    open_message: Open
    limits: Limits
    stack: list[Node] = field(default_factory=list)
    """The open elements of the message, root first; empty outside messages."""
    reading: Reading | None = None
    depth: int = 0
    kept: int = 0
    skipping: int = 0
    """Depth at which a message that is not read began; 0 if none."""
    envelope: list[str] = field(default_factory=list)
    """Names of the open elements outside messages."""
    declared: str = ""
    """Message name the nearest envelope speaks of (a namespace, or ``TxTp`` of a JSON rendering)."""

    def start(self, name: str, namespace: str, currency: str = "") -> None:
        """Open an element."""
        self.depth += 1
        if self.depth > self.limits.depth_max:
            raise Refused(Refusal.TOO_DEEP, "", f"elements are nested at most {self.limits.depth_max} deep")
        if self.stack:
            self._hold(ELEMENT_COST)
            node = Node(name, currency=currency)
            self.stack[-1].children.append(node)
            self.stack.append(node)
        elif not self.skipping:
            self._outside(name, namespace)

    def text(self, data: str) -> None:
        """Add text to the open element; outside messages text is nothing."""
        if self.stack:
            node = self.stack[-1]
            self._hold(len(data))
            node.size += len(data)
            node.text += data
            if len(node.text) > self.limits.text_max:
                where = "/".join(each.name for each in self.stack)
                raise Refused(Refusal.TOO_LARGE, where, f"a text has at most {self.limits.text_max} characters")

    def end(self) -> None:
        """Close the open element."""
        self.depth -= 1
        if self.stack:
            self._close()
        elif self.skipping:
            if self.depth < self.skipping:
                self.skipping = 0
                self.envelope.pop()
        else:
            self.envelope.pop()

    def _outside(self, name: str, namespace: str) -> None:
        named = VERSION.search(namespace)
        self.envelope.append(name)
        kind, root_named = self.roots.get(_EDITION.sub("", name), ""), VERSION.fullmatch(name)
        if root_named and not kind:
            kind = root_named[1]
        if kind or self.envelope[-2:-1] == ["Document"]:
            version = named or root_named or VERSION.search(self.declared)
            root = Node(name)
            self.reading = self.open_message(kind, version[0] if version else "", root)
            if self.reading is None:
                self.skipping = self.depth
            else:
                self.envelope.pop()
                self.stack.append(root)
                self.kept = ELEMENT_COST
        elif named and named[1] != "head.001":
            self.declared = namespace

    def _close(self) -> None:
        node = self.stack.pop()
        reading = self.reading
        assert reading is not None  # noqa: S101  there is a stack only inside a message
        if not self.stack:
            reading.finished()
            self.reading = None
            return
        parent = self.stack[-1]
        if len(self.stack) <= _DROP_DEPTH_MAX:
            path = (*(each.name for each in self.stack[1:]), node.name)
            if path in reading.drops:
                reading.ended(path)
                parent.children.pop()
                self.kept -= node.size
                return
        parent.size += node.size

    def _hold(self, more: int) -> None:
        self.kept += more
        if self.kept > self.limits.kept_max:
            where = "/".join(each.name for each in self.stack)
            raise Refused(
                Refusal.TOO_LARGE,
                where,
                f"headers and one transaction together hold at most {self.limits.kept_max} characters",
            )


_DROP_DEPTH_MAX: Final = 4
"""No element that is dropped lies deeper (``Ntfctn/Ntry/NtryDtls/TxDtls``)."""
