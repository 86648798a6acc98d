"""Looking at a worker from outside, as operators do: its health, its metrics, its log."""

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from tests.rig.process import tail, wait_until

_ADDRESS = re.compile(r"metrics and health on http://127\.0\.0\.1:(\d+)")
_PATIENCE_SECONDS = 60.0


class Sample(NamedTuple):
    """One line of ``/metrics``."""

    name: str
    labels: dict[str, str]
    value: float


class Watch:
    """One worker by its log; the port is the one it wrote there last."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def port(self) -> int:
        """Where it listens; 1, where nobody ever does, before it said so."""
        ports = _ADDRESS.findall(self.log.read_text()) if self.log.exists() else []
        return int(ports[-1]) if ports else 1

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; status 0 while nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def wait_ready(self) -> None:
        """Wait until the worker may be counted on."""
        wait_until(lambda: self.get("/health/ready")[0] == 200, _PATIENCE_SECONDS, f"ready\n{tail(self.log)}")

    def wait_not_ready(self, reason: str) -> None:
        """Wait until the worker says why it may not be counted on; it must be alive all the same."""
        wait_until(
            lambda: self.get("/health/ready") == (503, f"{reason}\n"), _PATIENCE_SECONDS, f"{reason}\n{tail(self.log)}"
        )
        assert self.get("/health/live") == (200, "alive\n")

    def samples(self, name: str) -> Iterator[Sample]:
        """All samples of that name now."""
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            for one in family.samples:
                if one.name == name:
                    yield Sample(one.name, dict(one.labels), one.value)

    def total(self, name: str, **labels: str) -> float:
        """Sum of the samples that carry these labels."""
        return sum(one.value for one in self.samples(name) if labels.items() <= one.labels.items())
