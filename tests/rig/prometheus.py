"""A real Prometheus (Debian package ``prometheus``) on an ephemeral port of 127.0.0.1, with a configuration made by the test."""

import http.client
import shutil
import tempfile
import urllib.parse
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec
from msgspec import Struct

from tests.rig.process import Child, RigError, free_ports, tail, wait_until

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30
ANSWER_SECONDS_MAX = 10


def tool(name: str) -> str:
    """Path of ``prometheus`` or ``promtool``; raises RigError saying how to get it."""
    found = shutil.which(name)
    if found is None:
        raise RigError(f"{name} is missing; the tests run the real one (Debian: apt-get install prometheus)")
    return found


class Sample(NamedTuple):
    """One series of an instant query."""

    labels: dict[str, str]
    value: float


class _Series(Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Vector(Struct):
    result: list[_Series]


class _Answer(Struct):
    data: _Vector


class Prometheus:
    """Starts on entering, ends on leaving. ``config`` is the text of its configuration file."""

    def __init__(self, config: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="payweir-prometheus-"))
        self._config = config
        self._child: Child | None = None
        [port] = free_ports(1)
        self._address = f"127.0.0.1:{port}"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self._address}"

    def query(self, expression: str) -> list[Sample]:
        """Ask an instant query; raises RigError with Prometheus' own message when it is no valid query."""
        body = self.get(f"/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
        found = msgspec.json.decode(body, type=_Answer)
        return [Sample(one.metric, float(one.value[1])) for one in found.data.result]

    def get(self, path: str) -> bytes:
        """Ask any path of the API, as ``/api/v1/alerts``; gives the body. Raises RigError unless the answer is 200."""
        host, _, port = self._address.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=ANSWER_SECONDS_MAX)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != HTTPStatus.OK:
            raise RigError(f"{path}: {body.decode()}")
        return body

    def __enter__(self) -> Self:
        file = self.folder / "prometheus.yml"
        file.write_text(self._config)
        command = [
            tool("prometheus"),
            f"--config.file={file}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={self._address}",
        ]
        self._child = Child(command, self.folder / "prometheus.log")
        try:
            wait_until(self._ready, START_SECONDS_MAX, "Prometheus is ready")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.terminate(STOP_SECONDS_MAX)
            self._child = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ready(self) -> bool:
        if self._child is None or not self._child.running:
            raise RigError(f"Prometheus ended at its start\n{tail(self.folder / 'prometheus.log')}")
        try:
            return bool(self.get("/-/ready"))
        except (OSError, RigError):
            return False
