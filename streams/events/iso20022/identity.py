"""Names of payments and events, always from what the message says.

The payment id is the first of these that can be made, so that a status, return or line that quotes the same ids finds it:

1. ``TxId``;
2. the UETR;
3. ``InstrId|EndToEndId``;
4. ``MsgId|PmtInfId|InstrId``;
5. ``MsgId@20260302T100000#3``, with the time the message was made, for its third transaction, if that has nothing but an
   end-to-end id, which payers repeat at will.

The others that can be made, and ``MsgId|PmtInfId|EndToEndId``, are its other ids: a status that quotes fewer ids still finds
it, if only one payment has that name.
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
        within = f"{self.message}|{self.group}" if self.group else self.message
        last = [shortened(f"{within}|{self.end_to_end}")] if self.message and self.end_to_end else []
        return self.unique() + last

    def unique(self) -> list[str]:
        """Give the names no other payment of the message may have."""
        made = [self.tx_id, self.uetr]
        if self.instruction and self.end_to_end:
            made.append(f"{self.instruction}|{self.end_to_end}")
        if self.message and self.instruction:
            made.append("|".join(each for each in (self.message, self.group, self.instruction) if each))
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
