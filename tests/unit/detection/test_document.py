"""Rule files as a tree with places: equal to what another reader of YAML makes of them."""

from io import StringIO
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from streams.detection.document import DEPTH_MAX, Item, Mapping, Text, read_document
from streams.detection.findings import Findings, Spot
from streams.detection.folder import load_folder

SHIPPED = load_folder(Path(__file__).parents[3] / "rules")
Flat = list[tuple[int, int, str]]


def flat(item: Item) -> Flat:
    """Line, column and text of everything, in the order of the file."""
    place = (item.spot.line, item.spot.column)
    if isinstance(item, Text):
        return [(*place, item.value)]
    if isinstance(item, Mapping):
        parts = [[(spot.line, spot.column, key), *flat(value)] for key, (spot, value) in item.entries.items()]
    else:
        parts = [flat(each) for each in item]
    return [(*place, type(item).__name__), *(each for part in parts for each in part)]


def flat_by_another(node: Node) -> Flat:
    place = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, ScalarNode):
        return [(*place, node.value)]
    if isinstance(node, MappingNode):
        parts = [flat_by_another(each) for pair in node.value for each in pair]
    else:
        parts = [flat_by_another(each) for each in node.value]
    kind = "Mapping" if isinstance(node, MappingNode) else "Sequence"
    return [(*place, kind), *(each for part in parts for each in part)]


@pytest.mark.parametrize("name", SHIPPED)
def test_another_reader_finds_the_same_texts_at_the_same_places(name: str) -> None:
    document = read_document(name, SHIPPED[name], Findings())
    assert document is not None
    assert flat(document) == flat_by_another(YAML(typ="safe", pure=True).compose(StringIO(SHIPPED[name])))


@pytest.mark.parametrize(
    ("text", "line", "column", "told"),
    [
        ("id: a\n\tb: c\n", 2, 1, "not YAML"),
        ("id: [a\n", 2, 1, "not YAML"),
        ("id: a\nid: b\n", 2, 1, "the key 'id' stands twice"),
        ("? [a]\n: b\n", 1, 3, "a key must be a word"),
        ("? {a: {b: c}}\n: {d: e}\nf: g\n", 1, 3, "a key must be a word"),
        ("a: &x 1\nb: *x\n", 2, 4, "aliases (*name) are not allowed"),
        ("a: &x 1\n*x : 2\n", 2, 1, "a key must be a word"),
        ("id: a\n---\nid: b\n", 2, 1, "a second document begins here"),
        ("- a\n", 1, 1, "the file is not a map of keys"),
        ("", 1, 1, "the file is not a map of keys"),
        ("a: " + "[" * DEPTH_MAX + "]" * DEPTH_MAX, 1, 3 + DEPTH_MAX, "nested deeper"),
        ("a: \ud800\n", 1, 4, "a character that cannot be seen"),
        ("a: 1\nb: \uffff\n", 2, 4, "a character that cannot be seen"),
        ("a: 1\nb", 2, 2, "not YAML: could not find expected ':'"),
    ],
)
def test_what_is_wrong_in_shape_has_its_place(text: str, line: int, column: int, told: str) -> None:
    findings = Findings()
    assert read_document("f.yaml", text, findings) is None
    assert findings[0].spot == Spot("f.yaml", line, column)
    assert findings[0].message.startswith(told)


def test_what_is_nested_too_deeply_does_not_hide_what_follows() -> None:
    findings = Findings()
    read_document("f.yaml", "a: " + "[" * 50 + "]" * 50 + "\nb: 1\nb: 2\n", findings)
    assert [each.spot.line for each in findings] == [1, 3]
