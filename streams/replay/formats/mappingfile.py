"""Reading a mapping of one's own: a YAML file; every fault is told with file, line and column, all at once."""

import codecs
import re
from pathlib import Path
from typing import Final

from streams.detection.document import Item, Text, read_document
from streams.detection.document import Mapping as Document
from streams.detection.fields import Fields
from streams.detection.findings import Findings
from streams.errors import UsageError
from streams.events.model import Rail
from streams.money import EXPONENTS
from streams.replay.formats.mapping import MORE, Kind, LabelColumns, Layout, Mapping, Meaning
from streams.replay.formats.values import time_reader

_KEYS: Final = {
    "source", "layout", "columns", "time_format", "zone", "outside", "round_amounts", "currency", "currency_names", "kinds",
    "rail", "countries", "labels",
}  # fmt: skip
_COLUMNS: Final = {"id", "time", "payer", "payee", "amount", "currency", "kind"}
_ENCODINGS: Final = re.compile(
    r"utf-8(-sig)?|ascii|iso8859-\d+|cp\d+|koi8-[ru]|mac-\w+|gb2312|gbk|gb18030|big5|shift_jis|euc_jp|euc_kr"
)
_LAYOUT: Final = {"encoding", "separator", "decimal", "thousands"}


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file; raises ``UsageError`` with all its faults."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: a mapping is written in UTF-8") from None
    findings = Findings()
    document = read_document(str(path), text, findings)
    mapping = _read(document, findings) if document is not None else None
    if mapping is None or findings.errors:
        raise UsageError("\n".join(["the mapping has errors:", *map(str, findings.errors)]))
    return mapping


def _read(document: Document, findings: Findings) -> Mapping | None:
    top = Fields(document, findings)
    top.unknown(_KEYS)
    columns = _inner(top, "columns")
    if columns is None:
        findings.error(document.spot, "the key 'columns' is missing", "name at least time, payer, payee and amount")
        return None
    columns.unknown(_COLUMNS | MORE)
    currency = top.text("currency", required=False)
    currency_column = columns.text("currency", required=False)
    if currency and currency not in EXPONENTS:
        findings.error(top.spot("currency"), f"{currency!r} is no ISO 4217 code", "write one like EUR")
    if not currency and not currency_column:
        findings.error(
            document.spot, "no currency", "name a column under 'columns', or write 'currency: EUR' for all rows"
        )
    mapping = Mapping(
        source=top.text("source", length_max=64),
        time=_columns(columns, "time"), payer=_columns(columns, "payer"), payee=_columns(columns, "payee"),
        amount=columns.text("amount"), currency=currency_column, currency_default=currency,
        currency_names=_names(top, "currency_names"), id=columns.text("id", required=False),
        kind=columns.text("kind", required=False), kinds=_kinds(top, findings),
        rail=Rail(top.word("rail", list(Rail), "BANK") or "BANK"),
        more={field: columns.text(field) for field in sorted(MORE) if columns.document.get(field) is not None},
        countries=_names(top, "countries"), labels=_labels(top), layout=_layout(top, findings),
        time_format=tuple(each.value for each in top.texts("time_format")) or ("iso",),
        zone=top.text("zone", required=False) or "UTC", outside=tuple(each.value for each in top.texts("outside")),
        round_amounts=top.word("round_amounts", ["yes", "no", "true", "false"], "no") in {"yes", "true"},
    )  # fmt: skip
    for key, forms, zone in (("time_format", mapping.time_format, "UTC"), ("zone", ("iso",), mapping.zone)):
        try:
            time_reader(forms, zone)
        except UsageError as error:
            findings.error(top.spot(key), str(error))
    return mapping


def _inner(fields: Fields, key: str) -> Fields | None:
    item = fields.document.get(key)
    if item is None:
        return None
    if not isinstance(item, Document):
        fields.findings.error(item.spot, f"{key!r} must have keys of its own", "indent 'name: value' below it")
        return None
    return Fields(item, fields.findings)


def _columns(columns: Fields, key: str) -> tuple[str, ...]:
    found = tuple(each.value for each in columns.texts(key))
    if not found:
        columns.findings.error(columns.document.spot, f"the key {key!r} is missing", f"add '{key}: name of the column'")
    return found


def _names(fields: Fields, key: str) -> dict[str, str]:
    names: dict[str, str] = {}
    for name, (spot, item) in fields.mapping(key).items():
        if isinstance(item, Text):
            names[name] = item.value
        else:
            fields.findings.error(spot, f"{name!r} must be one word")
    return names


def _kinds(fields: Fields, findings: Findings) -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for name, (spot, item) in fields.mapping("kinds").items():
        kinds[name] = _kind(item, findings)
        if not isinstance(item, Document):
            findings.error(spot, f"{name!r} must have keys of its own", "write {rail: CARD} or {meaning: cash-out}")
    return kinds


def _kind(item: Item, findings: Findings) -> Kind:
    if not isinstance(item, Document):
        return Kind()
    fields = Fields(item, findings)
    fields.unknown({"rail", "meaning"})
    rail, meaning = fields.word("rail", list(Rail), "BANK"), fields.word("meaning", list(Meaning), "transfer")
    return Kind(Rail(rail or "BANK"), Meaning(meaning or "transfer"))


def _labels(fields: Fields) -> LabelColumns | None:
    inner = _inner(fields, "labels")
    if inner is None:
        return None
    inner.unknown({"flag", "typology", "instance", "names"})
    typology, instance = inner.text("typology", required=False), inner.text("instance", required=False)
    return LabelColumns(inner.text("flag"), typology, instance, _names(inner, "names"))


def _is_read(encoding: str) -> bool:
    """Tell whether an encoding is one of texts, and a line ends in it as it does in ASCII."""
    try:
        return bool(_ENCODINGS.fullmatch(codecs.lookup(encoding).name)) and "\n".encode(encoding) == b"\n"
    except (LookupError, ValueError):
        return False


def _layout(fields: Fields, findings: Findings) -> Layout:
    inner = _inner(fields, "layout")
    if inner is None:
        return Layout()
    inner.unknown(_LAYOUT)
    layout = Layout(
        inner.text("encoding", required=False) or "utf-8",
        inner.text("separator", required=False).replace("tab", "\t"),
        inner.word("decimal", [".", ","], "."),
        inner.word("thousands", [".", ",", "'", "_", "none"], "none").replace("none", ""),
    )
    if not _is_read(layout.encoding):
        findings.error(
            inner.spot("encoding"),
            f"{layout.encoding!r} is no encoding that is read",
            "write utf-8, iso-8859-1 or gb18030",
        )
    if len(layout.separator) > 1:
        findings.error(inner.spot("separator"), "a separator is one character, or the word tab")
    if layout.thousands and layout.thousands == layout.decimal:
        findings.error(inner.spot("thousands"), "thousands and decimals are told apart by different characters")
    return layout
