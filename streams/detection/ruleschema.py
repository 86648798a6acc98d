"""JSON Schema of rule and list files, for completion and checks in editors; made from the words of the language.

``rules/*.schema.json`` holds the export; a contract test compares it, and holds it to the loader. It says less than
the loader: what an expression means, only ``payweir rules check`` can tell.
"""

import json
from collections.abc import Collection
from typing import Final

from streams.detection.rulecheck import SEVERITIES, STATES, STORM
from streams.detection.words import (
    DISTINCT,
    FIELDS,
    LEGS,
    LIST_KINDS,
    MOMENTS,
    OTHERS,
    REFERENCES,
    SEGMENTS,
    SUBJECTS,
    TRIGGERS,
)
from streams.money import EXPONENTS

Schema = dict[str, object]
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SPAN: Final = r"^\s*[0-9]{1,9}\s*(ms|s|m|h|d)\s*$"
_NAME: Final = "^(?!(?:" + "|".join(sorted(FIELDS)) + ")$)[A-Za-z_][A-Za-z0-9_]*$"
_TEXT: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 400, "pattern": r"\S"}
_ID: Final[Schema] = {"type": "string", "pattern": "^[a-z][a-z0-9-]{1,62}$"}
_DAY: Final[Schema] = {"type": "string", "pattern": r"^[0-9]{4}-?([0-9]{2}-?[0-9]{2}|W[0-9]{2}(-?[1-7])?)$"}
_AMOUNT: Final[Schema] = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 10**12},
        {"type": "string", "pattern": r"^\s*\+?[0-9_]*\.?[0-9_]+([eE][+-]?[0-9]+)?\s*$"},
    ]
}
_VALUES: Final = (
    "sum amount of credits over 24h",
    "count distinct counterparty of new credits over 24h",
    "count of credits followed within 15m by 70% in debits over 24h",
    "reference status",
    "time since opened",
)


def export() -> dict[str, Schema]:
    """Give the schemas by file name."""
    return {"rule.schema.json": _rule(), "list.schema.json": _list()}


