"""Renders the few words of kustomize that deploy/kubernetes uses, so that manifests are checked on machines without it.

Known: resources, namespace, labels, images, replicas, patches (RFC 6902, by kind and name). Any other word raises, so
nothing is passed over; where ``kubectl`` is there, a test holds this against ``kubectl kustomize``.
"""

import copy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

Manifest = dict[str, Any]
_WORDS = {"apiVersion", "kind", "resources", "namespace", "labels", "images", "replicas", "patches"}


def render(folder: Path) -> list[Manifest]:
    """All manifests of a kustomization. Raises ValueError for a word, or a target, that is not known."""
    told = _load(folder / "kustomization.yaml")[0]
    if unknown := told.keys() - _WORDS:
        raise ValueError(f"{folder}: {sorted(unknown)} is not rendered here")
    found: list[Manifest] = []
    for name in told["resources"]:
        path = folder / name
        found += render(path) if path.is_dir() else _load(path)
    for label in told.get("labels", []):
        for one in found:
            _label(one, label["pairs"])
    for count in told.get("replicas", []):
        _target(found, {"kind": "StatefulSet", "name": count["name"]})["spec"]["replicas"] = count["count"]
    for patch in told.get("patches", []):
        target = _target(found, patch["target"])
        for step in YAML(typ="safe").load(patch["patch"]):
            _apply(target, step)
    images = {image["name"]: f"{image['newName']}:{image['newTag']}" for image in told.get("images", [])}
    for container in (each for one in found for each in _containers(one)):
        container["image"] = images.get(container["image"], container["image"])
    if "namespace" in told:
        for one in found:
            one["metadata"]["namespace"] = told["namespace"]
    return found


def kubectl(folder: Path) -> list[Manifest] | None:
    """The same by ``kubectl kustomize``; None where there is none."""
    found = shutil.which("kubectl")
    if found is None:
        return None
    done = subprocess.run([found, "kustomize", str(folder)], capture_output=True, text=True, check=True)
    return list(YAML(typ="safe").load_all(done.stdout))


def _load(path: Path) -> list[Manifest]:
    return list(YAML(typ="safe").load_all(path.read_text("utf-8")))


def _label(manifest: Manifest, pairs: dict[str, str]) -> None:
    """Labels go to the object and to what it makes pods from, not to selectors, which cannot be changed later."""
    manifest["metadata"].setdefault("labels", {}).update(pairs)
    template = manifest.get("spec", {}).get("template")
    if template is not None:
        template["metadata"].setdefault("labels", {}).update(pairs)


def _target(found: list[Manifest], wanted: dict[str, str]) -> Manifest:
    hits = [one for one in found if (one["kind"], one["metadata"]["name"]) == (wanted["kind"], wanted["name"])]
    if len(hits) != 1:
        raise ValueError(f"{wanted}: {len(hits)} manifests, one is wanted")
    return hits[0]


def _apply(target: Manifest, step: dict[str, Any]) -> None:
    *way, last = step["path"].removeprefix("/").split("/")
    at: Any = target
    for part in way:
        at = at[int(part)] if isinstance(at, list) else at[part]
    key: Any = int(last) if isinstance(at, list) else last
    match step["op"]:
        case "replace":
            if key not in at and not isinstance(at, list):
                raise ValueError(f"{step['path']} is not there to be replaced")
            at[key] = copy.deepcopy(step["value"])
        case "remove":
            del at[key]
        case other:
            raise ValueError(f"{other} is not done here")


def _containers(manifest: Manifest) -> Iterator[dict[str, Any]]:
    yield from manifest.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
