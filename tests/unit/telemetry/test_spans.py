"""Spans, seen by an exporter of OpenTelemetry that keeps them in memory."""

import json
import logging
from io import StringIO

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from streams.telemetry.logs import JsonFormatter
from streams.telemetry.otel import LINKS_MAX, OtelSpans
from streams.telemetry.spans import NO_SPANS, Headers, open_spans

ABOUT = {"topic": "activity", "partition": 3, "offset": 41, "records": 2}


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(exporter))
    return made


def intake(provider: TracerProvider) -> Headers:
    """Handle a batch in intake; gives the headers of what it sends meanwhile."""
    spans = OtelSpans(provider, "intake")
    with spans.batch({**ABOUT, "topic": "payments"}, []):
        return spans.headers()


def last(exporter: InMemorySpanExporter) -> ReadableSpan:
    return exporter.get_finished_spans()[-1]


def ids(span: ReadableSpan) -> tuple[int, int]:
    context = span.get_span_context()
    assert context is not None
    return context.trace_id, context.span_id


def test_none_are_made_and_nothing_is_carried_unless_a_collector_is_named() -> None:
    spans = open_spans("", "detect")
    assert spans is NO_SPANS
    with spans.batch(ABOUT, []):
        assert spans.headers() == ()


def test_a_span_says_whose_batch_it_was_and_where_it_stands(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    with OtelSpans(provider, "detect").batch(ABOUT, []):
        pass
    span = last(exporter)
    assert (span.name, span.kind, span.parent) == ("detect activity", SpanKind.CONSUMER, None)
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "detect",
        "messaging.operation.type": "process",
        "messaging.destination.name": "activity",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 41,
        "messaging.batch.message_count": 2,
    }


def test_a_batch_goes_on_with_the_one_span_that_all_its_records_come_from(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    carried = intake(provider)
    sender = last(exporter)
    with OtelSpans(provider, "detect").batch(ABOUT, [carried, carried, ()]):
        pass
    span = last(exporter)
    assert span.parent is not None
    assert (span.parent.trace_id, span.parent.span_id) == ids(sender)
    assert ids(span)[0] == ids(sender)[0]
    assert not span.links


def test_a_batch_with_records_from_several_is_linked_to_each(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    carried = [intake(provider) for _ in range(LINKS_MAX + 5)]
    senders = [ids(span) for span in exporter.get_finished_spans()]
    with OtelSpans(provider, "detect").batch(ABOUT, [*carried, carried[0]]):
        pass
    span = last(exporter)
    assert span.parent is None
    assert [(link.context.trace_id, link.context.span_id) for link in span.links] == senders[:LINKS_MAX]


@pytest.mark.parametrize(
    "value", [b"", b"nonsense", b"00-zz-zz-01", b"\xff\xfe", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01"]
)
def test_what_others_put_into_a_header_breaks_nothing(
    provider: TracerProvider, exporter: InMemorySpanExporter, value: bytes
) -> None:
    with OtelSpans(provider, "intake").batch(ABOUT, [(("traceparent", value), ("other", b"1"))]):
        pass
    assert last(exporter).parent is None
    assert not last(exporter).links


def test_log_lines_of_a_batch_bear_the_ids_of_its_span(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    out = StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger("test")  # noqa: LOG001 - a logger of its own, so that the test changes no other
    logger.addHandler(handler)
    with OtelSpans(provider, "detect").batch(ABOUT, []):
        logger.warning("inside")
    logger.warning("outside")
    inside, outside = map(json.loads, out.getvalue().splitlines())
    trace_id, span_id = ids(last(exporter))
    assert (int(inside["trace_id"], 16), int(inside["span_id"], 16)) == (trace_id, span_id)
    assert "trace_id" not in outside


def test_a_batch_that_fails_ends_its_span_without_telling_an_account(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    with pytest.raises(ValueError, match="acc-1"), OtelSpans(provider, "detect").batch(ABOUT, []):
        raise ValueError("acc-1")
    assert "acc-1" not in last(exporter).to_json()
