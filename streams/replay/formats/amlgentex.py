"""AMLGentex: its transaction log, as CSV or Parquet.

One step is about a day. ``source`` and ``sink`` are the outside world (-2 and -1); opening balances are no payments. The simulator
draws amounts without a minor unit, so they are rounded half to even.
"""

from typing import Final

from streams.replay.formats.mapping import Kind, LabelColumns, Mapping, Meaning

TYPOLOGIES: Final = {
    "1": "fan_out", "2": "fan_in", "3": "cycle", "4": "bipartite", "5": "stack", "6": "random", "7": "scatter_gather",
    "8": "gather_scatter",
}  # fmt: skip

AMLGENTEX: Final = Mapping(
    source="amlgentex",
    time=("step",),
    time_format=("days:2024-01-01",),
    payer=("nameOrig",),
    payee=("nameDest",),
    outside=("-1", "-2"),
    amount="amount",
    round_amounts=True,
    currency_default="SEK",
    kind="type",
    kinds={"INITALBALANCE": Kind(meaning=Meaning.NO_PAYMENT)},
    more={"channel": "type", "debtor.agent_id": "bankOrig?", "creditor.agent_id": "bankDest?"},
    labels=LabelColumns("isSAR?", "modelType?", "patternID|alertID?", TYPOLOGIES),
)
