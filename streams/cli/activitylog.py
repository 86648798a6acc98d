"""A backtest over the activity log: what the live workers said, record for record, partition by partition in parallel."""

import json
import os
from collections.abc import Callable
from functools import partial
from typing import Final

from streams.agents import history
from streams.agents.publishing import published_texts
from streams.alerts.model import Alert, AlertState
from streams.detection.check import check_files
from streams.detection.program import compile_ruleset
from streams.errors import TopicError, UsageError
from streams.pipeline import PartitionState
from streams.replay.activity import Folded, fold, skips_of
from streams.replay.backtest import Backtest, Period, Traffic, chosen
from streams.replay.processes import Link, in_processes
from streams.replay.run import Summary
from streams.replay.tally import Tally
from streams.settings import Settings
from streams.settings.topics import ACTIVITY

_DIGEST_SHOWN: Final = 12


def backtest_activity(
    settings: Settings, period: Period, processes: int | None, told: Callable[[int, int], None]
) -> tuple[Backtest, list[str]]:
    """Fold every partition's log under the rulesets in it; gives what came of it, and what to know about it.

    ``told`` hears how many of how many records are done. Raises TopicError, BrokerUnreachable, and UsageError when the log holds
    no ruleset.
    """
    stretches = history.stretches(settings, ACTIVITY)
    total = sum(each.end - each.begin for each in stretches)
    texts = {one.digest: text for one, text in published_texts(settings) if one.intact}
    jobs = [partial(_fold, settings, each, texts) for each in stretches]
    most = processes or len(os.sched_getaffinity(0))
    parts = in_processes(jobs, most, lambda done, _: told(done, total))
    digests = [digest for part in parts for digest in part.digests]
    if not digests:
        raise UsageError(f"{ACTIVITY}: there is no ruleset in the log; run: payweir rules publish rules/")
    ruleset, _ = check_files(json.loads(texts[digests[-1]]))
    assert ruleset is not None  # noqa: S101  a partition was judged by it
    payments = Tally()
    alerts: dict[str, Alert] = {}
    summary = Summary()
    for part in parts:
        alerts |= part.alerts
        summary.add(part.summary)
        payments.add(Tally({day: noted for day, noted in part.payments.days.items() if period.holds_day(day)}))
    notes = [
        f"{each.topic}/{each.partition} begins at offset {each.begin}: what came before is not seen, alerts may differ"
        for each in stretches
        if each.begin
    ]
    within = chosen(alerts.values(), period)
    standing = tuple(each for each in within if each.state in {AlertState.STANDING, AlertState.PROVISIONAL})
    silenced = tuple(each for each in within if each.state in {AlertState.HELD, AlertState.WITHDRAWN})
    traffic = Traffic(period, payments=payments, unit="payment events")
    return Backtest(compile_ruleset(ruleset), summary, traffic, standing, silenced), notes


def _fold(settings: Settings, stretch: history.Stretch, texts: dict[str, bytes], link: Link) -> Folded:
    """Fold one partition's log; runs in a process of its own."""
    rulesets = {}
    for digest, text in texts.items():
        ruleset, findings = check_files(json.loads(text))
        if ruleset is None:
            raise TopicError(f"ruleset {digest[:_DIGEST_SHOWN]} is of another version of Payweir: {findings.errors[0]}")
        rulesets[digest] = compile_ruleset(ruleset)
    state = PartitionState(
        stretch.partition,
        settings.epoch,
        settings.lateness_ms,
        skips=skips_of(history.skips(settings, stretch.partition)),
    )
    records = (
        (offset, value)
        for offset, _, value in history.read(settings, stretch, lambda at: link.tell(at - stretch.begin))
    )
    return fold(state, records, rulesets)
