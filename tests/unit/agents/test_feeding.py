"""Routing of lines: by event type, whatever the bytes."""

import pytest

from streams.agents.feeding import route

TABLE = [
    (b'{"event_type":"payment","payment_id":"p","debtor":{"account_token":"a"}}', ("payments", b"a", True)),
    (b'{"event_type":"payment","payment_id":"p"}', ("payments", b"p", True)),
    (b'{"event_type":"payment"}', ("payments", None, True)),
    (b'{"event_type":"payment_status","uetr":"u"}', ("payments", b"u", True)),
    (b'{"event_type":"settlement","settlement_id":"s"}', ("settlements", b"s", True)),
    (b'{"event_type":"fraud_report","report_id":"r"}', ("fraud-reports", b"r", True)),
    (b'{"event_type":"account","account_token":"a"}', ("accounts", b"a", True)),
    (b'{"event_type":"account","account_token":7}', ("payments", None, False)),
    (b'{"event_type":"weather"}', ("payments", None, False)),
    (b"{}", ("payments", None, False)),
    (b"[1]", ("payments", None, False)),
    (b"", ("payments", None, False)),
    (b"\xff\x00", ("payments", None, False)),
    (b'{"event_type":"payment","payment_id":"\xff"}', ("payments", None, False)),
    (b"[" * 100_000, ("payments", None, False)),
]


@pytest.mark.parametrize(("line", "expected"), TABLE, ids=lambda value: repr(value)[:50])
def test_a_line_goes_where_intake_reads_it(line: bytes, expected: tuple[str, bytes | None, bool]) -> None:
    assert route(line) == expected
