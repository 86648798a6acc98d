"""``payweir rules backtest`` and ``diff`` in several processes say, alert for alert, what one says; and none is left behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from streams.cli.rules import app
from streams.errors import PayweirError, UsageError
from streams.events.model import PaymentEvent
from streams.money import format_minor
from streams.replay.backtest import ALWAYS, Part, Traffic
from streams.replay.generator import GeneratorSettings, generate
from streams.replay.run import Summary
from streams.replay.shares import _together, processes_for
from tests.rig import labelled_data

SHIPPED = Path(__file__).parents[3] / "rules"
EVENTS = 5_000
_LONG = 40
_event = msgspec.json.Decoder(PaymentEvent)


def told(*words: object) -> Any:  # noqa: ANN401  whatever the command prints
    done = CliRunner().invoke(app, [*map(str, words), "--json"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0
    return msgspec.json.decode(done.stdout)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream of every typology, late, repeated and shuffled, with a record that is refused."""
    folder = tmp_path_factory.mktemp("stream")
    generate(GeneratorSettings(seed=9, events=EVENTS, per_typology=1, disorder=0.2, duplicates=0.02), folder)
    with (folder / "payments.jsonl").open("ab") as file:
        file.write(b'{"event_type": "payment"}\n')
    return folder


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory, stream: Path) -> Path:
    """All shipped rules, with the lists of the stream."""
    folder = tmp_path_factory.mktemp("rules") / "rules"
    shutil.copytree(SHIPPED, folder)
    shutil.copytree(stream / "lists", folder / "lists", dirs_exist_ok=True)
    return folder


def both(rules: Path, folder: Path, processes: int, *words: object) -> tuple[Any, list[dict[str, Any]]]:
    """Give what a backtest prints, and all its alerts, each without its place in the log."""
    file = folder / f"alerts-{processes}.jsonl"
    shown = told("backtest", "--rules", rules, *words, "--processes", processes, "--alerts", file, "--samples", 1000)
    alerts = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    return shown, [{name: value for name, value in each.items() if name != "revision"} for each in alerts]


def test_a_stream_says_the_same_in_three_processes_withdrawals_and_counts_included(
    rules: Path, stream: Path, tmp_path: Path
) -> None:
    words = ("--input", stream, "--labels", stream / "labels.csv", "--period", "2025-03-04..")
    shown, alerts = both(rules, tmp_path, 1, *words)
    assert {"standing", "withdrawn"} <= {each["state"] for each in alerts}
    assert {"shared-device", "many-signs", "orphan-settlement"} <= {each["rule_id"] for each in alerts}
    assert shown["refused"] == {"missing_field": 1}
    assert both(rules, tmp_path, 3, *words) == (shown, alerts)


def test_tables_of_others_say_the_same_in_two_processes(rules: Path, tmp_path: Path) -> None:
    made = labelled_data.make(tmp_path / "labelled", 1_000, seed=3)
    table = tmp_path / "a.csv"
    table.write_text("tran_id,orig_acct,bene_acct,tx_type,base_amt,tran_timestamp,is_sar,alert_id\n" + "".join(
        f"{at},{each.debtor.account_token},{each.creditor.account_token},TRANSFER,"
        f"{format_minor(each.amount_minor, 'USD').split()[0].replace(',', '')},{each.event_time:%Y-%m-%dT%H:%M:%SZ},"
        f"{at % 7 == 0},{at % 5}\n"
        for at, each in enumerate(map(_event.decode, made.events.read_bytes().splitlines()))
    ))  # fmt: skip
    for words in (("--input", made.labelled, "--format", "labelled"), ("--input", table, "--format", "amlsim")):
        shown, alerts = both(rules, tmp_path, 1, *words)
        assert len(alerts) > 20
        assert both(rules, tmp_path, 2, *words) == (shown, alerts)


def test_two_sets_beside_each_other_differ_as_one_after_the_other(rules: Path, stream: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(rules, tmp_path / "changed")
    (changed / "shared-control" / "shared-device.yaml").unlink()
    words = ("diff", rules, changed, "--input", stream)
    shown = told(*words, "--processes", 1)
    assert shown["disappear"]
    assert told(*words, "--processes", 4) == shown


def test_small_input_and_standard_input_are_read_by_one(stream: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.jsonl"
    with large.open("wb") as file:
        file.truncate(1 << 30)
    assert processes_for(None, [str(stream)], "payweir") == 1
    assert processes_for(None, ["-"], "payweir") == 1
    assert processes_for(None, [str(large)], "payweir") == min(len(os.sched_getaffinity(0)), 8)
    assert processes_for(2, [str(stream)], "payweir") == 2
    with pytest.raises(UsageError, match="read by one only"):
        processes_for(2, ["-"], "payweir")


def test_processes_that_read_a_file_of_different_length_are_not_added_up() -> None:
    parts = [Part(Summary(found), Traffic(ALWAYS), ()) for found in (1_000, 1_001)]
    with pytest.raises(UsageError, match="changed while it was read"):
        _together(parts)


def test_a_file_that_cannot_be_read_is_said_once_as_by_one_process(rules: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(b"no gzip")
    for processes in (1, 2):
        with pytest.raises(PayweirError, match=re.escape("broken.jsonl.gz: cannot be read")):
            told("backtest", "--rules", rules, "--input", broken, "--processes", processes)


def children_of(pid: int) -> set[int]:
    """Give the processes below one that are Python's own, without its tracker of resources."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == pid and b"spawn_main" in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
    return found


@pytest.fixture
def running(rules: Path, stream: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], set[int]]]:
    """A backtest whose processes have just been started, with more to do than any test waits for."""
    (tmp_path / "long.jsonl").write_bytes(_LONG * (stream / "payments.jsonl").read_bytes())
    command = [sys.executable, "-m", "streams.cli.app", "rules", "backtest", "--processes", "2", "--json"]
    with subprocess.Popen(
        [*command, "--rules", str(rules), "--input", str(tmp_path / "long.jsonl")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  in the background a shell has it ignored
    ) as process:  # fmt: skip
        try:
            until = time.monotonic() + 120
            while len(found := children_of(process.pid)) < 2 and time.monotonic() < until:
                time.sleep(0.01)
            assert len(found) == 2
            yield process, found
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def all_end(pids: set[int]) -> bool:
    until = time.monotonic() + 120
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.parametrize("late", [False, True], ids=["while they start", "while they work"])
def test_an_interrupt_of_the_terminal_ends_all_without_a_trace(
    running: tuple[subprocess.Popen[str], set[int]], *, late: bool
) -> None:
    process, pids = running
    time.sleep(2 if late else 0)
    os.killpg(process.pid, signal.SIGINT)
    out, said = process.communicate(timeout=120)
    assert (process.returncode, out, said) == (130, "", "")
    assert all_end(pids)


def test_processes_end_when_the_one_that_started_them_is_gone(running: tuple[subprocess.Popen[str], set[int]]) -> None:
    process, pids = running
    process.kill()
    assert all_end(pids)
