"""The operator's manual against the program: views, settings, commands, metrics and files it names are there."""

import re
from pathlib import Path

from streams.cli.app import COMMANDS, GROUPS
from streams.settings.model import describe
from streams.store.views import VIEW_NAMES
from tests.contract.test_alert_rules import RECORDED, exposed

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "deploy" / "README.md").read_text()
OF_THE_LOADER = {"PAYWEIR_CONFIG"}


def named(pattern: str) -> set[str]:
    return set(re.findall(pattern, MANUAL))


def test_settings_that_the_manual_names_exist() -> None:
    assert named(r"\bPAYWEIR_[A-Z_]*[A-Z]\b") <= {one.variable for one in describe()} | OF_THE_LOADER


def test_views_that_the_manual_names_exist() -> None:
    assert named(r"\bv_\w+\b") <= set(VIEW_NAMES)


def test_metrics_that_the_manual_names_exist() -> None:
    assert named(r"(?<![:\w])payweir_[a-z_]+(?=[`{])") <= exposed()
    assert named(r"\b\w+:payweir_\w+:\w+\b") <= RECORDED.keys()


def test_commands_that_the_manual_names_exist() -> None:
    assert named(r"(?<=`)payweir ([a-z-]+)") | named(r"(?m)^payweir ([a-z-]+)") <= {*COMMANDS, *GROUPS, "version"}


def test_files_that_the_manual_names_exist() -> None:
    missing = [name for name in named(r"\b(?:deploy|tests|schemas)/[\w./*-]+\w") if not list(ROOT.glob(name))]
    assert missing == []
