"""What the six readers share: the place in a message, what came of each transaction, and ids within the message."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final

from streams.events.iso20022.fields import Message, Record
from streams.events.iso20022.identity import Ids, with_event_id
from streams.events.iso20022.parties import Tokenise, shortened
from streams.events.iso20022.tree import Node
from streams.events.iso20022.values import need_moment
from streams.events.model import Event, Rail
from streams.events.refusals import Refusal, Refused

_INSTANT: Final = frozenset({"INST", "INSTANT"})


@dataclass(frozen=True, slots=True)
class Options:
    """How to read."""

    source: str = "iso20022"
    """Source of all events; payments are told apart by source and id, so one network of messages is one source."""
    zone: tzinfo = UTC
    """For times without an offset."""
    tokenise: Tokenise = str
    """From the identity of an account or party to its token."""
    bare_transfers: bool = False
    """Whether JSON bodies with ``CdtTrfTxInf`` and no message name around them are pacs.008, as Mojaloop posts them."""


@dataclass(frozen=True, slots=True)
class Found:
    """One transaction of a message, or a message or file as a whole: an event, or why it is none."""

    kind: str
    version: str
    message_id: str
    number: int
    """Counted from 1 in the message; 0 for a message or file as a whole."""
    event: Event | None = None
    refused: Refused | None = None


@dataclass(slots=True)
class Transactions:
    """Reads the transactions of one message as they end; ``read`` makes the event of the current one."""

    message: Message
    version: str
    root: Node
    options: Options
    read: Callable[["Transactions"], Event]
    take: Callable[[Found], None]
    drops: frozenset[tuple[str, ...]] = field(init=False)
    number: int = 0
    names: set[str] = field(default_factory=set)
    """Payment ids given out in this message."""

    def __post_init__(self) -> None:
        """Take over what the message's table says is dropped."""
        self.drops = self.message.drops

    @property
    def record(self) -> Record:
        """What can be read now."""
        return Record(self.root, self.message)

    @property
    def message_id(self) -> str:
        """Id of the message, as far as it has one."""
        found = next((self.root.below(*path) for path in self.message.fields["message_id"].steps), "")
        return shortened(found)

    def ended(self, path: tuple[str, ...]) -> None:
        """Read a transaction that has ended."""
        if "/".join(path) == self.message.transaction:
            self.one()

    def finished(self) -> None:
        """Refuse a message in which there was no transaction."""
        if self.number:
            return
        if "group_status" in self.message.fields and self.record.text("group_status"):
            place, why = self.record.path("group_status"), "speaks of a whole message; send it per transaction"
            refused = Refused(Refusal.WHOLE_MESSAGE, place, why)
        else:
            refused = Refused(Refusal.NO_TRANSACTIONS, self.message.transaction, "no transaction is in the message")
        self.take(Found(self.message.kind, self.version, self.message_id, 0, refused=refused))

    def one(self) -> None:
        """Read one transaction: it becomes an event or a named refusal, whatever is in it."""
        self.number += 1
        self.take(self.judged())

    def judged(self) -> Found:
        """Give what the current transaction is."""
        message_id, number = self.message_id, self.number
        try:
            event = with_event_id(self.read(self), message_id, number)
        except Refused as refused:
            return Found(self.message.kind, self.version, message_id, number, refused=refused)
        return Found(self.message.kind, self.version, message_id, number, event=event)

    def own_name(self, ids: Ids) -> tuple[str, tuple[str, ...]]:
        """Give payment id and other ids of a payment of this message.

        Raises ``Refused`` for one whose payment id or UETR an earlier one has: it would pass for the same payment.
        """
        unique, names = ids.unique(), ids.names()
        if not unique:
            message = self.record.need("message")
            unique = [shortened(f"{message}@{self.created():%Y%m%dT%H%M%S}#{self.number}")]
            names = unique + names
        for name in {unique[0], ids.uetr} - {""}:
            if name in self.names:
                raise Refused(Refusal.REPEATED_ID, self.message.transaction, "an earlier transaction has the same ids")
            self.names.add(name)
        return unique[0], tuple(names[1:])

    def created(self) -> datetime:
        """When the message was made; raises ``Refused`` when it does not say."""
        return need_moment(self.record, "created", self.options.zone)

    def rail(self) -> Rail:
        """Tell instant payments by their local instrument or service level; all others are bank transfers."""
        codes = {text.upper() for text in self.record.texts("instrument")}
        return Rail.INSTANT if codes & _INSTANT else Rail.BANK
