"""``payweir worker``: a Faust worker in the consumer group of its role."""

import os
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
from streams.errors import UsageError
from streams.pipeline.intake import Intake
from streams.replay.collector import quiet_collector
from streams.settings import Settings, load_settings
from streams.store.writer import open_store
from streams.telemetry import Telemetry

ROLES = ("intake", "detect", "record")


def worker(role: Annotated[str, typer.Option(help="intake, detect, record, or all three as child processes.")] = "all") -> None:
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
    telemetry = Telemetry(role, settings)
    plan = Plan(
        settings.prefix, settings.bootstrap, settings.partitions, settings.epoch, settings.lateness_ms, settings.history,
        settings.intake_idle_seconds, settings.session_timeout_seconds,
        Intake(partitions=settings.partitions, lateness_ms=settings.lateness_ms), telemetry.count,
    )  # fmt: skip
    if role == "intake":
        app = IntakeWorker(plan).app
    elif role == "detect":
        detect = DetectWorker(plan)
        telemetry.ready = lambda: detect.ready
        app = detect.app
    else:
        store = open_store(settings.store_url)
        app = RecordWorker(plan, store.write).app
    telemetry.start()
    telemetry.watch(app)
    run_worker(app, settings.log_level)


def _all() -> int:
    """Start the roles as children; when one ends, the others are stopped, and its exit code is ours."""
    environment = dict(os.environ)  # noqa: TID251
    children = {}
    for number, role in enumerate(ROLES):
        port = int(environment.get("PAYWEIR_METRICS_PORT", "9464") or 0)
        mine = environment | {"PAYWEIR_METRICS_PORT": str(port + number if port else 0)}
        children[role] = subprocess.Popen([sys.executable, "-m", "streams.cli.app", "worker", "--role", role], env=mine)

    def stop(_number: int, _frame: object) -> None:
        for child in children.values():
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while all(child.poll() is None for child in children.values()):
        time.sleep(0.2)
    stop(0, None)
    return max(abs(child.wait()) for child in children.values())
