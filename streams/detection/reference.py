"""The reference of the rule language, made from its words: ``rules/REFERENCE.md``."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

from streams.clock import span_text
from streams.detection import words
from streams.detection.document import BYTES_MAX
from streams.detection.expression import DEPTH_MAX, TOKENS_MAX
from streams.detection.rulecheck import LETS_MAX, PARAMS_MAX
from streams.detection.ruleschema import export, schema_of_test
from streams.detection.testcheck import TESTS_MAX

COMMAND: Final = "payweir rules language --write rules/"
_BOUNDS: Final = {
    "longest window": span_text(words.WINDOW_MS_MAX),
    "longest history (`over .. up to`)": span_text(words.HISTORY_MS_MAX),
    "longest pause": span_text(words.PAUSE_MS_MAX),
    "`new`: nothing between the two for": span_text(words.PAIR_MS),
    "`known_for`: forgotten after a silence of": span_text(words.KNOWN_MS),
    "`followed` and `matched` look at the newest legs, at most": str(words.SCAN_MAX),
    "size of a file": f"{BYTES_MAX // 1024} KiB",
    "values under `let`": str(LETS_MAX),
    "limits under `params`": str(PARAMS_MAX),
    "tests of a rule": str(TESTS_MAX),
    "words of an expression": str(TOKENS_MAX),
    "depth of an expression": str(DEPTH_MAX),
}


def reference() -> str:
    """Give the page as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Reference of the rule language"
    yield ""
    yield f"Made by `{COMMAND}` from the words the program knows; README.md beside it teaches them by example."
    schemas = export()
    yield from _keys("Keys of a rule", schemas["rule.schema.json"])
    yield from _keys("Keys of a test", schema_of_test())
    yield from _keys("Keys of a list", schemas["list.schema.json"])
    yield from _heading("Subjects, triggers and legs")
    yield "`per` says whose state a rule looks at, `on` what triggers it; windows count legs."
    yield ""
    yield from _table(
        ("per", "on", "legs to count"),
        ((name, _list(words.TRIGGERS[kind]), _list(words.LEGS[kind])) for name, kind in words.SUBJECTS.items()),
    )
    yield from _heading("Fields of a leg")
    yield "In `when` and after `where`. A field of a closed set of codes refuses any other code."
    yield ""
    yield from _table(
        ("field", "type", "codes"),
        ((name, kind.value, _list(sorted(words.CODES.get(name, ())))) for name, (_, kind) in words.FIELDS.items()),
    )
    yield from _heading("After `count distinct` and `with the same`")
    yield _list(words.DISTINCT)
    yield from _heading("After `reference`")
    yield from _table(
        ("per", "word", "type"),
        (
            (words.SUBJECT_WORDS[subject], word, kind.value)
            for subject, known in words.REFERENCES.items()
            for word, kind in known.items()
        ),
    )
    yield from _heading("After `time since`")
    yield from _table(
        ("per", "words"), ((words.SUBJECT_WORDS[kind], _list(sorted(known))) for kind, known in words.MOMENTS.items())
    )
    yield from _heading("Types")
    yield "Unlike types are not compared; the checker names the place."
    yield ""
    yield _list(kind.value for kind in words.Type)
    yield from _heading("Bounds")
    yield "State without bound cannot be written: each value has a window, and what is looked at or remembered ends here."
    yield ""
    yield from _table(("what", "at most"), _BOUNDS.items())


def _keys(title: str, schema: Mapping[str, object]) -> Iterator[str]:
    yield from _heading(title)
    required = cast("list[str]", schema["required"])
    properties = cast("dict[str, dict[str, object]]", schema["properties"])
    rows = (
        (f"`{name}`", "yes" if name in required else "", str(about.get("description", "")))
        for name, about in properties.items()
    )
    yield from _table(("key", "needed", "meaning"), rows)


def _heading(text: str) -> Iterator[str]:
    yield from ("", f"## {text}", "")


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = list(heads)
    yield f"| {' | '.join(names)} |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _list(known: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in known)
