"""The one place where the test rig reads the environment."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FAILPOINT: Final = "PAYWEIR_TEST_FAILPOINT"
BROKEN: Final = "PAYWEIR_TEST_BROKEN"
UNBEARABLE: Final = "PAYWEIR_TEST_UNBEARABLE"


@dataclass(frozen=True, slots=True)
class RigSettings:
    """What the environment says about the real parts; an address that is given wins over starting a server."""

    bootstrap: str | None
    postgres: str | None
    cache: Path
    iso20022: Path | None
    """A folder of real messages with what an independent reader takes from them (``expected.jsonl``)."""
    labelled: Path | None
    """A folder of sets in the labelled format (``*.events.jsonl.gz``)."""


def rig_settings() -> RigSettings:
    """Read ``PAYWEIR_TEST_BOOTSTRAP`` (host:port), ``PAYWEIR_TEST_POSTGRES`` (a superuser's URL) and the cache folder.

    ``PAYWEIR_TEST_ISO20022`` is a folder of messages, ``PAYWEIR_LABELLED`` one of labelled sets; both are optional.
    """
    labelled = os.environ.get("PAYWEIR_LABELLED")
    messages = os.environ.get("PAYWEIR_TEST_ISO20022")
    cache_home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return RigSettings(
        bootstrap=os.environ.get("PAYWEIR_TEST_BOOTSTRAP") or None,
        postgres=os.environ.get("PAYWEIR_TEST_POSTGRES") or None,
        cache=Path(cache_home) / "payweir",
        iso20022=Path(messages) if messages else None,
        labelled=Path(labelled) if labelled else None,
    )


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong inside a worker of ``tests.rig.troubled``."""

    failpoint: str
    """``detect/send/after:3`` ends the process at the third time, ``detect/send/before:1:freeze`` stops it there."""
    broken: str
    """A deliberately broken build (``tests.rig.broken``)."""
    unbearable: str
    """An account the engine cannot bear."""


def trouble() -> Trouble:
    """Read what a test wants to go wrong in this process."""
    return Trouble(
        failpoint=os.environ.get(FAILPOINT, ""),
        broken=os.environ.get(BROKEN, ""),
        unbearable=os.environ.get(UNBEARABLE, ""),
    )
