"""Rules that are not asked would have been silent: over a generated stream with every kind of fraud and near miss."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from streams.cli.run import load_programs
from streams.detection import evaluation
from streams.detection.program import MayHit, Program
from streams.legs import Leg
from streams.replay.files import open_inputs
from streams.replay.generator import GeneratorSettings, generate
from streams.replay.run import RunPlan, run_files
from streams.state.subject import Subject

ROOT = Path(__file__).parents[2]
LATER_MS = 4_102_444_800_000


def test_a_rule_that_has_something_to_say_passes_its_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(GeneratorSettings(seed=3, events=6_000), tmp_path / "stream")
    spoke: Counter[str] = Counter()
    spared = 0

    def ask_all(may_hit: MayHit, rules: Sequence[int], subject: Subject, leg: Leg) -> Sequence[int]:
        nonlocal spared
        program = subject.program
        assert isinstance(program, Program)
        let_through = may_hit(subject, leg)
        for number in rules:
            said = program.rules[number].judge(subject, leg)
            if said is not None:
                spoke[program.rules[number].rule.id] += 1
                assert number in let_through, (program.rules[number].rule.id, said, leg)
            spared += number not in let_through
        return let_through

    monkeypatch.setattr(evaluation, "_may_hit", ask_all)
    programs = load_programs(ROOT / "rules")
    files = open_inputs([str(tmp_path / "stream")])
    run_files(files, RunPlan(programs, lambda _: None, lambda _done, _found: None, LATER_MS))
    assert len(spoke) > len(programs.ruleset.rules) // 2
    assert spared > spoke.total(), "the gates let everything through"
