"""What a process tells its operators: metrics, health, logs. It decides nothing."""

from streams.telemetry.health import HealthServer, Probes
from streams.telemetry.logs import setup_logging
from streams.telemetry.metrics import Metrics

__all__ = ["HealthServer", "Metrics", "Probes", "setup_logging"]
