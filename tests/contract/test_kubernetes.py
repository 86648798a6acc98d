"""Manifests: valid for the Kubernetes API and for the custom resources, safe by themselves, and true to the program."""

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from streams.agents.acls import read_rights
from streams.settings import load_settings
from streams.settings.model import describe
from tests.contract.commands import refuses
from tests.rig.kustomize import Manifest, kubectl, render

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
OVERLAYS = ("small", "production")
API = "1.37"
CUSTOM = {
    path.stem: json.loads(path.read_text()) for path in (Path(__file__).parent / "custom_resources").glob("*.json")
}
"""Definitions of KEDA and of the Prometheus operator, which kubernetes-validate does not carry."""
WORKERS = ("intake", "detect", "record")


@cache
def overlay(name: str) -> list[Manifest]:
    return render(FOLDER / "overlays" / name)


def of_kind(name: str, kind: str) -> Iterator[Manifest]:
    return (one for one in overlay(name) if one["kind"] == kind)


def pods(name: str) -> Iterator[tuple[str, Manifest]]:
    for one in overlay(name):
        if one["kind"] in {"StatefulSet", "Job"}:
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]


def check(manifest: Manifest) -> None:
    """Raise for a manifest that the API would refuse, or of which it would drop something silently."""
    if manifest["kind"] in CUSTOM:
        jsonschema.validate(manifest, CUSTOM[manifest["kind"]])
    else:
        kubernetes_validate.validate(manifest, API, strict=True)


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_manifest_is_what_the_api_takes(name: str) -> None:
    assert len(overlay(name)) > 20
    for manifest in overlay(name):
        check(manifest)


def _misspell(manifest: Manifest) -> None:
    manifest["spec"]["replica"] = 1


def _no_target(manifest: Manifest) -> None:
    manifest["spec"].pop("scaleTargetRef", None)
    manifest["spec"].pop("serviceName", None)
    manifest["spec"].pop("selector", None)


@pytest.mark.parametrize("kind", ["StatefulSet", "ScaledObject", "ServiceMonitor"])
@pytest.mark.parametrize("fault", [_misspell, _no_target])
def test_a_manifest_with_a_fault_is_refused(kind: str, fault: Callable[[Manifest], None]) -> None:
    manifest = copy.deepcopy(next(of_kind("production", kind)))
    fault(manifest)
    with pytest.raises((kubernetes_validate.ValidationError, jsonschema.ValidationError)):
        check(manifest)


@pytest.mark.parametrize("name", OVERLAYS)
def test_what_is_rendered_here_is_what_kubectl_renders(name: str) -> None:
    """On a machine without kubectl the rendering of the rig stands alone."""
    by_kubectl = kubectl(FOLDER / "overlays" / name)
    if by_kubectl is not None:
        assert sorted(by_kubectl, key=_place) == sorted(overlay(name), key=_place)


def _place(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_no_pod_may_write_its_file_system_or_become_root(name: str) -> None:
    for _, pod in pods(name):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            own = container["securityContext"]
            assert (own["readOnlyRootFilesystem"], own["allowPrivilegeEscalation"]) == (True, False)
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert container["image"] == "registry.example/payweir:0.1.0"
            assert "memory" in container["resources"]["limits"]
            assert "cpu" not in container["resources"]["limits"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_secrets_come_by_reference_only(name: str) -> None:
    assert not list(of_kind(name, "Secret"))
    for manifest in of_kind(name, "ConfigMap"):
        assert not [key for key in manifest["data"] if "PASSWORD" in key and not key.endswith("_FILE")]
        assert "@" not in manifest["data"].get("PAYWEIR_STORE_URL", "").partition("://")[2].replace("payweir@", "", 1)
    for _, pod in pods(name):
        for container in pod["containers"]:
            for variable in container["env"]:
                secret = "PASSWORD" in variable["name"] or "KEY" in variable["name"]
                assert "secretKeyRef" in variable.get("valueFrom", {}) or not secret


@pytest.mark.parametrize("name", OVERLAYS)
def test_workers_drain_are_spread_keep_their_name_and_are_asked_the_true_questions(name: str) -> None:
    sets = {one["metadata"]["name"]: one["spec"] for one in of_kind(name, "StatefulSet")}
    assert tuple(sets) == WORKERS
    budgets = {one["metadata"]["name"]: one["spec"] for one in of_kind(name, "PodDisruptionBudget")}
    for role, spec in sets.items():
        pod = spec["template"]["spec"]
        (container,) = pod["containers"]
        assert container["args"] == ["worker", "--role", role]
        assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
        assert pod["terminationGracePeriodSeconds"] >= 30
        assert {one["topologyKey"] for one in pod["topologySpreadConstraints"]} == {
            "topology.kubernetes.io/zone", "kubernetes.io/hostname",
        }  # fmt: skip
        assert {"name": "PAYWEIR_INSTANCE_ID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}} in container[
            "env"
        ]
        labels = spec["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"].items() <= labels.items()
        assert budgets[role]["selector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_program_takes_its_settings_commands_and_users(name: str) -> None:
    (config,) = (one["data"] for one in of_kind(name, "ConfigMap") if one["metadata"]["name"] == "payweir")
    known = {one.variable for one in describe()}
    users = {right.user for right in read_rights(FOLDER.parent / "kafka" / "acls.yaml")}
    for pod_name, pod in pods(name):
        for container in pod["containers"]:
            own = {one["name"]: one.get("value", "given") for one in container["env"]}
            told = config | {key: value for key, value in own.items() if key in known}
            assert load_settings(environment=told).sasl_user in users
            assert refuses([_filled(word, told) for word in container["args"]]) is None, pod_name


def _filled(word: str, told: dict[str, str]) -> str:
    name = word.removeprefix("$(").removesuffix(")")
    return told.get(name, "given") if word.startswith("$(") else word


@pytest.mark.parametrize("name", OVERLAYS)
def test_autoscaling_stays_within_the_partitions_and_looks_at_the_right_group(name: str) -> None:
    (config,) = (one["data"] for one in of_kind(name, "ConfigMap") if one["metadata"]["name"] == "payweir")
    settings = load_settings(environment=config | {"PAYWEIR_SASL_USER": "x"})
    widths = {"intake": settings.source_partitions, "detect": settings.partitions}
    for one in of_kind(name, "ScaledObject"):
        role = one["spec"]["scaleTargetRef"]["name"]
        (trigger,) = one["spec"]["triggers"]
        assert trigger["metadata"]["consumerGroup"] == f"{settings.prefix}-{role}"
        assert one["spec"]["minReplicaCount"] <= one["spec"]["maxReplicaCount"] <= widths[role]


def test_what_is_mounted_is_what_the_settings_name() -> None:
    for name in OVERLAYS:
        (config,) = (one["data"] for one in of_kind(name, "ConfigMap") if one["metadata"]["name"] == "payweir")
        for _, pod in pods(name):
            volumes = {one["name"] for one in pod["volumes"]}
            (container,) = pod["containers"]
            mounts: dict[str, Any] = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
            assert set(mounts.values()) == volumes
            if "/etc/payweir/kafka" in mounts:
                assert config["PAYWEIR_SASL_PASSWORD_FILE"].startswith("/etc/payweir/kafka/")
