"""A real API server lets the entry of another manager go with the apply that brings back ours."""

from __future__ import annotations

import time

import pytest

from tests.engine.test_dependencies import SERVICES
from tests.envtest.api import fresh_name
from tests.envtest.planes import Plane
from tests.world.world import NAMESPACES
from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.credentials import dial
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import Invalid
from tmcconsole.kube.objects import Json, ObjectKey
from tmcconsole.kube.paths import object_path
from tmcconsole.sync.conflicts.foreign_entries import claim, foreign_entries
from tmcconsole.sync.names.markers import MANAGER

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]


@pytest.mark.parametrize("named", [{"name": "http"}, {}], ids=["named", "unnamed"])
async def test_an_edited_port_goes_with_the_apply_of_ours(real_hub: Plane, named: Json) -> None:
    access = ClusterAccess(real_hub.kubeconfig)
    client = Client(await dial(access, now=time.monotonic, wall=time.time), name="hub")
    try:
        key = ObjectKey(fresh_name("rekeyed"), "web")
        await client.create(NAMESPACES, {"metadata": {"name": key.namespace}}, manager="test")
        tree: Json = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": key.name, "namespace": key.namespace},
            "spec": {"ports": [{**named, "port": 80, "protocol": "TCP"}]},
        }
        await client.apply(SERVICES, tree, manager=MANAGER)
        edited = {"spec": {"ports": [{**named, "port": 81, "protocol": "TCP"}]}}
        await client.merge_patch(SERVICES, key, edited, manager="kubectl-edit")
        with pytest.raises(Invalid) as refused:
            await client.apply(SERVICES, tree, manager=MANAGER)

        live = await client.get_json(object_path(SERVICES, key))
        entries = foreign_entries(refused.value, live, tree)
        assert [(one.steps, one.owner) for one in entries] == [
            (("spec", "ports", 0), "kubectl-edit")
        ]
        await client.json_patch(SERVICES, key, claim(live, entries), manager=MANAGER)
        after = await client.apply(SERVICES, tree, manager=MANAGER, force=True)

        assert [port["port"] for port in after.decode()["spec"]["ports"]] == [80]
        left = (await client.get_json(object_path(SERVICES, key)))["metadata"]["managedFields"]
        assert [(one["manager"], one["operation"]) for one in left] == [(MANAGER, "Apply")]
    finally:
        await client.aclose()
