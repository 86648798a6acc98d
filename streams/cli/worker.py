"""``payweir worker``: a Faust worker in the consumer group of its role."""

import logging
import signal
import subprocess
import sys
import time
from typing import Annotated

import typer

from streams.agents.app import run_worker
from streams.agents.detect import DetectWorker
from streams.agents.intake import IntakeWorker
from streams.agents.record import RecordWorker
from streams.agents.roles import Plan
from streams.agents.vitals import Vitals
from streams.errors import StoreUnreachable, UsageError
from streams.pipeline.intake import Intake
from streams.replay.collector import quiet_collector
from streams.settings import Settings, load_settings
from streams.settings.children import child_environment
from streams.store.writer import Store, open_store
from streams.telemetry.health import HealthServer, Probes
from streams.telemetry.logs import setup_logging
from streams.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)
ROLES = ("intake", "detect", "record")


app = typer.Typer()
"""Mounted by the command line as a whole; holds the one command."""


@app.command()
def worker(
    role: Annotated[str, typer.Option(help="intake, detect, record, or all three as child processes.")] = "all",
) -> None:
    """Run a worker until SIGTERM or SIGINT. Settings come from PAYWEIR_... variables or the file PAYWEIR_CONFIG names.

    Example: PAYWEIR_BOOTSTRAP=localhost:9092 payweir worker --role detect
    """
    if role == "all":
        sys.exit(_all())
    if role not in ROLES:
        message = f"--role {role}: write one of {', '.join(ROLES)}, all"
        raise UsageError(message)
    settings = load_settings()
    with quiet_collector():
        _one(role, settings)


def _one(role: str, settings: Settings) -> None:
    setup_logging(settings.log_level, settings.log_format)
    metrics = Metrics()
    plan = Plan(
        settings.prefix, settings.bootstrap, settings.partitions, settings.epoch, settings.lateness_ms, settings.history,
        settings.intake_idle_seconds, settings.session_timeout_seconds,
        Intake(partitions=settings.partitions, lateness_ms=settings.lateness_ms), metrics.count,
    )  # fmt: skip
    vitals = Vitals(metrics)
    if role == "intake":
        app = IntakeWorker(plan).app
    elif role == "detect":
        detect = DetectWorker(plan)
        vitals.recovered = lambda: detect.ready
        app = detect.app
    else:
        store = wait_for_store(settings.store_url)
        app = RecordWorker(plan, store.write).app
    vitals.watch(app)
    if settings.metrics:
        HealthServer(metrics, Probes(vitals.ready), settings.metrics_host, settings.metrics_port).start()
    run_worker(app, settings.log_level.value.upper())


def wait_for_store(url: str) -> Store:
    """Open the store, waiting while it does not answer; an outdated schema ends the worker."""
    pause = 0.5
    while True:
        try:
            return open_store(url)
        except StoreUnreachable as error:
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
    stop(0, None)
    return max(abs(child.wait()) for child in children.values())


def _command(role: str) -> list[str]:
    return [sys.executable, "-m", "streams.cli.app", "worker", "--role", role]
