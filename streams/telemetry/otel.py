"""Spans with the SDK of OpenTelemetry; names and attributes are those of its conventions for messaging."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from streams import __version__
from streams.telemetry.logs import about as said_about
from streams.telemetry.spans import Headers, Spans

LINKS_MAX: Final = 64
"""Spans a batch is tied to at most; a backlog is read in batches of a thousand records."""
_w3c: Final = TraceContextTextMapPropagator()
_CARRIED: Final = frozenset(_w3c.fields)


class OtelSpans(Spans):
    """One span per batch. Its parent is the span all its records come from; if they come from several, it links to them."""

    def __init__(self, provider: trace.TracerProvider, role: str) -> None:
        """``provider`` knows where spans go."""
        self._tracer = provider.get_tracer("payweir", __version__)
        self._role = role

    @contextmanager
    def batch(self, about: Mapping[str, object], carried: Iterable[Headers]) -> Iterator[None]:
        """See :class:`Spans`; the lines said inside bear the ids of trace and span."""
        origins = _origins(carried)
        parent = trace.set_span_in_context(trace.NonRecordingSpan(origins[0])) if len(origins) == 1 else None
        links = [Link(origin) for origin in origins] if len(origins) > 1 else []
        span = self._tracer.start_span(
            f"{self._role} {about['topic']}", parent, SpanKind.CONSUMER, _attributes(about, self._role), links
        )
        # No exception goes into a span: its text may name an account. The log has it, under the ids of the span.
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False) as begun:
            ids = begun.get_span_context()
            with said_about(trace_id=f"{ids.trace_id:032x}", span_id=f"{ids.span_id:016x}"):
                yield

    def headers(self) -> Headers:
        """See :class:`Spans`; empty outside of a span."""
        carrier: dict[str, str] = {}
        _w3c.inject(carrier)
        return tuple((name, value.encode()) for name, value in carrier.items())


def collected(url: str, role: str) -> OtelSpans:
    """Make spans that go to a collector from a thread of their own, the last of them at the end of the process."""
    resource = Resource.create(
        {"service.namespace": "payweir", "service.name": f"payweir-{role}", "service.version": __version__}
    )
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    return OtelSpans(provider, role)


def _origins(carried: Iterable[Headers]) -> list[SpanContext]:
    """Give the spans that these records come from, each once, in the order of the records; what is not readable is none."""
    found: dict[Headers, None] = {}
    for headers in carried:
        if mine := tuple(pair for pair in headers if pair[0] in _CARRIED):
            found[mine] = None
            if len(found) == LINKS_MAX:
                break
    spans = []
    for headers in found:
        carrier = {name: value.decode("ascii", "replace") for name, value in headers}
        context = trace.get_current_span(_w3c.extract(carrier)).get_span_context()
        if context.is_valid:
            spans.append(context)
    return spans


def _attributes(about: Mapping[str, object], role: str) -> dict[str, str | int]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": role,
        "messaging.operation.type": "process",
        "messaging.destination.name": str(about["topic"]),
        "messaging.destination.partition.id": str(about["partition"]),
        "messaging.kafka.offset": int(str(about["offset"])),
        "messaging.batch.message_count": int(str(about["records"])),
    }
