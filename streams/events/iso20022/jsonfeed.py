"""JSON renderings to the same elements as XML: Tazama's, Mojaloop's, and what XML converters write.

Amounts come as ``{"Ccy": .., "ActiveCurrencyAndAmount": ..}``, ``{"Amt": {"Amt": .., "Ccy": ..}}`` or
``{"@Ccy": .., "#text": ..}``.
Numbers are taken as their text, so that an amount is never a float.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from streams.events.iso20022.building import VERSION, Builder
from streams.events.iso20022.limits import Limits
from streams.events.refusals import Refusal, Refused

_LAST: Final = frozenset(
    {"PmtInf", "CdtTrfTxInf", "TxInfAndSts", "TxInf", "Undrlyg", "Ntfctn", "Ntry", "NtryDtls", "TxDtls"}
)
"""What holds transactions is fed after its headers, in whatever order JSON has them."""
_BARE: Final = (("TxInfAndSts", "FIToFIPmtStsRpt"), ("Ntfctn", "BkToCstmrDbtCdtNtfctn"), ("Undrlyg", "FIToFIPmtCxlReq"))
_QUOTED: Final = frozenset({"InstdAmt", "ChrgsInf", "UndrlygCstmrCdtTrf", "InstrForNxtAgt"})
"""What Mojaloop's quotes and exchanges have and its transfers have not."""
_UNTEXT: Final = re.compile(r"[\ud800-\udfff]|\\u00[01]")
"""Halves of characters and control characters, which JSON can escape and XML could not hold."""
_SEARCH_DEPTH_MAX: Final = 8

Json = dict[str, "Json"] | list["Json"] | str | bool | None


def decode_json(text: str, limits: Limits) -> Json:
    """Decode one JSON document with numbers as text; raises ``Refused``."""
    if len(text) > limits.json_bytes_max:
        raise Refused(Refusal.TOO_LARGE, "", f"a JSON document has at most {limits.json_bytes_max} bytes")
    try:
        document: Json = _decoder.decode(text)
        text_only = "\\u" not in text or not _UNTEXT.search(json.dumps(document, ensure_ascii=False))
    except RecursionError:
        raise Refused(Refusal.TOO_DEEP, "", "objects are nested too deep") from None
    except ValueError:
        raise Refused(Refusal.NOT_JSON, "", "not one JSON document, or a name stands twice in one object") from None
    if not text_only:
        raise Refused(Refusal.NOT_JSON, "", "an escaped character that is no text")
    return document


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def _constant(_name: str) -> Json:
    raise ValueError


_decoder: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=_constant)


def feed_json(document: Json, builder: Builder, bare_transfer: str = "") -> None:
    """Feed every message in a document; raises ``Refused`` when it holds none, or one that does not say what it is.

    ``bare_transfer`` is the root a body with ``CdtTrfTxInf`` has lost; without it such a body is refused.
    """
    found = list(_messages(document, builder.roots, "", 0))
    if not found and isinstance(document, dict):
        bare = _bare(document, bare_transfer)
        found = [(bare, "", document)] if bare else []
    if not found:
        raise Refused(Refusal.UNKNOWN_MESSAGE, "", "none of the six messages is in it")
    for name, declared, body in found:
        builder.declared = declared
        _element(builder, name, body)


def _messages(value: Json, roots: dict[str, str], declared: str, depth: int) -> Iterator[tuple[str, str, Json]]:
    if depth > _SEARCH_DEPTH_MAX:
        return
    if isinstance(value, list):
        for each in value:
            yield from _messages(each, roots, declared, depth + 1)
    elif isinstance(value, dict):
        declared = _declared(value) or declared
        for key, inner in value.items():
            name = _local(key)
            if name in roots or VERSION.fullmatch(name):
                inside = _declared(inner) if isinstance(inner, dict) else ""
                yield name, inside or declared, inner
            else:
                yield from _messages(inner, roots, declared, depth + 1)


def _declared(value: dict[str, Json]) -> str:
    """Give the message name an object declares by a namespace or by Tazama's ``TxTp``."""
    for key, inner in value.items():
        if isinstance(inner, str) and (key == "TxTp" or "xmlns" in key) and VERSION.search(inner):
            return inner
    return ""


def _bare(document: dict[str, Json], transfer: str) -> str:
    """Name the message of a body without a name around it, where only one message has such a body."""
    for key, root in _BARE:
        if key in document:
            return root
    body = document.get("CdtTrfTxInf")
    if transfer and isinstance(body, dict) and not _QUOTED & body.keys():
        return transfer
    if body is not None:
        raise Refused(
            Refusal.AMBIGUOUS_MESSAGE,
            "CdtTrfTxInf",
            "a body without its message name may be a transfer or a quote: wrap it, or say so",
        )
    inside = document.get("TxInf")
    first = inside[0] if isinstance(inside, list) and inside else inside
    if isinstance(first, dict) and "RtrdIntrBkSttlmAmt" in first:
        return "PmtRtr"
    payments = document.get("PmtInf")
    first = payments[0] if isinstance(payments, list) and payments else payments
    return "CstmrCdtTrfInitn" if isinstance(first, dict) and "CdtTrfTxInf" in first else ""


def _element(builder: Builder, name: str, value: Json) -> None:
    if isinstance(value, list):
        for each in value:
            if isinstance(each, list):
                raise Refused(Refusal.TOO_DEEP, _local(name), "a list inside a list says nothing in ISO 20022")
            _element(builder, name, each)
        return
    if value is None:
        return
    if isinstance(value, bool):
        value = "true" if value else "false"
    text, currency = value if isinstance(value, str) else "", ""
    children: list[tuple[str, Json]] = []
    if isinstance(value, dict):
        text, currency, children = _taken_apart(value)
    builder.start(_local(name), "", currency)
    if text:
        builder.text(text)
    for key, inner in sorted(children, key=lambda pair: _local(pair[0]) in _LAST):
        _element(builder, key, inner)
    builder.end()


def _taken_apart(value: dict[str, Json]) -> tuple[str, str, list[tuple[str, Json]]]:
    """Give own text, currency and children of an object."""
    currency, texts, children = "", [], []
    for key, inner in value.items():
        if key in {"Ccy", "@Ccy", "-Ccy", "_Ccy"} and isinstance(inner, str):
            currency = inner
        elif key in {"#text", "$", "_", "value", "Value", "$t"} and isinstance(inner, str):
            texts.append(inner)
        elif key.startswith(("@", "-", "xmlns")):
            continue
        else:
            children.append((key, inner))
    if currency:
        plain = [inner for key, inner in children if isinstance(inner, str) and _is_amount(key)]
        if len(plain) == 1 and not texts:
            texts = plain
            children = [pair for pair in children if not (isinstance(pair[1], str) and _is_amount(pair[0]))]
        elif not texts:
            children.append(("Ccy", currency))
    return "".join(texts), currency, children


def _is_amount(key: str) -> bool:
    return key == "Amt" or key.endswith("CurrencyAndAmount") or key == "ActiveCurrencyAnd13DecimalAmount"


def _local(name: str) -> str:
    return name.rpartition(":")[2]
