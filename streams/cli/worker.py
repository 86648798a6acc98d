"""``payweir worker``: a Faust worker in the consumer group of its role."""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Annotated, TypeVar

import typer

from streams import __version__
from streams.agents.app import DeliveryApp, make_app, run_worker
from streams.agents.detect import DetectWorker
from streams.agents.drain import Drain
from streams.agents.intake import IntakeWorker
from streams.agents.record import RecordWorker
from streams.agents.roles import Plan
from streams.agents.security import client_security
from streams.agents.topics import require
from streams.agents.vitals import Vitals
from streams.agents.watchdog import Watchdog, ends_at
from streams.errors import BrokerUnreachable, StoreUnreachable, UsageError
from streams.pipeline.intake import Intake
from streams.replay.collector import quiet_collector
from streams.settings import Settings, load_settings
from streams.settings.children import child_environment
from streams.store.writer import open_store
from streams.telemetry.health import HealthServer, Probes
from streams.telemetry.logs import setup_logging
from streams.telemetry.metrics import Metrics
from streams.telemetry.spans import open_spans

logger = logging.getLogger(__name__)
T = TypeVar("T")
ROLES = ("intake", "detect", "record")


app = typer.Typer()
"""Mounted by the command line as a whole; holds the one command."""


@app.command()
def worker(
    role: Annotated[str, typer.Option(help="intake, detect, record, or all three as child processes.")] = "all",
    *,
    drain: Annotated[
        bool,
        typer.Option(
            "--drain", help="Finish what is there, commit, leave and exit with 0; all: one role after the other."
        ),
    ] = False,
) -> None:
    """Run a worker until SIGTERM or SIGINT. Settings come from PAYWEIR_... variables or the file PAYWEIR_CONFIG names.

    Example: PAYWEIR_BOOTSTRAP=localhost:9092 payweir worker --role detect
    """
    if role == "all":
        sys.exit(_drain_all() if drain else _all())
    if role not in ROLES:
        message = f"--role {role}: write one of {', '.join(ROLES)}, all"
        raise UsageError(message)
    settings = load_settings()
    with quiet_collector():
        _one(role, settings, drain=drain)


def _one(role: str, settings: Settings, *, drain: bool) -> None:
    # Until Faust takes the signals over, in particular while a service is waited for, nothing is in hand.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    setup_logging(settings.log_level, settings.log_format)
    vitals = Vitals(Metrics())
    vitals.metrics.build.labels(__version__, role).set(1)
    health = HealthServer(vitals.metrics, Probes(vitals.ready), settings.metrics_host, settings.metrics_port)
    with health if settings.metrics else nullcontext():
        vitals.waiting = "waiting for the broker"
        logger.info("asking the broker at %s for its topics", settings.bootstrap)
        for advice in wait_for(lambda: require(settings), vitals.metrics):
            logger.warning("%s", advice)
        app = _app(role, settings, vitals)
        if drain:
            Drain(app)
        run_worker(app, settings.log_level.value.upper())


def _app(role: str, settings: Settings, vitals: Vitals) -> DeliveryApp:
    """Put the worker of a role together, under the eyes of ``vitals``."""
    plan = Plan(
        settings.prefix, settings.bootstrap, settings.partitions, settings.epoch, settings.lateness_ms, settings.history,
        settings.intake_idle_seconds, settings.session_timeout_seconds, settings.snapshot_seconds,
        settings.instance_id or None, client_security(settings),
        Intake(partitions=settings.partitions, lateness_ms=settings.lateness_ms), vitals.metrics,
    )  # fmt: skip
    app = make_app(plan.transport(role), spans=open_spans(settings.traces_url, role))
    services: tuple[Callable[[], object], ...] = ()
    if role == "intake":
        vitals.measure = IntakeWorker(plan, app).measure
    elif role == "detect":
        detect = DetectWorker(plan, app)
        vitals.recovered, vitals.measure = lambda: detect.ready, detect.measure
    else:
        vitals.waiting = "waiting for the store"
        store = wait_for(lambda: open_store(settings.store_url), vitals.metrics)
        RecordWorker(plan, app, store.write)
        services = (store.ask,)
    vitals.waiting = "joining the consumer group"
    vitals.watch(app)
    Watchdog(app, settings.watchdog_seconds, ends_at(settings), services)
    return app


def wait_for(service: Callable[[], T], metrics: Metrics) -> T:
    """Ask until the broker or the store answers, saying and counting it each time; any other error ends the worker."""
    pause = 0.5
    while True:
        try:
            return service()
        except (BrokerUnreachable, StoreUnreachable) as error:
            away = metrics.store_unreachable if isinstance(error, StoreUnreachable) else metrics.broker_unreachable
            away.inc()
            logger.warning("%s; trying again in %.1f s", error, pause)
            time.sleep(pause)
            pause = min(pause * 2, 10.0)


def _all() -> int:
    """Start the roles as children; when one ends, the others are stopped, and its exit code is ours."""
    settings = load_settings()
    children = {
        role: subprocess.Popen(_command(role), env=child_environment(settings, i)) for i, role in enumerate(ROLES)
    }

    def stop(_number: int, _frame: object) -> None:
        for child in children.values():
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while all(child.poll() is None for child in children.values()):
        time.sleep(0.2)
    ended = [code for child in children.values() if (code := child.poll()) is not None]
    stop(0, None)
    codes = ended + [child.wait() for child in children.values()]
    # A child that had not yet set up its own answer to SIGTERM ends by the signal, and has nothing in hand either.
    return next((abs(code) for code in codes if code not in {0, -signal.SIGTERM}), 0)


def _drain_all() -> int:
    """Drain the roles in the order of the data, each as a child; stops with the first that ends otherwise than with 0."""
    settings = load_settings()
    for place, role in enumerate(ROLES):
        child = subprocess.Popen([*_command(role), "--drain"], env=child_environment(settings, place))
        stopped = _stop_with(child)
        code = child.wait()
        if code or stopped:
            return abs(code)
    return 0


def _stop_with(child: subprocess.Popen[bytes]) -> list[int]:
    """Hand SIGTERM and SIGINT on to a child; the list says whether any came."""
    came: list[int] = []

    def stop(number: int, _frame: object) -> None:
        came.append(number)
        child.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return came


def _command(role: str) -> list[str]:
    return [sys.executable, "-m", "streams.cli.app", "worker", "--role", role]
