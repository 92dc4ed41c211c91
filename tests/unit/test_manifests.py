"""The manifests for Kubernetes, held against its own schemas and against what we say of them.

No cluster was at hand, and kubectl renders them only where it is installed.
"""

import shutil
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.cli import COMMANDS
from app.config import Settings

PLACE = Path(__file__).parents[2] / "deploy" / "kubernetes"
VERSIONS = ("1.33", "1.37")  # of Kubernetes: the oldest and the newest that there are schemas of
OWN_LABEL = {"app.kubernetes.io/name": "optoscope"}
Manifest = dict[str, Any]


def read(file: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(file.read_text()))


KUSTOMIZATION = read(PLACE / "base" / "kustomization.yaml")[0]
OVERLAY = read(PLACE / "gpu" / "kustomization.yaml")[0]
BASE = [one for name in KUSTOMIZATION["resources"] for one in read(PLACE / "base" / name)]


def on_gpus() -> list[Manifest]:
    """The base as the overlay changes it."""
    changed = deepcopy(BASE)
    for patch in OVERLAY["patches"]:
        (target,) = (one for one in changed if names(one) == tuple(patch["target"].values()))
        for step in yaml.safe_load(patch["patch"]):
            *way, last = step["path"].strip("/").split("/")
            place: Any = target
            for part in way:
                place = place[int(part) if part.isdecimal() else part]
            assert (last in place) == (step["op"] == "replace")
            place[last] = step["value"]
    return changed


def names(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def pods(manifests: list[Manifest] = BASE) -> list[Manifest]:
    return [one["spec"]["template"] for one in manifests if "template" in one.get("spec", {})]


def chosen(spec: Manifest) -> dict[str, str]:
    return spec["selector"]["matchLabels"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", [*BASE, *on_gpus()], ids=lambda one: "-".join(names(one)))
def test_manifests_are_what_kubernetes_takes(manifest, version):
    kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("wrong", [{"replica": 2}, {"replicas": "two"}])
def test_a_manifest_with_a_slip_is_refused(wrong):
    (web,) = (one for one in BASE if names(one) == ("Deployment", "optoscope-web"))

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(web | {"spec": web["spec"] | wrong}, "1.37", strict=True)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("folder", ["base", "gpu"])
def test_kubectl_renders_them(folder):
    command = ["kubectl", "kustomize", str(PLACE / folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rendered = list(yaml.safe_load_all(done.stdout))

    assert sorted(map(names, rendered)) == sorted(map(names, BASE))
    for one in rendered:
        kubernetes_validate.validate(one, "1.37", strict=True)
    for pod in pods(rendered):
        assert pod["metadata"]["labels"].items() >= OWN_LABEL.items()
        assert pod["spec"]["containers"][0]["image"].endswith(":0.1.0")


def test_all_files_are_named_and_images_are_ours():
    there = {file.name for file in (PLACE / "base").glob("*.yaml")} - {"kustomization.yaml"}

    assert set(KUSTOMIZATION["resources"]) == there
    assert KUSTOMIZATION["labels"] == [{"pairs": OWN_LABEL, "includeSelectors": True}]
    images = {container["image"] for pod in pods() for container in pod["spec"]["containers"]}
    assert images == {image["name"] for image in KUSTOMIZATION["images"]}


@pytest.mark.parametrize(
    "pod", pods(), ids=lambda one: next(iter(one["metadata"]["labels"].values()))
)
def test_a_hole_in_a_pod_gains_little(pod):
    spec = pod["spec"]
    (container,) = spec["containers"]

    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]
    assert container["resources"]["requests"].keys() >= {"cpu", "memory"}


def test_secrets_are_files_and_settings_exist():
    (settings,) = (one["data"] for one in BASE if one["kind"] == "ConfigMap")
    for pod in pods():
        (container,) = pod["spec"]["containers"]
        told = settings | {one["name"]: one["value"] for one in container.get("env", ())}
        ours = {name.removeprefix("OPTOSCOPE_").lower() for name in told if "AWS" not in name}
        assert ours <= set(Settings.model_fields)
        assert not [
            name
            for name in told
            if name.endswith(("_URL", "PASSWORD", "TOKEN", "KEY")) and name != "OPTOSCOPE_STORE_URL"
        ]
        assert {"name": "secrets", "secret": {"secretName": "optoscope"}} in pod["spec"]["volumes"]


def test_probes_and_commands_are_those_of_the_program():
    for pod in pods():
        (container,) = pod["spec"]["containers"]
        probes = [container[one] for one in ("livenessProbe", "readinessProbe") if one in container]
        paths = [probe["httpGet"]["path"] for probe in probes if "httpGet" in probe]
        commands = [probe["exec"]["command"] for probe in probes if "exec" in probe]
        commands += [container["command"]] if "command" in container else []
        assert set(paths) <= {"/healthz", "/readyz"}
        assert all(program == "optoscope" and word in COMMANDS for program, word in commands)
        assert probes or pod["spec"].get("restartPolicy") == "OnFailure"


def test_a_pod_with_a_gpu_is_told_to_use_it():
    (worker,) = (one for one in on_gpus() if names(one) == ("Deployment", "optoscope-worker"))
    (container,) = worker["spec"]["template"]["spec"]["containers"]

    assert container["env"] == [{"name": "OPTOSCOPE_DEVICE", "value": "cuda"}]
    given = container["resources"]
    assert given["limits"]["nvidia.com/gpu"] == given["requests"]["nvidia.com/gpu"] == 1


def test_budgets_and_policies_are_of_our_pods_alone():
    labels = [pod["metadata"]["labels"] | OWN_LABEL for pod in pods()]
    deployed = [chosen(one["spec"]) for one in BASE if one["kind"] == "Deployment"]
    budgets = [chosen(one["spec"]) for one in BASE if one["kind"] == "PodDisruptionBudget"]
    policies = [one["spec"] for one in BASE if one["kind"] == "NetworkPolicy"]

    assert budgets == deployed
    for policy in policies:
        # An empty one would be of every pod of the namespace, of whatever program.
        wanted = policy["podSelector"]["matchLabels"]
        assert any(wanted.items() <= own.items() for own in labels)
    assert {"Ingress", "Egress"} <= {kind for policy in policies for kind in policy["policyTypes"]}
    assert all(rule["ports"] for policy in policies for rule in policy.get("egress", ()))
