"""Asking and telling a store's database itself, past the store."""

from typing import Any

from sqlalchemy import text

from streams.store import Store


def ask(store: Store, query: str) -> list[tuple[Any, ...]]:
    """Ask the database itself."""
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def tell(store: Store, statement: str) -> None:
    """Do what a person's tool does."""
    with store.engine.connect() as connection:
        connection.execute(text(statement))
        connection.commit()
