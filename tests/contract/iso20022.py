"""What we read of real messages against what an independent reader takes from them.

``python -m tests.contract.iso20022 FOLDER`` prints a table by kind and version, and one by form: each XML message again under other
prefixes, in envelopes, encodings and white space. The folder holds messages and ``expected.jsonl``: one object per transaction
with ``file``, ``kind``, ``version``, ``tx_index`` and what is in it as text.
Three outcomes: read right, refused by name, wrong in silence. The last must be 0.
"""

import io
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from streams.events import Event, Limits, Refused, decode_event
from streams.events.iso20022 import Found, line_of, read_messages
from streams.money import EXPONENTS
from tests.contract.iso20022_forms import forms

Expected = dict[str, str]
Taken = dict[str, str | int | None]
_SHORTENED = 30
"""Names made of longer ids may be cut to a hash."""
RECEIVED_MS = 1_830_000_000_000
_STATES = {
    "SETTLED": {"ACSC", "ACCC", "COMM"},
    "ACCEPTED": {"ACTC", "ACCP", "ACSP", "PDNG", "ACWC", "ACWP", "ACFC", "ACPD", "PRES", "RESV"},
    "INITIATED": {"RCVD", "RECV", "PATC"},
    "HELD": {"BLCK"},
    "REJECTED": {"RJCT", "ABOR"},
    "CANCELLED": {"CANC"},
    "BOOKED": {"BOOK"},
    "PENDING": {"PDNG", "FUTR"},
}


@dataclass(slots=True)
class Score:
    """Counts of one kind and version."""

    right: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """What was accepted and differs, in words."""


def judge(found: Found, expected: Expected) -> tuple[str, str]:
    """Give ``right``, ``refused`` (with the name) or ``wrong`` (with the difference) for one transaction."""
    try:
        event, _ = decode_event(line_of(found, expected["file"]), RECEIVED_MS, Limits())
    except Refused as refused:
        return "refused", refused.refusal.value
    if expected.get("level") not in {"transaction", "entry"}:
        return "wrong", "an event was made of what is no transaction"
    faults = [fault for check in CHECKS for fault in check(event, found, expected)]
    return ("wrong", "; ".join(faults)) if faults else ("right", "")


def _data(event: Event) -> Taken:
    data: Taken = msgspec.to_builtins(event)
    return data


def _says(name: str, ours: object, theirs: object) -> Iterator[str]:
    if ours != theirs:
        yield f"{name}: {ours!r}, expected {theirs!r}"


def _place(_event: Event, found: Found, expected: Expected) -> Iterator[str]:
    yield from _says("kind", found.kind, expected["kind"])
    if expected.get("version_from") in {"namespace", "root-element"}:
        yield from _says("version", found.version, expected["version"])
    yield from _says("message id", found.message_id, expected.get("msg_id", ""))


def _amounts(event: Event, found: Found, expected: Expected) -> Iterator[str]:
    data = _data(event)
    if found.kind == "camt.056":
        ours, currency, amount = data.get("reported_amount_minor"), "orig_currency", "orig_amount"
    else:
        ours, currency, amount = data.get("amount_minor", data.get("net_minor")), "currency", "amount"
    if found.kind == "pacs.002":
        return
    if amount not in expected:
        if found.kind == "camt.054" and expected.get("level") == "entry":
            currency, amount = "entry_currency", "entry_amount"
        else:
            yield from _says("amount", ours, None)
            return
    exponent = EXPONENTS.get(expected[currency], 99)
    yield from _says("amount", ours, int(Decimal(expected[amount]).scaleb(exponent)))
    yield from _says("currency", data.get("currency"), expected[currency])


