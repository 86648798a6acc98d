"""Metrics and health over HTTP, on a thread of its own, so that a busy event loop still answers.

``/metrics`` for Prometheus; ``/health/live``: restart me when this fails; ``/health/ready``: count on me when this succeeds.
A worker that waits for the broker is alive and not ready. There is no authentication: it listens on loopback by default.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Final, Self, cast

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.errors import SettingError
from streams.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

Probe = Callable[[], str | None]
"""Gives None when all is well, else in a few words why not. Called from another thread; must not block."""
_TEXT: Final = "text/plain; charset=utf-8"
_CLIENT_SECONDS_MAX: Final = 5.0


def _fine() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Probes:
    """What the worker says of itself. ``alive`` fails only when a restart would help."""

    ready: Probe = _fine
    alive: Probe = _fine


class HealthServer:
    """Serves from ``start`` (or entering) to ``stop`` (or leaving)."""

    def __init__(self, metrics: Metrics, probes: Probes, host: str, port: int) -> None:
        """Listens on nothing before ``start``; port 0 takes a free one."""
        self._metrics, self._probes = metrics, probes
        self._address = host, port
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """Port it listens on, known after ``start``."""
        return self._server.server_port if self._server is not None else self._address[1]

    def start(self) -> None:
        """Begin to serve and log the address; ``SettingError`` when the address is taken or not ours."""
        host, port = self._address
        try:
            server = self._server = _Server((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise SettingError(f"metrics_port: cannot listen on {host}:{port}: {error}") from None
        server.metrics, server.probes = self._metrics, self._probes
        threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
        logger.info("metrics and health on http://%s:%d", host, self.port)

    def stop(self) -> None:
        """Stop serving; twice is harmless."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    metrics: Metrics
    probes: Probes

    def server_bind(self) -> None:
        """Not HTTPServer's own, which asks the name service for the host's full name and may wait long for it."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    timeout = _CLIENT_SECONDS_MAX
    server_version = "payweir"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one of the three paths."""
        server = cast("_Server", self.server)
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._is_ready(server)
            self._answer(HTTPStatus.OK, generate_latest(server.metrics.registry), CONTENT_TYPE_LATEST)
        elif path == "/health/ready":
            self._report(self._is_ready(server), "ready")
        elif path == "/health/live":
            self._report(_ask(server.probes.alive), "alive")
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"/metrics, /health/live, /health/ready\n", _TEXT)

    def do_HEAD(self) -> None:
        """The same without a body."""
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Keep quiet: a probe every few seconds is no news."""

    def _is_ready(self, server: _Server) -> str | None:
        reason = _ask(server.probes.ready)
        server.metrics.ready.set(reason is None)
        return reason

    def _report(self, reason: str | None, well: str) -> None:
        status = HTTPStatus.OK if reason is None else HTTPStatus.SERVICE_UNAVAILABLE
        self._answer(status, f"{well if reason is None else reason}\n".encode(), _TEXT)

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _ask(probe: Probe) -> str | None:
    """A probe that fails is an answer too: not well."""
    try:
        return probe()
    except Exception as error:
        logger.exception("a health probe failed")
        return f"the probe failed: {type(error).__name__}"
