"""The generator is frozen: limits and controls of the rules were set after it, and judged once on a seed not used before.

Who changes a digest changes what the figures of ``rules/RESULTS.md`` were measured on, and measures them anew. The stream is long
enough for every kind of instance.
"""

from hashlib import blake2b
from pathlib import Path

import pytest

from streams.replay.generator import GeneratorSettings, generate

FROZEN = {1: "74492b4befc657e97843b748aaf95ce1", 2: "5bd4625110dfd4baea703d26f70bc481"}


@pytest.mark.parametrize("seed", FROZEN)
def test_a_seed_gives_the_stream_it_gave_when_the_rules_were_set(seed: int, tmp_path: Path) -> None:
    generate(GeneratorSettings(seed=seed, events=30_000, days=35, per_typology=6), tmp_path)
    digest = blake2b(digest_size=16)
    for path in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
        digest.update(path.name.encode() + path.read_bytes())
    assert digest.hexdigest() == FROZEN[seed]