def _ids(event: Event, found: Found, expected: Expected) -> Iterator[str]:
    data = _data(event)
    if found.kind == "camt.056":
        data |= json.loads(json.dumps(data["transactions"]))[0]
    prefix = "orig_" if found.kind in {"pacs.002", "pacs.004", "camt.056"} else ""
    yield from _says("uetr", data.get("uetr"), expected.get(f"{prefix}uetr", "").lower() or None)
    end_to_end = expected.get(f"{prefix}end_to_end_id")
    end_to_end = None if end_to_end in {"NOTPROVIDED", None} else end_to_end
    if (found.kind != "pacs.002" and data.get("status") != "RETURNED") or "end_to_end_id" in data:
        yield from _says("end-to-end id", data.get("end_to_end_id"), end_to_end)
    tx_id, instruction = expected.get(f"{prefix}tx_id"), expected.get(f"{prefix}instr_id")
    names = [data.get("payment_id"), *json.loads(json.dumps(data.get("other_ids", [])))]
    if tx_id:
        yield from _says("payment id", data.get("payment_id"), tx_id)
    for each in (instruction, end_to_end):
        key = not tx_id and not data.get("uetr") and (found.kind != "camt.054" or (instruction and end_to_end))
        if each and key and len(each) < _SHORTENED and not any(each in str(name) for name in names):
            yield f"{each!r} names the payment and is in none of {names}"
    if found.kind in {"pain.001", "pacs.008"}:
        yield from _says("instruction id", data.get("instruction_id"), instruction)


def _sides(event: Event, found: Found, expected: Expected) -> Iterator[str]:
    data = _data(event)
    if found.kind in {"pacs.002", "camt.056"} or data["event_type"] == "payment_status":
        return
    swapped = {"debtor": "return_chain_creditor", "creditor": "return_chain_debtor"}
    for side in ("debtor", "creditor"):
        ours = json.loads(json.dumps(data.get(side) or {}))
        named = swapped[side] if found.kind == "pacs.004" and f"{swapped[side]}_account" in expected else side
        account = expected.get(f"{named}_account")
        token = ours.get("account_token", "EXTERNAL")
        if account is None:
            own = found.kind == "camt.054" and token.startswith(expected["account"])
            if not own and ours.get("account_scheme") not in {None, "PROXY", "PARTY"}:
                yield f"{side}: {token!r}, expected no account"
        else:
            plain = re.sub(r"\s", "", account).upper() if expected[f"{named}_account_scheme"] == "IBAN" else account
            yield from _says(side, token.partition("@")[0], plain)
        agent = expected.get(f"{named}_agent")
        if agent and account and token != "EXTERNAL":
            plain = agent.upper().removesuffix("XXX") if expected[f"{named}_agent_scheme"] == "BIC" else agent
            yield from _says(f"{side}'s agent", ours.get("agent_id"), plain)


def _states(event: Event, found: Found, expected: Expected) -> Iterator[str]:
    data = _data(event)
    state = str(data.get("status", ""))
    told = expected.get("status")
    if found.kind == "pain.001":
        yield from _says("status", state, "INITIATED")
    elif found.kind == "pacs.008":
        yield from _says("status", state, "ACCEPTED")
    elif found.kind == "pacs.004":
        yield from _says("status", state, "RETURNED")
    elif found.kind in {"pacs.002", "camt.054"} and told not in _STATES.get(state, ()):
        yield f"status: {state}, expected {told}"
    reasons = json.loads(json.dumps(expected.get("reason_codes", [])))
    if found.kind in {"pacs.002", "pacs.004"}:
        yield from _says("reason", data.get("status_reason"), reasons[0] if reasons else None)


def _times(event: Event, found: Found, expected: Expected) -> Iterator[str]:
    data = _data(event)
    created = _instant(expected["created"])
    if found.kind in {"pain.001", "pacs.008"}:
        accepted = expected.get("acceptance_datetime")
        yield from _says(
            "initiated", _instant(data["initiated_at"]), min(created, _instant(accepted)) if accepted else created
        )
        yield from _says("settlement date", data.get("settlement_date"), expected.get("settlement_date"))
    elif found.kind == "camt.054":
        booked = expected.get("booking_date")
        if booked and data.get("booked_at"):
            ours = str(data["booked_at"])
            exact = _instant(ours) == _instant(booked) if "T" in booked else ours[:10] == booked
            if not exact:
                yield f"booked: {ours}, expected {booked}"
        yield from _says("value date", str(data.get("value_date"))[:10], expected.get("value_date", "None")[:10])
    elif found.kind == "pacs.002":
        moments = [
            created,
            *(_instant(expected[name]) for name in ("acceptance_datetime", "processing_date") if name in expected),
        ]
        day = expected.get("settlement_date", expected.get("orig_settlement_date", ""))
        time = _instant(data["event_time"])
        if time not in moments and not str(data["event_time"]).startswith(day or "none"):
            yield f"event time: {time}, expected one of {moments}"


