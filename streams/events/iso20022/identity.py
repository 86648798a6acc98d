"""Names of payments and events, always from what the message says.

The payment id is the first of these that can be made, so that a status, return or line that quotes the same ids finds it:

1. ``TxId``;
2. the UETR;
3. ``InstrId|EndToEndId``;
4. ``MsgId|PmtInfId|InstrId``, or the end-to-end id in place of the instruction id;
5. ``MsgId#3`` for the third transaction of a message that names it by nothing.

The others that can be made are its other ids: a status that quotes fewer ids still finds it.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import msgspec

from streams.events.iso20022.fields import Record
from streams.events.iso20022.parties import shortened
from streams.events.model import Event

_canonical: Final = msgspec.msgpack.Encoder(order="deterministic")
_NOT_PROVIDED: Final = frozenset({"NOTPROVIDED", "NOT PROVIDED", "NONREF"})


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids by which a message names a transaction; empty where it does not."""

    tx_id: str = ""
    uetr: str = ""
    instruction: str = ""
    end_to_end: str = ""
    message: str = ""
    group: str = ""
    """``PmtInfId``."""

    def names(self) -> list[str]:
        """Give the names that can be made, the best first; empty when there is none."""
        made = [self.tx_id, self.uetr]
        if self.instruction and self.end_to_end:
            made.append(f"{self.instruction}|{self.end_to_end}")
        if self.message:
            within = f"{self.message}|{self.group}" if self.group else self.message
            made += [f"{within}|{each}" for each in (self.instruction, self.end_to_end) if each]
        return [shortened(name) for name in made if name]


def ids_of(record: Record, *, message: str = "message") -> Ids:
    """Read the ids of the current transaction; fields a message has no element for are left out of its table."""

    def text(name: str) -> str:
        found = record.text(name) if name in record.message.fields else None
        return "" if found is None or found.upper() in _NOT_PROVIDED else found

    return Ids(
        text("tx_id"), text("uetr").lower(), text("instruction"), text("end_to_end"), text(message), text("group")
    )


def with_event_id(event: Event, message_id: str, number: int) -> Event:
    """Name an event after its content, its message and its place in it: the same file again gives the same ids.

    Two transactions of one message are two events however alike they are.
    """
    content = _canonical.encode([message_id, number, event])
    return msgspec.structs.replace(event, event_id=f"iso-{blake2b(content, digest_size=20).hexdigest()}")
