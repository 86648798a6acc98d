"""The truth of a stream: as the generator wrote it, or from labels alone."""

from pathlib import Path

import msgspec
import pytest

from streams.errors import UsageError
from streams.replay.generator import ANY_RULE, GeneratorSettings, generate
from streams.replay.score import ScoredAlert, score
from streams.replay.truth import read_labels, read_scenarios, read_truth
from tests.unit.replay.test_score import GIFT, MULE


def test_scenarios_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.json"
    path.write_bytes(msgspec.json.encode([MULE, GIFT]))
    assert read_scenarios(path) == read_truth(path) == read_truth(tmp_path / "labels.csv") == [MULE, GIFT]


def test_labels_alone_give_the_same_instances_found_by_any_rule(tmp_path: Path) -> None:
    generate(GeneratorSettings(seed=2, events=2_000), tmp_path)
    told = {one.scenario_id: one for one in read_scenarios(tmp_path / "scenarios.json")}
    (tmp_path / "scenarios.json").unlink()
    read = read_truth(tmp_path / "labels.csv")
    assert {one.scenario_id for one in read} == told.keys()
    for one in read:
        twin = told[one.scenario_id]
        assert (one.typology, one.hard_negative, one.event_ids) == (twin.typology, twin.hard_negative, twin.event_ids)
        assert one.rule_id == ANY_RULE


def test_labels_without_roles_are_of_fraud(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        "event_id,scenario_id,typology,role\na:1,attempt-1,cycle,\na:2,attempt-1,cycle,\n", encoding="utf-8"
    )
    (only,) = read_labels(path)
    assert (only.hard_negative, only.event_ids) == (False, ("a:1", "a:2"))
    result = score([only], [ScoredAlert("whichever", "account", "x", ("a:1", "a:2"))])
    assert (result.recall, result.delay_ms) == (1.0, None), "labels tell no times"


def test_a_file_that_is_none_says_where_it_comes_from(tmp_path: Path) -> None:
    for name in ("missing.json", "missing.csv"):
        with pytest.raises(UsageError, match="payweir generate"):
            read_truth(tmp_path / name)
    (tmp_path / "bad.json").write_text('[{"scenario_id": 1}]')
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    (tmp_path / "binary.csv").write_bytes(b"event_id,scenario_id,typology,role\n\xff\xfe")
    for name in ("bad.json", "bad.csv", "binary.csv"):
        with pytest.raises(UsageError, match="payweir generate"):
            read_truth(tmp_path / name)
