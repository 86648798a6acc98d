"""What is published, and by what each partition judges: the answer of ``payweir rules status``."""

from collections import defaultdict

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from streams.agents.publishing import Published
from streams.cli.rulefiles import DIGEST_SHOWN
from streams.cli.showing import plain
from streams.clock import to_text
from streams.store import open_store
from streams.store.reader import PartitionRuleset, partition_rulesets


class PartitionStatus(Struct, frozen=True):
    """By what one partition judges its newest events, and what comes next."""

    partition: int
    digest: str
    """Empty when nothing is in force there yet."""
    from_time: int
    next_digest: str
    next_from: int


class Status(Struct, frozen=True):
    """Everything one asks about rulesets at three in the morning."""

    published: list[Published]
    reached: int
    """Event time of the newest event that any source has brought; 0 before the first."""
    partitions: list[PartitionStatus] | None
    """None without a store, which is where partitions say it."""
    faults: list[str]


def status_of(known: list[Published], reached: int, store: str | None) -> Status:
    """Put together what the topic says and what the partitions said. Raises ``StoreUnreachable`` and ``StoreOutdated``."""
    faults = [f"the text of {_short(one.digest)} is damaged; publish it again" for one in known if not one.intact]
    if known and known[-1].terms.emergency:
        faults.append(f"nobody approved {_short(known[-1].digest)}, the newest: {known[-1].terms.emergency}")
    if store is None:
        return Status(known, reached, None, faults)
    with open_store(store, create=False) as opened:
        rows = partition_rulesets(opened)
    schedules: dict[int, list[PartitionRuleset]] = defaultdict(list)
    for row in rows:
        schedules[row.activity_partition].append(row)
    partitions = [_partition(number, schedule, reached) for number, schedule in sorted(schedules.items())]
    if known and known[-1].from_time >= 0:
        told = (known[-1].from_time, known[-1].digest)
        behind = [
            n for n, each in sorted(schedules.items()) if told not in {(row.from_time, row.digest) for row in each}
        ]
        if behind or not schedules:
            where = f"partitions {', '.join(map(str, behind))}" if behind else "no partition"
            verb = "have not read" if behind else "has read"
            faults.append(f"{where} {verb} {_short(known[-1].digest)} yet, or the store has not heard of it")
    if len({each.digest for each in partitions}) > 1:
        faults.append(
            "partitions judge by different sets; usual while one reaches its time before another, not for long"
        )
    return Status(known, reached, partitions, faults)


def _partition(number: int, schedule: list[PartitionRuleset], reached: int) -> PartitionStatus:
    """Of two sets with one time the later told stands; before any event the first is as good as in force."""
    by_time = {row.from_time: row.digest for row in schedule}
    now = max((time for time in by_time if time <= reached), default=None)
    later = min((time for time in by_time if time > reached), default=None)
    return PartitionStatus(
        number, "" if now is None else by_time[now], -1 if now is None else now,
        "" if later is None else by_time[later], -1 if later is None else later,
    )  # fmt: skip


def show_status(found: Status, out: Console) -> None:
    """Print it for people."""
    if not found.published:
        out.print("No ruleset has been published; run: payweir rules publish rules/")
        return
    table = Table(
        "Digest", "Files", "In force from", "Published", "Approved by", title="Published", title_justify="left"
    )
    for one in found.published:
        digest = _short(one.digest) if one.intact else f"{_short(one.digest)} DAMAGED"
        stands = one.terms.approved_by or f"NOBODY: {one.terms.emergency}"
        start = from_text(one.from_time)
        if one.terms.shadow_until:
            start += f", in shadow until {to_text(one.terms.shadow_until)}"
        table.add_row(plain(digest), str(one.files), start, to_text(one.published_at), plain(stands))
    out.print(table)
    if found.partitions is None:
        out.print("By which set each partition judges is told with a store: --store URL or PAYWEIR_STORE_URL.")
    else:
        title = f"Partitions, at {to_text(found.reached)} of event time"
        table = Table("Partition", "Judges by", "Since", "Next", "From", title=title, title_justify="left")
        for each in found.partitions:
            coming = (_short(each.next_digest), from_text(each.next_from)) if each.next_digest else ("", "")
            table.add_row(str(each.partition), _short(each.digest) or "nothing", from_text(each.from_time), *coming)
        out.print(table)
    for fault in found.faults:
        out.print(plain(fault, "bold red"), soft_wrap=True)
    if not found.faults and found.partitions:
        out.print(f"All {len(found.partitions)} partitions judge by one set and have read the newest.")


def from_text(time: int) -> str:
    """Say from when a set is in force."""
    if time < 0:
        return "unknown"
    return "the beginning" if time == 0 else to_text(time)


def as_data(found: Status | Published) -> dict[str, object]:
    """Give it for machines, times in RFC 3339."""
    if isinstance(found, Published):
        return _published(found)
    partitions = None if found.partitions is None else [_times(each) for each in found.partitions]
    known = [_published(one) for one in found.published]
    reached = to_text(found.reached)
    return {"published": known, "reached": reached, "partitions": partitions, "faults": found.faults}


def _published(one: Published) -> dict[str, object]:
    entries = _times(one)
    if not one.partitions:
        for name in ("first", "partitions", "sources"):
            del entries[name]
    shadow = one.terms.shadow_until
    entries["terms"] = {
        "shadow_until": to_text(shadow) if shadow else None, "approved_by": one.terms.approved_by, "emergency": one.terms.emergency
    }  # fmt: skip
    return entries


def _times(one: Struct) -> dict[str, object]:
    entries: dict[str, object] = msgspec.to_builtins(one)
    for name in ("from_time", "published_at", "next_from"):
        if name in entries:
            millis = getattr(one, name)
            entries[name] = to_text(millis) if millis is not None and millis >= 0 else None
    return entries


def _short(digest: str) -> str:
    return digest[:DIGEST_SHOWN]
