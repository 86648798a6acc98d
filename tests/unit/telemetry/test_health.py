"""Health over HTTP: ready is not alive."""

import http.client
import logging

import pytest

from streams.errors import SettingError
from streams.telemetry import HealthServer, Metrics, Probes

HOST = "127.0.0.1"


def get(server: HealthServer, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def fails() -> str | None:
    raise RuntimeError("secret")


def test_a_worker_that_waits_is_alive_and_not_ready() -> None:
    reasons: list[str | None] = ["no partitions yet", None]
    metrics = Metrics()
    with HealthServer(metrics, Probes(ready=lambda: reasons[0]), HOST, 0) as server:
        assert get(server, "/health/live") == (200, "alive\n")
        assert get(server, "/health/ready") == (503, "no partitions yet\n")
        assert metrics.registry.get_sample_value("payweir_ready") == 0
        reasons.pop(0)
        assert get(server, "/health/ready?verbose") == (200, "ready\n")
        assert "payweir_ready 1.0" in get(server, "/metrics")[1]


def test_a_stuck_worker_is_not_alive() -> None:
    with HealthServer(Metrics(), Probes(alive=lambda: "no progress for 120 s"), HOST, 0) as server:
        assert get(server, "/health/live") == (503, "no progress for 120 s\n")


def test_a_probe_that_fails_says_so_and_not_why() -> None:
    with HealthServer(Metrics(), Probes(ready=fails), HOST, 0) as server:
        assert get(server, "/health/ready") == (503, "the probe failed: RuntimeError\n")
        assert get(server, "/metrics")[0] == 200


def test_other_paths_and_methods_are_refused() -> None:
    with HealthServer(Metrics(), Probes(), HOST, 0) as server:
        assert get(server, "/")[0] == 404
        assert get(server, "/metrics", "POST")[0] == 501
        assert get(server, "/health/live", "HEAD") == (200, "")


def test_port_0_takes_a_free_one_and_logs_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), HealthServer(Metrics(), Probes(), HOST, 0) as server:
        assert server.port > 0
        assert f"http://127.0.0.1:{server.port}" in caplog.text


def test_a_port_that_is_taken_is_a_setting_to_change() -> None:
    with (
        HealthServer(Metrics(), Probes(), HOST, 0) as server,
        pytest.raises(SettingError, match=f"^metrics_port: cannot listen on 127.0.0.1:{server.port}"),
    ):
        HealthServer(Metrics(), Probes(), HOST, server.port).start()


def test_stopping_twice_is_harmless() -> None:
    server = HealthServer(Metrics(), Probes(), HOST, 0)
    server.start()
    server.stop()
    server.stop()
