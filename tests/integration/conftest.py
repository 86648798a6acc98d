"""The store on each of its databases, for every suite that is held to on both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.store import Store, open_store, upgrade


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'payweir.db'}"
    url = str(request.getfixturevalue("database_url"))
    upgrade(url)
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Give an open, empty store."""
    with open_store(store_url) as opened:
        yield opened