def text_of(schema: Schema) -> str:
    """Write a schema as it stands in its file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _said(schema: Schema, description: str, *examples: object) -> Schema:
    return schema | {"description": description} | ({"examples": list(examples)} if examples else {})


def _words(words: Collection[str], description: str) -> Schema:
    return {"enum": list(words), "description": description}


def _one_or_more(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "items": item}]}


def _object(title: str, properties: Schema, required: Collection[str]) -> Schema:
    return {
        "title": title, "type": "object", "additionalProperties": False, "required": list(required), "properties": properties,
    }  # fmt: skip


def _rule() -> Schema:
    names = {"propertyNames": {"pattern": _NAME}}
    properties: Schema = {
        "id": _said(_ID, "Names the rule in alerts, for good: never used for another rule.", "pass-through-account"),
        "version": _said(
            {"type": "integer", "minimum": 1, "maximum": 999_999_999, "default": 1},
            "Raised when old and new alerts should not be mixed.",
        ),
        "title": _said(_TEXT, "What the alert is called.", "Money passes straight through an account"),
        "description": {"description": "What it is for and why it is so, for those who approve it. Not evaluated."},
        "false_positives": {"description": "What it is known to fire on without fraud. Not evaluated."},
        "typology": _said(_ID, "Kind of fraud; cases and statistics are made by it.", "mule", "structuring"),
        "severity": _words(SEVERITIES, "How urgent its alerts are."),
        "state": _words(
            STATES, "off; shadow: alerts only into the shadow column; active; signal: never an alert, other rules count it."
        )
        | {"default": "active"},
        "owner": _said(_TEXT, "The team that answers for the rule.", "fraud-ops"),
        "review_by": _said(_DAY, "Day by which its owner looks at it again; check advises from then on.", "2027-06-30"),
        "legal_basis": _said(_TEXT, "Why it may be asked.", "Anti-Telecom and Online Fraud Law 2022, Art. 18"),
        "per": _words(SUBJECTS, "Whose state it looks at."),
        "on": _said({}, "What triggers it; which words fit depends on 'per'.", "debit"),
        "wait": _said(
            {"type": "string", "pattern": _SPAN}, "Decides that long after the trigger; at most 30d.", "24h"
        ),
        "let": _said(
            {"type": "object", **names, "additionalProperties": {"type": ["string", "integer", "boolean"]}},
            "Named values: windows, registered facts, times since, arithmetic. See the manual beside this file.",
            {"received": _VALUES[0]},
        ),
        "when": _said(
            {"type": ["string", "boolean"]},
            "The condition under which it fires. Fields of a leg: " + ", ".join(FIELDS) + ".",
            "received >= floor and sent >= 90% of received",
        ),
        "params": _said(
            {"type": "object", **names, "additionalProperties": _param()},
            "Named limits: a whole number, major units per currency (perhaps per kind of account holder), or codes.",
            {"floor": {"CNY": 20000, "USD": 3000}, "payers_min": 8, "salaries": ["SALA", "PENS"]},
        ),
        "unless": _said(_one_or_more({"type": "string"}), "Lists that hold it back; that is recorded.", ["licensed-psp"]),
        "say": _said(_TEXT, "The alert's reason; values in braces.", "{sent} left within 24 h of {received} (limit {floor})"),
        "cool_down": _said(
            {"anyOf": [{"const": "none"}, {"type": "string", "pattern": _SPAN}], "default": "24h"},
            "Hits of one bucket form one alert; none: one alert per payment or settlement. At most 30d.",
            "24h",
        ),
        "storm": _said(
            {"anyOf": [{"const": "none"}, {"type": "string", "pattern": f"^{STORM.pattern}$"}], "default": "100 an hour"},
            "From how many open alerts of one hour on the others are shown as one line of the queue; none: never.",
            "100 an hour",
        ),
        "tests": _said({"type": "array", "items": schema_of_test()}, "At least one that fires and one near miss."),
    }  # fmt: skip
    required = ("id", "title", "typology", "severity", "owner", "per", "on", "when", "say")
    return {
        "$schema": DIALECT, "description": "One rule of Payweir.",
        **_object("Payweir rule", properties, required),
        "allOf": [_of_subject(word) for word in SUBJECTS],
    }  # fmt: skip


def _of_subject(word: str) -> Schema:
    """Say what is special about rules on one kind of subject."""
    kind = SUBJECTS[word]
    known = {
        "legs to count": LEGS[kind],
        "after 'reference'": REFERENCES.get(kind, ()),
        "after 'time since'": MOMENTS.get(kind, ()),
    }
    told = "; ".join(f"{what}: {', '.join(sorted(words))}" for what, words in known.items() if words)
    on = _one_or_more({"enum": list(TRIGGERS[kind])})
    examples = {"examples": [{"x": value} for value in _VALUES]} if word == "account" else {}
    let = {"description": f"Named values. {told}; after 'count distinct': {', '.join(DISTINCT)}.", **examples}
    return {
        "if": {"properties": {"per": {"const": word}}, "required": ["per"]},
        "then": {"properties": {"on": on | {"not": {"maxItems": 0, "type": "array"}}, "let": let}},
    }


def _param() -> Schema:
    limits: Schema = {
        "type": "object", "propertyNames": {"enum": sorted(EXPONENTS)}, "additionalProperties": _AMOUNT,
    }  # fmt: skip
    return {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": 999_999_999},
            {"type": "string", "pattern": "^[0-9]{1,9}$"},
            {"type": "array", "minItems": 1, "items": {"type": ["string", "integer", "boolean"]}},
            limits,
            {
                "type": "object",
                "propertyNames": {"enum": list(SEGMENTS)},
                "additionalProperties": limits,
                "required": [OTHERS],
            },
        ]
    }


def schema_of_test() -> Schema:
    """Give the schema of one test inside a rule."""
    keys = _one_or_more({"type": ["string", "integer"]})
    return _object(
        "Test of a rule",
        {
            "name": _said(_TEXT, "What it shows.", "fires on eight new payers"),
            "events": _said(_one_or_more({"type": "string"}), "Events in short form.", ["09:00 a pays b 101 CNY"]),
            "expect": _words(("alert", "none"), "Whether this rule gives a standing alert."),
            "subject": _said(_TEXT, "On whom the alert is expected.", "collector"),
            "on_list": _said(
                {"type": "object", "additionalProperties": keys}, "Entries of lists, for this test only.",
                {"licensed-psp": ["collector"]},
            ),
            "values": _said(
                {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
                "What the alert measures, by name of the value, as it shows it.", {"payers": 5, "received": "10,000 CNY"},
            ),
        },
        ("name", "expect"),
    )  # fmt: skip


def _list() -> Schema:
    entry = _object(
        "Entry of a list",
        {
            "key": _said(_TEXT, "Who or what: a token, a code."),
            "reason": _said(_TEXT, "Why it is on the list."),
            "added_by": _said(_TEXT, "The maker."),
            "approved_by": _said(_TEXT, "The checker: another person."),
            "valid_from": _said(_DAY, "First day, UTC.", "2026-01-01"),
            "expires": _said(_DAY, "The day it ends, UTC; not counted in.", "2027-12-31"),
        },
        ("key", "reason", "added_by", "approved_by", "expires"),
    )
    properties: Schema = {
        "id": _said(_ID, "By which rules name the list.", "licensed-psp"),
        "kind": _words(LIST_KINDS, "What its keys name."),
        "owner": _said(_TEXT, "Who keeps it.", "compliance"),
        "description": {"description": "What it is for. Not evaluated."},
        "entries": {"type": "array", "items": entry, "description": "Two people stand behind each."},
    }
    return {
        "$schema": DIALECT, "description": "A list that rules name.",
        **_object("Payweir list", properties, ("id", "kind", "owner", "entries")),
    }  # fmt: skip
