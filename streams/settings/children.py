"""Settings of child processes."""

import os

from streams.settings.model import PORT_MAX, Settings


def child_environment(settings: Settings, number: int) -> dict[str, str]:
    """Give the environment of child ``number``: the parent's, with the next port for metrics (0 stays 0: a free one)."""
    port = settings.metrics_port
    return dict(os.environ) | {"PAYWEIR_METRICS_PORT": str(min(port + number, PORT_MAX) if port else 0)}
