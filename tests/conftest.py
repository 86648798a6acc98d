"""Fixtures that stand for the real parts. A part that cannot start fails the test; nothing is skipped."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.rig.kafka import KafkaBroker, broker
from tests.rig.postgres import PostgresServer, server


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[KafkaBroker]:
    """One broker for the whole run; a test that stops it starts it again before it ends."""
    with broker() as running:
        _say(request, f"Apache Kafka {running.version} at {running.bootstrap}")
        yield running


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """One server for the whole run; a test that stops it starts it again before it ends."""
    with server() as running:
        _say(request, f"PostgreSQL {running.version}")
        yield running


@pytest.fixture
def database_url(postgres: PostgresServer) -> Iterator[str]:
    """URL (``postgresql+psycopg://``) of an empty database that is gone after the test."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def said(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Lines in which a drill says what it did, printed at its end."""
    lines: list[str] = []
    yield lines
    _say(request, "\n  ".join((f"{request.node.name}:", *lines)))


def _say(request: pytest.FixtureRequest, text: str) -> None:
    """Print past the capturing, so that every run says what it ran against."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture is not None else nullcontext():
        sys.stderr.write(f"\n{text}\n")
        sys.stderr.flush()
