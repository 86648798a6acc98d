"""Log lines: one per record, and no password in any."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from streams.telemetry import setup_logging
from streams.telemetry.logs import about, hide


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:], level = before[0], before[1]
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_json_is_one_object_a_line(stream: io.StringIO) -> None:
    setup_logging("info", "json", stream)
    logging.getLogger("payweir.x").warning("first\nsecond %s", "postgresql://u:hunter2@h/d", extra={"partition": 3})
    logging.getLogger("payweir.x").debug("not said")
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert entry.pop("time").endswith("Z")
    assert entry == {
        "level": "warning", "logger": "payweir.x", "message": "first\nsecond postgresql://u:***@h/d", "partition": 3,
    }  # fmt: skip


def test_an_error_comes_with_its_trace(stream: io.StringIO) -> None:
    setup_logging("info", "json", stream)
    try:
        int("postgresql://u:hunter2@h/d")
    except ValueError:
        logging.getLogger().exception("failed")
    error = json.loads(stream.getvalue())["error"]
    assert "ValueError" in error
    assert "hunter2" not in error


def test_text_cannot_be_forged(stream: io.StringIO) -> None:
    setup_logging("debug", "text", stream)
    logging.getLogger("x").info("one\n2026-01-01T00:00:00.000Z INFO root: two")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("INFO    x: one\\n2026-01-01T00:00:00.000Z INFO root: two")


def test_libraries_are_heard_when_they_warn(stream: io.StringIO) -> None:
    setup_logging("info", "text", stream)
    logging.getLogger("aiokafka.consumer").info("chatter")
    logging.getLogger("aiokafka.consumer").warning("trouble")
    assert [line.rpartition(" ")[2] for line in stream.getvalue().splitlines()] == ["trouble"]


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://u:hunter2@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("?user=u&password=hunter2&x=1", "?user=u&password=***&x=1"),
        ("{'sasl_plain_password': 'hunter2', 'a': 1}", "{'sasl_plain_password': '***', 'a': 1}"),
        ("http://127.0.0.1:9464/metrics", "http://127.0.0.1:9464/metrics"),
    ],
)
def test_passwords_are_hidden_and_ports_are_not(text: str, hidden: str) -> None:
    assert hide(text) == hidden


def test_a_library_says_the_same_once_in_a_while_and_we_say_all(stream: io.StringIO) -> None:
    setup_logging("info", "text", stream)
    for node in range(5):
        logging.getLogger("aiokafka.conn").error("Unable connect to node with id %s", node)
        logging.getLogger("aiokafka.conn").error("something else")
        logging.getLogger("streams.agents").warning("attempt %d", node)
    assert [stream.getvalue().count(text) for text in ("Unable", "something else", "attempt")] == [1, 1, 5]


def test_a_line_says_what_it_is_about_and_the_next_one_does_not(stream: io.StringIO) -> None:
    setup_logging("info", "json", stream)
    with about(topic="activity", partition=3), about(offset=17):
        logging.getLogger("x").info("inside")
    logging.getLogger("x").info("outside")
    inside, outside = map(json.loads, stream.getvalue().splitlines())
    assert (inside["topic"], inside["partition"], inside["offset"]) == ("activity", 3, 17)
    assert not {"topic", "partition", "offset"} & outside.keys()
