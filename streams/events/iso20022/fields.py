"""The table of what is read: for each message, which field comes from which paths. Pages and readers both use it."""

from dataclasses import dataclass
from functools import cached_property

from streams.events.iso20022.tree import Node
from streams.events.refusals import Refusal, Refused


@dataclass(frozen=True)
class Field:
    """One thing that is read: where it goes, and the paths below the root at which it may stand; the first there is counts.

    A path of which several different values stand in one transaction is refused, unless ``several`` says that the first is meant.
    """

    into: str
    paths: tuple[str, ...]
    note: str = ""
    several: bool = False

    @cached_property
    def steps(self) -> tuple[tuple[str, ...], ...]:
        """The paths as names."""
        return tuple(tuple(path.split("/")) for path in self.paths)


@dataclass(frozen=True)
class Message:
    """One message kind: names of its root, versions that are read, fields, and what is knowingly left aside."""

    kind: str
    title: str
    roots: tuple[str, ...]
    version_max: int
    """Highest version read; lower ones all are. National editions (``pain.001.003.03``) keep the numbers of their base."""
    transaction: str
    """Path of one transaction."""
    fields: dict[str, Field]
    ignored: dict[str, str]
    """Path or element to why it is not read."""
    drops: frozenset[tuple[str, ...]]
    """Paths of what is done with when it ends; transactions are among them."""
    meaning: str
    """What it becomes, for the page."""


@dataclass(frozen=True, slots=True)
class Record:
    """What can be read at one moment: the headers and the current transaction, through the table of the message."""

    root: Node
    message: Message

    def node(self, name: str) -> Node | None:
        """Give the element of a field, or None. Raises ``Refused`` when it stands there several times with different content."""
        wanted = self.message.fields[name]
        for path in wanted.steps:
            found = [each for each in self.root.find(path) if each.text.strip()]
            if not found:
                continue
            if (
                not wanted.several
                and len(found) > 1
                and len({(each.text.strip(), each.currency) for each in found}) > 1
            ):
                raise Refused(Refusal.WRONG_TYPE, "/".join(path), "stands several times with different content")
            return found[0]
        return None

    def element(self, name: str) -> Node | None:
        """Give the first element of a field, whatever is in it."""
        return next((each for path in self.message.fields[name].steps for each in self.root.find(path)), None)

    def text(self, name: str) -> str | None:
        """Give the text of a field without white space around it, or None."""
        node = self.node(name)
        return None if node is None else node.text.strip()

    def texts(self, name: str) -> list[str]:
        """Give all texts of a field at its paths."""
        steps = self.message.fields[name].steps
        return [text for path in steps for each in self.root.find(path) if (text := each.text.strip())]

    def need(self, name: str) -> str:
        """Give the text of a field; raises ``Refused`` when it is not there."""
        text = self.text(name)
        if text is None:
            raise Refused(Refusal.MISSING_FIELD, self.path(name), "a required element is missing")
        return text

    def path(self, name: str) -> str:
        """Give the first path of a field, for a refusal."""
        return self.message.fields[name].paths[0]
