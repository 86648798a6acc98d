"""The parts of the benchmark that would measure nothing, silently, if they were wrong."""

import subprocess
import sys
from pathlib import Path

from streams.agents.feeding import route
from streams.events import Limits, decode_event
from streams.pipeline.intake import LATENESS_MS
from streams.replay.generator.settings import START_MS
from streams.settings.topics import WATERMARKED
from tests.bench.batch import Hits, window_query
from tests.bench.calibration import DEBITS, FLOOR, LONG_MS, PAYERS, SHORT_MS, Leg, hits, legs
from tests.bench.latency import make_schedule
from tests.bench.meter import cpu_seconds, memory
from tests.bench.probes import PAYMENTS, RULE, probe
from tests.bench.report import ROOT
from tests.bench.stream import PAYMENTS_FILE, Stream, next_day
from tests.rig.cluster import FAR_MS, embedded
from tests.rig.order_data import Payment

SPIN = "import time\nwhile time.process_time() < 0.5: pass\nprint(time.process_time(), flush=True)\ninput()"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {SPIN!r}])"


def test_each_probe_makes_one_alert_of_its_rule_and_about_its_account(tmp_path: Path) -> None:
    stream = tmp_path / "probes.jsonl"
    accounts = ["a", "b", "c"]
    stream.write_bytes(
        b"\n".join(line for number, one in enumerate(accounts) for line in probe(one, START_MS + number))
    )
    found = embedded(stream, ROOT / "rules", f"sqlite:///{tmp_path / 'found.db'}")
    assert sorted(one.subject for one in found.values() if one.rule_id == RULE) == accounts


def test_a_probe_is_due_with_its_last_payment() -> None:
    schedule = make_schedule(seed=5, rate=50.0, start_ms=START_MS)
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
    lines = [line for account in "ab" for line in probe(account, START_MS)]
    (tmp_path / PAYMENTS_FILE).write_bytes(b"\n".join([*lines, b'{"event_type":"payment_status","payment_id":"p"}']))
    stream = Stream(tmp_path, ROOT / "rules", 7, 7)
    assert stream.active_accounts() == 2 * 4
    assert stream.lines() == [*lines, b'{"event_type":"payment_status","payment_id":"p"}']


def test_the_window_query_counts_what_the_three_rules_mean(tmp_path: Path) -> None:
    day, hour = 86_400_000, 3_600_000
    # Eight payers of 2,500.00 within a day; the last a day after the first; and one of them twice.
    moves = [(place * (day - 3) // 7, f"payer-{place}", "full", 2_500_00) for place in range(8)]
    moves += [(place * day // 7, f"payer-{place}", "wide", 2_500_00) for place in range(8)]
    moves += [(place, f"payer-{min(place, 6)}", "seven", 2_500_00) for place in range(8)]
    # 85 and then 90 percent of it leaves.
    moves += [(day - 2, "full", "next", 17_000_00), (day - 1, "full", "next", 1_000_00)]
    # Ten debits within an hour; the tenth an hour after the first.
    moves += [(place, "quick", f"other-{place}", 100) for place in range(10)]
    moves += [(hour * place // 9, "slow", f"other-{place}", 100) for place in range(10)]
    file = tmp_path / PAYMENTS_FILE
    file.write_bytes(
        b"\n".join(
            Payment(f"e{number}", START_MS + at, 0, "bench", debtor, creditor, amount, "CNY").line()
            for number, (at, debtor, creditor, amount) in enumerate(moves)
        )
    )
    assert window_query(file) == Hits(fan_in=1, pass_through=1, fast_debits=1)


def test_the_fixed_loop_counts_what_a_rescan_of_the_log_counts() -> None:
    sides = list(legs(2_000, accounts=40))
    logs: dict[int, list[Leg]] = {}
    expected = 0
    for account, leg in sides:
        log = logs.setdefault(account, [])
        log.append(leg)
        day = [one for one in log if one.time > leg.time - LONG_MS]
        credits_ = [one for one in day if not one.debit]
        received, sent = sum(one.amount for one in credits_), sum(one.amount for one in day if one.debit)
        if leg.debit:
            debits = sum(one.debit for one in log if one.time > leg.time - SHORT_MS)
            expected += (received >= FLOOR and 10 * sent >= 9 * received) or debits >= DEBITS
        else:
            expected += received >= FLOOR and len({one.other for one in credits_}) >= PAYERS
    assert 100 < hits(sides) == expected


def test_nothing_of_a_schedule_is_late_after_the_stream_before_it() -> None:
    def times(lines: list[bytes]) -> list[int]:
        return [decode_event(line, FAR_MS, Limits())[1] for line in lines if route(line)[0] in WATERMARKED]

    before = make_schedule(seed=5, rate=30.0, start_ms=START_MS).lines
    after = make_schedule(seed=6, rate=30.0, start_ms=next_day(before)).lines
    assert min(times(after)) > max(times(before)) - LATENESS_MS
