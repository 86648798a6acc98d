"""The tree keeps its shape and its bans, and each check is shown to catch a bad sample and to let a good one pass."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from textwrap import dedent

import pytest

from tests.tidy import shape
from tests.tidy.allowed import ALLOWED
from tests.tidy.bans import BANS
from tests.tidy.source import ROOT, Check, Finding, Module, tree_files, tree_modules

CHECKS: dict[str, Check] = BANS | shape.SHAPE
CORE = "streams/flow/lots.py"
RIM = "streams/agents/intake.py"

LONG_FUNCTION = "def f() -> None:\n" + "    x = 1\n" * 60
SIX = "a: int, b: int, c: int, d: int, e: int, f: int"
FIVE = "a: int, b: int, c: int, d: int, e: int"

# Rows of check, path and source.
BAD = [
    ("naive_datetimes", RIM, "from datetime import datetime\nx = datetime.now()"),
    ("naive_datetimes", RIM, "import datetime as dt\nx = dt.datetime.now(tz=None)"),
    ("naive_datetimes", RIM, "from datetime import datetime\nx = datetime.utcnow()"),
    ("naive_datetimes", RIM, "from datetime import datetime\nx = datetime.fromtimestamp(5)"),
    ("naive_datetimes", RIM, "from datetime import datetime\nx = datetime(2026, 1, 1)"),
    ("naive_datetimes", RIM, "from datetime import datetime\nx = field(default_factory=datetime.now)"),
    ("naive_datetimes", RIM, "from datetime import date\nx = date.today()"),
    ("floats_near_money", CORE, "x = float(amount)"),
    ("floats_near_money", CORE, "def f(amount: int | float) -> None: ..."),
    ("floats_near_money", CORE, "def f() -> 'list[float]': ..."),
    ("floats_near_money", CORE, "class A:\n    share: float"),
    ("floats_near_money", CORE, "x = amount_minor * 0.9"),
    ("floats_near_money", CORE, "x = amount_minor / 2"),
    ("floats_near_money", "streams/money/text.py", "x /= 2"),
    ("environment_outside_settings", RIM, "import os\nx = os.environ['A']"),
    ("environment_outside_settings", RIM, "from os import getenv as get\nx = get('A')"),
    ("print_outside_cli", RIM, "print('x')"),
    ("print_outside_cli", RIM, "from rich import print\nprint('x')"),
    ("any_in_public_signatures", RIM, "from typing import Any\ndef f(x: Any) -> None: ..."),
    ("any_in_public_signatures", RIM, "import typing as t\ndef f() -> dict[str, t.Any]: ..."),
    (
        "any_in_public_signatures",
        RIM,
        "from typing import Any\nclass A:\n    async def f(self, *x: 'Any') -> None: ...",
    ),
    ("any_in_public_signatures", RIM, "from typing import Any\nclass A:\n    def __call__(self) -> Any: ..."),
    ("clock_or_chance_in_the_core", CORE, "import time\nx = time.time()"),
    ("clock_or_chance_in_the_core", CORE, "from time import monotonic as m\nx = m()"),
    ("clock_or_chance_in_the_core", CORE, "from datetime import UTC, datetime\nx = datetime.now(UTC)"),
    ("clock_or_chance_in_the_core", CORE, "import random\nx = random.random()"),
    ("clock_or_chance_in_the_core", CORE, "import random\nx = random.Random()"),
    ("clock_or_chance_in_the_core", CORE, "import uuid\nx = uuid.uuid4()"),
    ("clock_or_chance_in_the_core", CORE, "def f():\n    import secrets\n    return secrets.token_hex()"),
    ("app_objects_at_module_level", RIM, "import faust\napp = faust.App('payweir')"),
    ("app_objects_at_module_level", RIM, "from sqlalchemy import create_engine\nengine = create_engine('sqlite://')"),
    ("long_functions", RIM, LONG_FUNCTION),
    ("many_parameters", RIM, f"def f({SIX}) -> None: ..."),
    ("many_parameters", RIM, "def f(a: int, *, b: int, c: int, d: int, e: int, f: int) -> None: ..."),
    ("many_parameters", RIM, f"class A:\n    async def f(self, {SIX}) -> None: ..."),
    ("many_parameters", RIM, f"@app.command()\ndef f({SIX}) -> None: ..."),
    ("nameless_modules", "streams/agents/utils.py", ""),
    ("nameless_modules", "tests/helpers/__init__.py", ""),
]
GOOD = [
    ("naive_datetimes", RIM, "from datetime import UTC, datetime\nx = datetime.now(UTC)"),
    ("naive_datetimes", RIM, "from datetime import UTC, datetime\nx = datetime.fromtimestamp(5, tz=UTC)"),
    ("naive_datetimes", RIM, "from datetime import UTC, datetime\nx = datetime(2026, 1, 1, tzinfo=UTC)"),
    ("naive_datetimes", RIM, "def f(clock: Clock) -> int:\n    return clock.now()"),
    ("floats_near_money", CORE, "if isinstance(amount, float | bool):\n    raise TypeError"),
    ("floats_near_money", CORE, "x = amount_minor * 9 // 10  # not float"),
    ("floats_near_money", "streams/cli/format.py", "x = float(1)"),
    ("environment_outside_settings", "streams/settings/load.py", "import os\nx = os.environ"),
    ("print_outside_cli", "streams/cli/alerts.py", "print('x')"),
    ("print_outside_cli", RIM, "console.print('x')"),
    ("any_in_public_signatures", RIM, "from typing import Any\ndef _f(x: Any) -> None:\n    y: Any = x"),
    ("any_in_public_signatures", RIM, "from typing import Any\nclass _A:\n    def f(self, x: Any) -> None: ..."),
    ("clock_or_chance_in_the_core", RIM, "import time\nx = time.time()"),
    ("clock_or_chance_in_the_core", CORE, "import random\nx = random.Random(7)"),
    ("clock_or_chance_in_the_core", CORE, "import random\ndef f(chance: random.Random) -> int: ..."),
    ("app_objects_at_module_level", RIM, "import faust\ndef build():\n    app = faust.App('payweir')"),
    ("app_objects_at_module_level", "streams/cli/app.py", "import typer\napp = typer.Typer()"),
    ("long_functions", RIM, LONG_FUNCTION.removesuffix("    x = 1\n")),
    ("many_parameters", RIM, f"def f({FIVE}) -> None: ..."),
    ("many_parameters", RIM, f"class A:\n    def f(self, {FIVE}) -> None: ..."),
    ("many_parameters", RIM, f"class A:\n    def __init__(self, *, {SIX}) -> None: ..."),
    ("many_parameters", "streams/cli/run.py", f"@app.command()\ndef f({SIX}) -> None: ..."),
    ("nameless_modules", "streams/flow/lots.py", ""),
]


def run(check: str, path: str, source: str) -> list[Finding]:
    return list(CHECKS[check](Module(PurePosixPath(path), dedent(source))))


def report(findings: Iterable[Finding]) -> str:
    return "\n".join(str(finding) for finding in sorted(findings))


def concession(check: str, finding: Finding) -> tuple[str, str, str]:
    return check, finding.path, finding.where


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    return tree_modules()


@pytest.fixture(scope="module")
def texts() -> dict[PurePosixPath, str]:
    """Every text file of the tree; what is not UTF-8 is no text."""
    read: dict[PurePosixPath, str] = {}
    for path in tree_files():
        content = (ROOT / path).read_bytes()
        if b"\0" not in content:
            read[path] = content.decode("utf-8", errors="replace")
    return read


@pytest.mark.parametrize("check", CHECKS)
def test_the_tree_passes(check: str, modules: list[Module]) -> None:
    found = [finding for module in modules for finding in CHECKS[check](module)]
    assert not report(finding for finding in found if concession(check, finding) not in ALLOWED)


@pytest.mark.parametrize(("check", "path", "source"), BAD)
def test_a_check_catches_a_bad_sample(check: str, path: str, source: str) -> None:
    assert run(check, path, source)


@pytest.mark.parametrize(("check", "path", "source"), GOOD)
def test_a_check_lets_a_good_sample_pass(check: str, path: str, source: str) -> None:
    assert not report(run(check, path, source))


def test_every_check_has_a_bad_and_a_good_sample() -> None:
    assert {check for check, _, _ in BAD} == set(CHECKS)
    assert {check for check, _, _ in GOOD} == set(CHECKS)


def test_every_concession_is_still_needed_and_says_why(modules: list[Module]) -> None:
    used = {
        concession(name, finding) for name, check in CHECKS.items() for module in modules for finding in check(module)
    }
    assert sorted(set(ALLOWED) - used) == []
    assert [key for key, reason in ALLOWED.items() if len(reason.split()) < 4] == []


def test_a_finding_says_where_it_is() -> None:
    (found,) = run(
        "naive_datetimes", RIM, "from datetime import datetime\nclass A:\n    def f(self):\n        datetime.utcnow()"
    )
    assert str(found).startswith(f"{RIM}:4: ")
    assert found.where == "A.f"


def test_the_checks_see_the_product_and_the_tests(modules: list[Module]) -> None:
    paths = {str(module.path) for module in modules}
    assert {"streams/__init__.py", "tests/tidy/test_tidy.py"} <= paths


def test_no_file_is_above_400_lines(texts: dict[PurePosixPath, str]) -> None:
    assert not report(finding for path, text in texts.items() for finding in shape.long_file(path, text))


def test_a_file_above_400_lines_is_caught() -> None:
    assert list(shape.long_file(PurePosixPath("streams/a.py"), "x\n" * 401))
    assert not list(shape.long_file(PurePosixPath("streams/a.py"), "x\n" * 400))
    assert not list(shape.long_file(PurePosixPath("requirements.lock"), "x\n" * 401))


def test_rules_schemas_and_deploy_hold_no_python(texts: dict[PurePosixPath, str]) -> None:
    assert not report(
        finding for path, text in texts.items() for finding in shape.python_where_none_belongs(path, text)
    )


def test_python_in_rules_is_caught() -> None:
    assert list(shape.python_where_none_belongs(PurePosixPath("rules/mule.py"), ""))
    assert list(shape.python_where_none_belongs(PurePosixPath("deploy/start"), "#!/usr/bin/env python3\n"))
    assert not list(shape.python_where_none_belongs(PurePosixPath("rules/mule.yaml"), "id: mule\n"))
    assert not list(shape.python_where_none_belongs(PurePosixPath("tests/rules/test_mule.py"), ""))


def test_the_top_level_holds_just_what_the_layout_names() -> None:
    assert not report(shape.strangers_at_the_top(tree_files()))


def test_a_stranger_at_the_top_level_is_caught() -> None:
    assert list(shape.strangers_at_the_top([PurePosixPath("scripts/run.sh")]))
    assert not list(shape.strangers_at_the_top([PurePosixPath(".ci/run"), PurePosixPath("streams/errors.py")]))


def test_no_text_file_names_a_registry_host(texts: dict[PurePosixPath, str]) -> None:
    assert not report(finding for path, text in texts.items() for finding in shape.registry_hosts(path, text))


@pytest.mark.parametrize("host", shape.REGISTRY_HOSTS)
def test_a_registry_host_is_caught(host: str) -> None:
    assert list(shape.registry_hosts(PurePosixPath("Makefile"), f"# see\nINDEX = https://{host.upper()}/simple\n"))
    assert not list(shape.registry_hosts(PurePosixPath("Makefile"), "# see https://www.apache.org/licenses/\n"))
