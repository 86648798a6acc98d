"""Spans of three real workers arrive at a collector, and those of one payment hang together."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from streams.replay.generator import GeneratorSettings, generate
from tests.rig.cluster import Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.order_run import ROOT
from tests.rig.process import wait_until
from tests.rig.topics import drop_topics

pytestmark = pytest.mark.integration
ROLES = ("intake", "detect", "record")


class Collector(ThreadingHTTPServer):
    """Takes spans as OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Span] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where to send spans."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1/traces"

    def of(self, name: str) -> dict[bytes, Span]:
        """Spans of one name by their id."""
        return {span.span_id: span for span in list(self.spans) if span.name == name}


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        """Keep what comes."""
        request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.spans += [
            span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
        ]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.shutdown()
    made.server_close()


def origins(span: Span) -> set[bytes]:
    """The spans that a span goes on from."""
    return {link.span_id for link in span.links} | ({span.parent_span_id} - {b""})


def test_spans_of_the_three_roles_hang_together(
    kafka: KafkaBroker, database_url: str, tmp_path: Path, collector: Collector
) -> None:
    drop_topics(kafka.bootstrap)
    generate(GeneratorSettings(seed=3, events=1_000), tmp_path / "stream")
    with Cluster(kafka.bootstrap, database_url, tmp_path, 2) as cluster:
        cluster.settings |= {
            "PAYWEIR_PREFIX": f"spans-{tmp_path.name.replace('_', '-')}",
            "PAYWEIR_TRACES_URL": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        cluster.prepare(ROOT / "rules")
        for role in ROLES:
            cluster.start(role, role)
        cluster.run("produce", str(tmp_path / "stream" / "payments.jsonl"), "--end", "--wait", "60")
        wait_until(lambda: bool(collector.of("record alerts")), 60, "spans of record")
        for role in ROLES:
            cluster.stop(role)
    taken, detected, recorded = (collector.of(name) for name in ("intake payments", "detect activity", "record alerts"))
    told = [span for span in recorded.values() if origins(span) & detected.keys()]
    assert told, "no alert can be followed to the batch of detect that it came from"
    heard = [span for span in detected.values() if origins(span) & taken.keys()]
    assert heard, "no batch of detect can be followed to the payments"
    for span in heard:
        if span.parent_span_id:
            assert span.trace_id == {**taken, **detected}[span.parent_span_id].trace_id
    drop_topics(kafka.bootstrap)


def test_a_collector_that_is_away_costs_spans_and_nothing_else(
    kafka: KafkaBroker, database_url: str, tmp_path: Path
) -> None:
    drop_topics(kafka.bootstrap)
    with Cluster(kafka.bootstrap, database_url, tmp_path, 2) as cluster:
        cluster.settings |= {"PAYWEIR_PREFIX": "spans-away", "PAYWEIR_TRACES_URL": "http://127.0.0.1:9/v1/traces"}
        cluster.prepare(ROOT / "rules")
        cluster.start("intake", "intake")
        cluster.watch("intake").wait_ready()
        cluster.stop("intake")
    drop_topics(kafka.bootstrap)
