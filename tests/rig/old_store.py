"""Stores as earlier versions left them."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

import streams.store.migrations


def migrate(connection: Connection, version: str) -> None:
    """Run the migrations up to ``version`` and no further; views are not laid."""
    [folder] = streams.store.migrations.__path__
    config = Config()
    config.set_main_option("script_location", folder)
    config.attributes["connection"] = connection
    command.upgrade(config, version)
