"""Whatever the numbers and lists of an event: it is refused by name, or its legs travel; nothing else is raised."""

import json
from typing import Final, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.agents.topics import INTERNAL_BYTES_MAX
from streams.events import Refusal
from streams.events.model import MerchantReference, ReportedTransaction
from streams.events.schema import TYPES
from streams.legs import FORMAT_VERSION, Packed, pack, unpack
from streams.pipeline import Intake, RawRecord, SourceState
from tests.rig.samples import ACCOUNT, PAYMENT, RECEIVED_MS, REPORT, SETTLEMENT, STATUS, Data

_UETR: Final = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
_RETURN: Final[Data] = {
    **PAYMENT,
    "status": "RETURNED",
    "end_to_end_id": "ref",
    "uetr": _UETR,
    "device_token": "d",
    "ip_token": "i",
    "merchant_id": "m",
    "relation": "RETURN_OF",
    "related_payment_id": "p0",
}
_BATCH: Final[Data] = {**SETTLEMENT, "kind": "MERCHANT_BATCH", "merchant_id": "m", "gross_minor": 1234}
_LINE: Final[Data] = {**SETTLEMENT, "end_to_end_id": "ref", "uetr": _UETR}
_SHOP: Final[Data] = {**ACCOUNT, "merchant": {"merchant_id": "m"}}
SAMPLES: Final = (PAYMENT, _RETURN, {**STATUS, "status": "RETURNED"}, SETTLEMENT, _LINE, _BATCH, _SHOP, REPORT)
NUMBERS: Final = st.one_of(
    st.integers(-10, 10),
    st.builds(
        lambda sign, power, more: sign * 2**power + more,
        st.sampled_from((-1, 1)), st.sampled_from((31, 53, 63, 64, 200)), st.integers(-1, 1),
    ),
    st.builds(lambda sign, more: sign * 10**15 + more, st.sampled_from((-1, 1)), st.integers(-1, 1)),
)  # fmt: skip
SIZES: Final = st.sampled_from((0, 1, 16, 17, 100, 101, 1000, 1001, 3000))
LETTERS: Final = st.sampled_from(("", "x" * 60, "\N{GRINNING FACE}" * 60))
"""The beginning of what a list holds; four bytes a character are the most there are."""


def fields(kind: type[msgspec.Struct]) -> dict[str, object]:
    """Name and type of every field, without None and without limits."""
    bare = {}
    for name, hint in get_type_hints(kind).items():
        options = [one for one in get_args(hint) if one is not type(None)]
        bare[name] = options[0] if options and get_origin(hint) is not tuple else hint
    return bare


def numbers(kind: type[msgspec.Struct]) -> list[str]:
    return [name for name, hint in fields(kind).items() if hint is int and name != "schema_version"]


def lists(kind: type[msgspec.Struct]) -> list[str]:
    return [name for name, hint in fields(kind).items() if get_origin(hint) is tuple]


@st.composite
def events(draw: st.DrawFn) -> Data:
    sample = dict(draw(st.sampled_from(SAMPLES)))
    kind = TYPES[str(sample["event_type"])]
    begin = draw(LETTERS)
    for name in draw(st.sets(st.sampled_from(numbers(kind)))) if numbers(kind) else ():
        sample[name] = draw(NUMBERS)
    for name in draw(st.sets(st.sampled_from(lists(kind)))) if lists(kind) else ():
        entries: list[object] = [f"{begin}{n}" for n in range(draw(SIZES))]
        if name == "transactions":
            amount = draw(NUMBERS)
            entries = [{"payment_id": each, "amount_minor": amount} for each in entries]
        sample[name] = entries
    if "merchant" in sample:
        tokens = [f"{begin}{n}" for n in range(draw(SIZES))]
        sample["merchant"] = {"merchant_id": "m", "registered_payout_tokens": tokens}
    for name in ("event_id", "source"):
        sample[name] = f"{begin}{sample[name]}"[:64]
    return sample


@settings(max_examples=400, deadline=None)
@given(events())
@example(
    {**_BATCH, "gross_minor": 2**63 - 1, "refund_minor": -(2**63), "fee_minor": -(2**63), "reserve_minor": -(2**63)}
)
@example({**PAYMENT, "status": "RETURNED", "other_ids": [str(number) for number in range(3000)]})
@example({**_RETURN, "debtor_balance_after_minor": 2**64})
@example({**REPORT, "reported_amount_minor": -(2**64)})
def test_an_event_is_refused_by_name_or_its_legs_travel(event: Data) -> None:
    raw = json.dumps(event, ensure_ascii=False).encode()
    taken = Intake().take(SourceState("payments", 0), [RawRecord(7, RECEIVED_MS, raw)])
    (legs,) = taken.legs.values()
    if taken.dead_letters:
        (letter,) = taken.dead_letters
        assert letter.refusal in set(Refusal)
        assert letter.field or letter.refusal == Refusal.TOO_LARGE
        assert letter.detail
    packed = pack(Packed(FORMAT_VERSION, "intake", legs, [], {}))
    assert len(packed) < INTERNAL_BYTES_MAX
    assert unpack(packed).legs == legs


def test_the_extremes_reach_every_number_and_list_of_every_event() -> None:
    kinds: list[type[msgspec.Struct]] = [*TYPES.values()]
    assert {name for kind in kinds for name in numbers(kind)} >= {"sequence", "line_no", "item_count", "gross_minor"}
    found = {name for kind in kinds for name in lists(kind)}
    assert found == {"other_ids", "transactions", "suspect_account_tokens", "ubo_tokens"}
    assert lists(MerchantReference) == ["registered_payout_tokens"]
    assert numbers(ReportedTransaction) == ["amount_minor"]
