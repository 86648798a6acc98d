"""Who runs a command, and where it is written down."""

import os
import pwd
from typing import Annotated

import typer

from streams.settings import Settings
from streams.store import open_store
from streams.store.audit import record


def login() -> str:
    """Give the name of whoever runs the command, as the system has it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


ByOption = Annotated[str, typer.Option("--by", help="Who says so.", default_factory=login, show_default="your login")]
AuditOption = Annotated[
    str | None,
    typer.Option("--store", help="Store whose audit log is told.", metavar="URL", show_default="PAYWEIR_STORE_URL"),
]


def store_of(settings: Settings, given: str | None) -> str | None:
    """Give the store that somebody named, by option or setting; None when nobody did."""
    if given is not None:
        return given
    return settings.store_url if settings.store_url != Settings().store_url else None


def tell(store: str | None, actor: str, action: str, about: str, detail: dict[str, object]) -> None:
    """Write an entry of the audit log, if there is a store. Raises ``StoreUnreachable`` and ``StoreOutdated``."""
    if store is not None:
        with open_store(store, create=False) as opened:
            record(opened, actor, action, about, detail)