def _instant(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


CHECKS: tuple[Callable[[Event, Found, Expected], Iterator[str]], ...] = (
    _place,
    _amounts,
    _ids,
    _sides,
    _states,
    _times,
)


def compare(folder: Path) -> dict[tuple[str, str], Score]:
    """Read every file of ``folder/expected.jsonl`` and judge each transaction."""
    scores: dict[tuple[str, str], Score] = defaultdict(Score)
    for name, expected in _told(folder).items():
        with (folder / name).open("rb") as stream:
            found = list(read_messages(stream))
        _judge_file(found, expected, scores)
    return dict(sorted(scores.items()))


def compare_forms(folder: Path) -> dict[tuple[str, str], Score]:
    """Judge every XML message of the folder in each of its other forms; the key is the form."""
    scores: dict[tuple[str, str], Score] = {}
    for name, expected in _told(folder).items():
        raw = (folder / name).read_bytes()
        for form, written in [("as it is", raw), *forms(raw)] if name.endswith(".xml") else ():
            mine: dict[tuple[str, str], Score] = defaultdict(Score)
            _judge_file(list(read_messages(io.BytesIO(written))), expected, mine)
            total = scores.setdefault((form, ""), Score())
            for score in mine.values():
                total.right += score.right
                total.refused += score.refused
                total.wrong += score.wrong
    return scores


def _told(folder: Path) -> dict[str, list[Expected]]:
    told: dict[str, list[Expected]] = defaultdict(list)
    for line in (folder / "expected.jsonl").read_text(encoding="utf-8").splitlines():
        each = json.loads(line)
        told[each["file"]].append(each)
    return told


def _judge_file(found: list[Found], expected: list[Expected], scores: dict[tuple[str, str], Score]) -> None:
    for place, each in enumerate(expected):
        score = scores[each.get("kind") or "none of the six", each.get("version") or ""]
        if place >= len(found):
            refused_whole = len(found) == 1 and found[0].number == 0
            outcome, why = ("refused", "with the whole") if refused_whole else ("wrong", f"{each['file']}: left out")
        else:
            outcome, why = judge(found[place], each)
        if outcome == "right":
            score.right += 1
        elif outcome == "refused":
            score.refused[why] += 1
        else:
            score.wrong.append(f"{each['file']} {each.get('tx_index')}: {why}")
    for extra in found[len(expected) :]:
        if extra.event is not None:
            scores[extra.kind, extra.version].wrong.append(f"{expected[0]['file']} {extra.number}: one too many")


def show(scores: dict[tuple[str, str], Score], console: Console) -> int:
    """Print the table and what is wrong; give the number of transactions wrong in silence."""
    table = Table("message", "version", "read right", "refused by name", "wrong in silence", "refusals")
    for (kind, version), score in scores.items():
        names = ", ".join(f"{name} {count}" for name, count in score.refused.most_common())
        table.add_row(kind, version, str(score.right), str(score.refused.total()), str(len(score.wrong)), names)
    total = [
        sum(part) for part in zip(*((s.right, s.refused.total(), len(s.wrong)) for s in scores.values()), strict=True)
    ]
    table.add_section()
    table.add_row("together", "", *map(str, total), "")
    console.print(table)
    for score in scores.values():
        for fault in score.wrong:
            console.print(fault, soft_wrap=True)
    return sum(len(score.wrong) for score in scores.values())


if __name__ == "__main__":
    wide = Console(width=150)
    sys.exit(show(compare(Path(sys.argv[1])), wide) + show(compare_forms(Path(sys.argv[1])), wide) > 0)
