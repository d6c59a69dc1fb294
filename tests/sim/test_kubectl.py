"""kubectl, unchanged and pinned, finds nothing to complain about."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio
import orjson
import pytest
import yaml

from tests.manifests import make_config_map, make_deployment
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.faces.http_face import serve
from tmcconsole.sim.faces.kubeconfig_file import write_kubeconfig

pytestmark = pytest.mark.anyio
KUBECTL = Path(sys.executable).with_name("kubectl")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Kubectl:
    """kubectl on one simulated cluster."""

    folder: Path
    cluster: SimCluster

    async def __call__(self, *arguments: str, fails: bool = False) -> str:
        """Return what it printed, including stderr if it is expected to fail."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.folder / "config"),
        }
        with anyio.fail_after(60):
            done = await anyio.run_process([str(KUBECTL), *arguments], check=False, env=environment)
        said = done.stdout.decode() + (done.stderr.decode() if fails else "")
        assert (done.returncode != 0) is fails, done.stderr.decode() or said
        return said

    def file(self, *trees: Mapping[str, object]) -> str:
        """Write objects to a file; return its name."""
        path = self.folder / "objects.yaml"
        path.write_text(yaml.safe_dump_all(dict(tree) for tree in trees))
        return str(path)


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    rng = random.Random(1)
    cluster = SimCluster("east", now=time.monotonic, wall=time.time, rng=rng)
    async with await serve(cluster) as served, anyio.create_task_group() as group:
        group.start_soon(cluster.run)
        write_kubeconfig(tmp_path / "config", name="east", url=served.url, token=served.token)
        yield Kubectl(tmp_path, cluster)
        group.cancel_scope.cancel()


async def test_discovers_versions_and_resources(kubectl: Kubectl) -> None:
    assert "Server Version: v1.36" in await kubectl("version")

    names = await kubectl("api-resources", "-o", "name")

    assert {"configmaps", "deployments.apps", "leases.coordination.k8s.io"} <= set(names.split())


async def test_get_in_every_format(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", kubectl.file(make_config_map(color="blue")))

    table = await kubectl("get", "configmap", "settings")
    wide = await kubectl("get", "cm", "settings", "-o", "wide", "--show-labels")
    path = await kubectl("get", "cm", "settings", "-o", "jsonpath={.data.color}")
    tree = yaml.safe_load(await kubectl("get", "cm", "settings", "-o", "yaml"))
    same = orjson.loads(await kubectl("get", "cm", "settings", "-o", "json"))

    assert table.split()[:5] == ["NAME", "DATA", "AGE", "settings", "1"]
    assert "<none>" in wide
    assert path == "blue"
    assert tree["data"] == same["data"] == {"color": "blue"}


async def test_apply_diff_and_apply_again(kubectl: Kubectl) -> None:
    file = kubectl.file(make_deployment(replicas=1))
    assert "created" in await kubectl("apply", "-f", file)
    assert "unchanged" in await kubectl("apply", "-f", file)

    changed = kubectl.file(make_deployment(replicas=3))
    assert "+  replicas: 3" in await kubectl("diff", "-f", changed, fails=True)
    assert "configured" in await kubectl("apply", "-f", changed)


async def test_server_side_apply_conflicts_until_forced(kubectl: Kubectl) -> None:
    await kubectl("apply", "--server-side", "-f", kubectl.file(make_config_map(color="blue")))
    theirs = ("apply", "--server-side", "--field-manager=theirs", "-f")
    file = kubectl.file(make_config_map(color="red"))

    refusal = await kubectl(*theirs, file, fails=True)
    forced = await kubectl(*theirs, file, "--force-conflicts")

    assert 'conflict with "kubectl": .data.color' in refusal
    assert "serverside-applied" in forced


async def test_rollout_wait_scale_and_delete(kubectl: Kubectl) -> None:
    await kubectl("create", "deployment", "web", "--image=nginx:1", "--replicas=2")

    assert "successfully rolled out" in await kubectl("rollout", "status", "deploy/web")
    await kubectl("set", "image", "deploy/web", "nginx=nginx:2")
    assert "successfully rolled out" in await kubectl("rollout", "status", "deploy/web")
    await kubectl("scale", "deploy/web", "--replicas=1")
    await kubectl("wait", "--for=jsonpath={.status.replicas}=1", "deploy/web")
    await kubectl("wait", "--for=condition=Available", "deploy/web")
    await kubectl("delete", "deploy/web", "--cascade=foreground")

    assert "deployment.apps/web" not in await kubectl("get", "all")


async def test_three_kinds_of_patch(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", kubectl.file(make_config_map(color="blue")))

    await kubectl("patch", "cm", "settings", "-p", '{"data":{"one":"1"}}')
    await kubectl("patch", "cm", "settings", "--type=merge", "-p", '{"data":{"color":null}}')
    add = '[{"op":"add","path":"/data/two","value":"2"}]'
    await kubectl("patch", "cm", "settings", "--type=json", "-p", add)

    data = await kubectl("get", "cm", "settings", "-o", "jsonpath={.data}")
    assert orjson.loads(data) == {"one": "1", "two": "2"}


async def test_describe_explain_and_events(kubectl: Kubectl) -> None:
    await kubectl("create", "deployment", "web", "--image=nginx:1")
    await kubectl("rollout", "status", "deploy/web")

    assert "ScalingReplicaSet" in await kubectl("describe", "deploy/web")
    assert "FIELD: metadata" in await kubectl("explain", "configmap.metadata")
    assert "Scheduled" in await kubectl("events")


async def test_custom_resource_from_definition_to_deletion(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", kubectl.file(make_definition()))
    await kubectl("wait", "--for=condition=Established", "crd/widgets.example.com")
    widget = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "one"},
        "spec": {"size": 3},
    }
    await kubectl("apply", "-f", kubectl.file(widget))

    assert (await kubectl("get", "wd")).split() == ["NAME", "SIZE", "one", "3"]
    assert "must be of type integer" in await kubectl(
        "patch", "wd", "one", "--type=merge", "-p", '{"spec":{"size":"big"}}', fails=True
    )
    assert "How big." in await kubectl("explain", "widget.spec.size")
    await kubectl("delete", "crd", "widgets.example.com")
    assert "could not find the requested resource" in await kubectl("get", "wd", fails=True)


async def test_token_requests_are_refused_clearly(kubectl: Kubectl) -> None:
    refusal = await kubectl("create", "token", "default", fails=True)

    assert "a simulated cluster issues no tokens" in refusal


async def test_may_i_is_answered(kubectl: Kubectl) -> None:
    assert (await kubectl("auth", "can-i", "create", "pods")).strip() == "yes"
    kubectl.cluster.faults.switch("forbidden", forbidden={("create", "pods")})

    assert "no" in await kubectl("auth", "can-i", "create", "pods", fails=True)


def make_definition() -> dict[str, object]:
    size = {"type": "integer", "description": "How big."}
    spec = {"type": "object", "properties": {"size": size}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
        "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [version],
        },
    }
