"""The SQL store: alerts with evidence and history, counters, rulesets; documented views over them."""

from typing import Final

from streams.store.migrate import upgrade
from streams.store.writer import Store, WriteResult, open_store

DEFAULT_STORE_URL: Final = "sqlite:///payweir.db"
"""A file in the working directory; a setting or ``--store`` says otherwise."""

__all__ = ["DEFAULT_STORE_URL", "Store", "WriteResult", "open_store", "upgrade"]
