"""The parts of the benchmark that would measure nothing, silently, if they were wrong."""

import subprocess
import sys
from pathlib import Path

from streams.replay.generator.settings import START_MS
from tests.bench.latency import make_schedule
from tests.bench.meter import cpu_seconds, memory
from tests.bench.probes import PAYMENTS, RULE, probe, subject
from tests.bench.report import ROOT
from tests.bench.stream import PAYMENTS_FILE, Stream
from tests.rig.cluster import embedded

SPIN = "import time\nwhile time.process_time() < 0.5: pass\nprint(time.process_time(), flush=True)\ninput()"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {SPIN!r}])"


def test_each_probe_makes_one_alert_of_its_rule_and_about_its_account(tmp_path: Path) -> None:
    stream = tmp_path / "probes.jsonl"
    stream.write_bytes(b"\n".join(line for number in range(3) for line in probe(number, START_MS + number)))
    found = embedded(stream, ROOT / "rules", f"sqlite:///{tmp_path / 'found.db'}")
    assert sorted((one.rule_id, one.subject) for one in found.values()) == [(RULE, subject(n)) for n in range(3)]


def test_a_probe_is_due_with_its_last_payment() -> None:
    schedule = make_schedule(seed=5, rate=50.0)
    assert len(schedule.due) > 100
    for account, due in schedule.due.items():
        last = schedule.lines[round(due * schedule.rate)]
        assert f'"{account}-{PAYMENTS - 1}"'.encode() in last


def test_the_cost_of_a_process_includes_its_child() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        spent_by_child = float(parent.stdout.readline())
        while_alive, resident = cpu_seconds(parent.pid), memory(parent.pid)
        assert while_alive > spent_by_child - 0.02
        assert resident.peak >= resident.now > 10 << 20
        parent.communicate(b"\n")


def test_active_accounts_are_those_that_pay_or_are_paid(tmp_path: Path) -> None:
    lines = [line for number in range(2) for line in probe(number, START_MS)]
    (tmp_path / PAYMENTS_FILE).write_bytes(b"\n".join([*lines, b'{"event_type":"payment_status","payment_id":"p"}']))
    stream = Stream(tmp_path, ROOT / "rules", 7, 7)
    assert stream.active_accounts() == 2 * 4
    assert stream.lines() == [*lines, b'{"event_type":"payment_status","payment_id":"p"}']
