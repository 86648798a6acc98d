"""Store URLs: which are taken, and that no message shows a password."""

import pytest

from streams.errors import StoreUnreachable, UsageError
from streams.store import open_store
from streams.store.engine import parse_url, shown

SECRET = "hunter2-secret"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://payweir@localhost/payweir",
        "postgresql+psycopg://payweir@localhost/payweir",
        "sqlite:///payweir.db",
        "sqlite://",
    ],
)
def test_postgresql_and_sqlite_are_taken(text: str) -> None:
    assert parse_url(text).get_backend_name() == text.partition(":")[0].partition("+")[0]


@pytest.mark.parametrize(
    "text",
    [
        f"mysql://payweir:{SECRET}@localhost/payweir",
        f"postgresql://payweir:{SECRET}@localhost:port/payweir",
        f"payweir:{SECRET}",
        "",
    ],
)
def test_another_url_is_a_fault_of_usage_that_does_not_repeat_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_store(text)
    assert SECRET not in str(caught.value)
    assert "postgresql://" in str(caught.value)


def test_a_url_is_shown_without_its_passwords() -> None:
    url = parse_url(f"postgresql://payweir:{SECRET}@localhost/payweir?password={SECRET}&sslmode=require")
    assert shown(url) == "postgresql+psycopg://payweir:***@localhost/payweir?sslmode=require"


def test_a_server_that_does_not_answer_is_unreachable_and_the_message_hides_the_password() -> None:
    with pytest.raises(StoreUnreachable) as caught:
        open_store(f"postgresql://payweir:{SECRET}@127.0.0.1:1/payweir")
    assert SECRET not in str(caught.value)
    assert "127.0.0.1:1" in str(caught.value)
    assert "\n" not in str(caught.value)
