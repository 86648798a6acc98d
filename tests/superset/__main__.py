"""``python -m tests.superset`` (``make superset``): the demo's alerts in PostgreSQL, charts in Superset, a picture by Chromium.

Exit code 1 when the picture does not show what SQL says. Chromium comes from Debian (``apt-get install chromium``).
"""

import argparse
import http.client
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from sqlalchemy import text

from streams.replay.generator import GeneratorSettings
from streams.store import Store, open_store, upgrade
from streams.store.casework import Change, Status, set_alert
from streams.store.reader import AlertFilter, list_alerts
from tests.bench.stream import make_stream
from tests.rig.cluster import embedded
from tests.rig.postgres import PostgresServer
from tests.rig.process import Child, RigError, free_ports, wait_until
from tests.superset.charts import CHARTS, board, form

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
START_SECONDS_MAX: Final = 300
STEP_SECONDS_MAX: Final = 600
READER: Final = "superset_reader"
WORKED: Final = 40
console = Console(stderr=True)
Json = dict[str, Any]


class Superset:
    """One server in an environment of its own, with an administrator whose password nobody else knows."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self.bin, self.folder, self.password = environment / "bin", folder, secrets.token_urlsafe(12)
        [self.port] = free_ports(1)
        self._token = ""
        config = folder / "superset_config.py"
        config.write_text(
            f"SECRET_KEY = {secrets.token_urlsafe(32)!r}\n"
            f"SQLALCHEMY_DATABASE_URI = 'sqlite:///{folder / 'superset.sqlite'}'\n"
            "WTF_CSRF_ENABLED = False  # listens on loopback, for minutes\nTALISMAN_ENABLED = False\n"
        )
        self.environment = os.environ | {"SUPERSET_CONFIG_PATH": str(config), "FLASK_APP": "superset.app:create_app()"}

    def prepare(self) -> Child:
        """Make its own database and user, start it, and log in."""
        self.run("superset", "db", "upgrade")
        names = ("--username", "admin", "--firstname", "a", "--lastname", "b", "--email", "a@localhost")
        self.run("superset", "fab", "create-admin", *names, "--password", self.password)
        self.run("superset", "init")
        command = ["env", *(f"{name}={value}" for name, value in self.environment.items() if name in _HANDED)]
        command += [str(self.bin / "superset"), "run", "-h", "127.0.0.1", "-p", str(self.port), "--with-threads"]
        child = Child(command, self.folder / "superset.log")
        wait_until(self._healthy, START_SECONDS_MAX, "Superset answers")
        user = {"username": "admin", "password": self.password, "provider": "db", "refresh": False}
        self._token = str(self.post("/api/v1/security/login", user)["access_token"])
        return child

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of its environment; raises RigError with what it said."""
        done = subprocess.run(
            [str(self.bin / program), *arguments], env=self.environment, capture_output=True, text=True, check=False,
            timeout=STEP_SECONDS_MAX,
        )  # fmt: skip
        if done.returncode:
            raise RigError(f"{program} {arguments[:2]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done.stdout

    def post(self, path: str, body: Json, method: str = "POST") -> Json:
        """Ask its API; raises RigError unless it agrees."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=STEP_SECONDS_MAX)
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
            connection.request(method, path, json.dumps(body), headers)
            answer = connection.getresponse()
            read = answer.read()
        finally:
            connection.close()
        if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise RigError(f"{path}: {answer.status} {read.decode()[:2000]}")
        found: Json = json.loads(read)
        return found

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()


_HANDED: Final = {"SUPERSET_CONFIG_PATH", "FLASK_APP"}


def main() -> int:
    """Do it, and say where the picture is."""
    parser = argparse.ArgumentParser(prog="python -m tests.superset", description=__doc__)
    parser.add_argument("--environment", type=Path, default=ROOT / ".superset", help="its virtual environment")
    parser.add_argument("--picture", type=Path, default=ROOT / "build" / "superset.png", help="where the picture goes")
    parser.add_argument("--events", type=int, default=60_000, help="of the generated stream (default %(default)s)")
    given = parser.parse_args()
    if shutil.which("chromium") is None:
        console.print("chromium is missing (Debian: apt-get install chromium)")
        return 1
    with tempfile.TemporaryDirectory(prefix="payweir-superset-") as scratch, PostgresServer() as postgres:
        folder = Path(scratch)
        _make_environment(given.environment)
        url = postgres.create_database()
        numbers = _fill(url, folder, given.events)
        superset = Superset(given.environment, folder)
        console.print("starting Superset ...")
        child = superset.prepare()
        try:
            _make_board(superset, url)
            return _look(superset, given.picture, numbers)
        finally:
            child.terminate(30)


def _make_environment(environment: Path) -> None:
    if (environment / "bin" / "superset").exists():
        return
    console.print("installing Superset, some minutes ...")
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin" / "pip"), "install", "--quiet", "-r", str(HERE / "requirements.txt")]
    subprocess.run(pip, check=True)


def _fill(url: str, folder: Path, events: int) -> dict[str, int]:
    """Run a generated stream into the store, let somebody work; give what the charts must show."""
    with open_engine(url) as store, store.engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {READER} LOGIN"))
    upgrade(url, READER)
    stream = make_stream(GeneratorSettings(7, events), folder)
    embedded(stream.folder, stream.rules, url)
    with open_store(url) as store:
        for number, alert in enumerate(list_alerts(store, AlertFilter(limit=WORKED))):
            status = Status.DISMISSED if number % 3 == 0 else Status.CONFIRMED
            set_alert(store, alert.alert_id, Change("lin", status))
        with store.engine.connect() as connection:
            query = """SELECT (SELECT sum(alerts) FROM v_open_by_age), (SELECT sum(subjects) FROM v_amounts_at_risk),
            (SELECT count(*) FROM v_dispositions WHERE disposition = 'confirmed'),
            (SELECT sum(found) - sum(missing) FROM v_ingest_reconciliation)"""
            row = connection.execute(text(query)).one()
    return dict(zip((chart.name for chart in CHARTS), map(int, row), strict=False))


def open_engine(url: str) -> Store:
    """Open a store that may not have been prepared."""
    upgrade(url)
    return open_store(url)


def _make_board(superset: Superset, url: str) -> None:
    """Tell Superset of the database, the views, the charts and the board; as a role that may read the views only."""
    address = url.replace("postgresql+psycopg://postgres@", f"postgresql+psycopg2://{READER}@")
    database = superset.post("/api/v1/database/", {"database_name": "payweir", "sqlalchemy_uri": address})["id"]
    datasets: dict[str, int] = {}
    for view in sorted({chart.view for chart in CHARTS}):
        dataset = {"database": database, "schema": "public", "table_name": view}
        datasets[view] = superset.post("/api/v1/dataset/", dataset)["id"]
    ids = [int(superset.post("/api/v1/chart/", form(chart, datasets[chart.view]))["id"]) for chart in CHARTS]
    made = {"dashboard_title": "Payweir", "slug": "payweir", "published": True, "position_json": board(ids)}
    dashboard = superset.post("/api/v1/dashboard/", made)["id"]
    for chart_id in ids:
        superset.post(f"/api/v1/chart/{chart_id}", {"dashboards": [dashboard]}, "PUT")


def _look(superset: Superset, picture: Path, numbers: dict[str, int]) -> int:
    """Take the picture and compare the numbers in it to SQL."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    console.print("looking at it in Chromium ...")
    address = f"http://127.0.0.1:{superset.port}"
    arguments = (address, superset.password, "/superset/dashboard/payweir/", str(picture), str(len(CHARTS)))
    seen = json.loads(superset.run("python", str(HERE / "screenshot.py"), *arguments).strip().splitlines()[-1])
    shown = seen.replace(",", "")
    console.print(f"picture: {picture}")
    missing = [chart.name for chart in CHARTS if chart.name not in seen]
    wrong = {name: value for name, value in numbers.items() if str(value) not in shown and not _short(value, seen)}
    if missing or wrong or "Unexpected error" in seen:
        console.print(f"charts not seen: {missing}; numbers not seen: {wrong}")
        console.print(seen, markup=False)
        return 1
    console.print(f"{len(CHARTS)} charts; seen as SQL says: {numbers}")
    return 0


def _short(value: int, seen: str) -> bool:
    """Say whether a great number is there as Superset shortens it: 79.3k."""
    return f"{value / 1000:.3g}k" in seen


if __name__ == "__main__":
    sys.exit(main())
