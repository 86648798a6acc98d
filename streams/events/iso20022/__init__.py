"""ISO 20022 at the rim: pain.001, pacs.008, pacs.002, pacs.004, camt.054 and camt.056 to events, XML or JSON.

Every transaction of a message becomes an event or a refusal with a name; nothing is guessed. `schemas/iso20022` says, path
by path, what is read; those pages are made from the tables here.
"""

from streams.events.iso20022.limits import Limits
from streams.events.iso20022.reader import MESSAGES, line_of, lines_of, read_messages
from streams.events.iso20022.reading import Found, Options

__all__ = ["MESSAGES", "Found", "Limits", "Options", "line_of", "lines_of", "read_messages"]
