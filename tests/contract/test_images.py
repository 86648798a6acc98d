"""Dockerfile and compose file: what cannot be built here is at least read line by line, and told from the program."""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from streams import __version__
from streams.settings import load_settings
from tests.contract.commands import refuses

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
_EXACT = re.compile(r"^[\w./-]+:v?\d+\.\d+(?:\.\d+)?[\w.-]*$")


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", "\n".join(line for line in DOCKERFILE.splitlines() if not line.startswith("#")))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in text.splitlines() if line.strip())]


def compose() -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(ROOT / "deploy" / "compose.yaml")
    return content


def test_both_stages_begin_with_the_same_image_by_exact_tag_and_no_digest_nobody_fetched() -> None:
    images = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    assert len(images) == 2
    assert len(set(images)) == 1
    assert _EXACT.match(images[0])
    assert "@sha256" not in DOCKERFILE + (ROOT / "deploy" / "compose.yaml").read_text()


def test_the_image_runs_as_a_user_without_rights_and_says_how_it_is() -> None:
    names = [name for name, _ in instructions()]
    last = dict(instructions())
    assert last["USER"] == "10001:10001"
    assert names.index("USER") > max(place for place, name in enumerate(names) if name in {"COPY", "RUN"})
    assert "/health/live" in last["HEALTHCHECK"]
    assert last["ENTRYPOINT"] == '["payweir"]'
    assert not {"ADD", "VOLUME", "ARG"} & set(names)


def test_what_is_copied_is_in_the_tree_and_past_the_ignore_file() -> None:
    allowed = {
        line[1:] for line in (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"
    }
    for name, rest in instructions():
        if name == "COPY" and not rest.startswith("--from"):
            *sources, _target = rest.split()
            for source in sources:
                assert (ROOT / source).exists()
                assert source in allowed


def test_the_packages_of_the_image_are_those_the_tests_ran_with() -> None:
    def pinned(path: Path) -> set[str]:
        return {line.split(" ")[0] for line in path.read_text().splitlines() if re.match(r"^[a-z]", line)}

    image = pinned(ROOT / "deploy" / "requirements.lock")
    assert image < pinned(ROOT / "requirements.lock")
    assert {"faust-streaming", "psycopg-binary"} <= {name.partition("==")[0] for name in image}
    assert not [name for name in image if name.startswith(("pytest", "mypy=", "ruff"))]


def test_the_image_has_the_version_of_the_program() -> None:
    (first, *_) = DOCKERFILE.splitlines()
    assert f"payweir:{__version__}" in first
    assert compose()["services"]["intake"]["image"] == f"payweir:{__version__}"


def test_images_of_the_compose_file_have_exact_tags() -> None:
    for name, service in compose()["services"].items():
        assert _EXACT.match(service["image"]), name


def test_the_program_takes_what_the_compose_file_tells_it() -> None:
    services = compose()["services"]
    ours = {name: one for name, one in services.items() if one["image"].startswith("payweir:")}
    assert {"store", "topics", "publish", "intake", "record"} < ours.keys()
    for service in ours.values():
        load_settings(environment=service["environment"])
        assert refuses(service["command"]) is None
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        for other, condition in service["depends_on"].items():
            assert condition["condition"] == "service_completed_successfully" or "healthcheck" in services[other]


def test_prometheus_of_the_compose_file_scrapes_every_worker() -> None:
    workers = {name for name, one in compose()["services"].items() if one.get("command", [""])[0] == "worker"}
    scraped = YAML(typ="safe").load(ROOT / "deploy" / "prometheus" / "prometheus.yaml")["scrape_configs"]
    assert {target.partition(":")[0] for one in scraped for target in one["static_configs"][0]["targets"]} == workers


@pytest.mark.parametrize("words", [["worker", "--rol", "x"], ["topics", "make"], ["rules", "publish"]])
def test_a_command_that_is_none_is_seen(words: list[str]) -> None:
    assert refuses(words) is not None
