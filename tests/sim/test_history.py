"""Earlier states of a server: lists of an earlier version, a restored backup."""

from __future__ import annotations

import pytest

from tests.manifests import make_config_map, make_deployment
from tests.sim.living import ready, until
from tests.sim.talk import Answer, Api, Json, make_cluster
from tests.sim.test_writing import CRDS, make_definition
from tmcconsole.sim.faces.cluster import SimCluster

pytestmark = pytest.mark.anyio
MAPS = "/api/v1/namespaces/default/configmaps"


def names(listed: Answer) -> list[str]:
    return [item["metadata"]["name"] for item in listed.body["items"]]


async def test_an_exact_version_is_listed_as_it_was(api: Api) -> None:
    for name in ("a", "b"):
        await api.post(MAPS, make_config_map(name))
    then = (await api.get(MAPS)).body["metadata"]["resourceVersion"]
    await api.delete(f"{MAPS}/a")
    await api.patch(f"{MAPS}/b", {"data": {"color": "red"}})
    await api.post(MAPS, make_config_map("c"))

    exact = await api.get(MAPS, resourceVersion=then, resourceVersionMatch="Exact")

    assert names(exact) == ["a", "b"]
    assert exact.body["metadata"]["resourceVersion"] == then
    assert exact.body["items"][1]["data"] == {"color": "blue"}


async def test_an_exact_version_from_before_the_history_is_410(
    api: Api, cluster: SimCluster
) -> None:
    then = (await api.post(MAPS, make_config_map("a"))).body["metadata"]["resourceVersion"]
    await api.post(MAPS, make_config_map("b"))
    cluster.faults.compact()

    answer = await api.get(MAPS, resourceVersion=then, resourceVersionMatch="Exact")

    assert (answer.status, answer.body["reason"]) == (410, "Expired")


async def test_C10_a_restored_backup_is_the_past_with_its_versions(
    api: Api, cluster: SimCluster
) -> None:
    await api.post(MAPS, make_config_map("old", color="blue"))
    before = (await api.get(MAPS)).body
    cluster.faults.switch("back_up")
    await api.patch(f"{MAPS}/old", {"data": {"color": "red"}})
    await api.post(MAPS, make_config_map("new"))
    await api.post(CRDS, make_definition())
    cluster.faults.switch("restore")

    assert (await api.get(MAPS)).body == before
    assert (await api.get("/apis/example.com/v1/widgets")).status == 404
    made = await api.post(MAPS, make_config_map("later"))
    assert int(made.body["metadata"]["resourceVersion"]) > int(
        before["metadata"]["resourceVersion"]
    )


async def test_C10_there_must_be_a_backup_to_restore(cluster: SimCluster) -> None:
    with pytest.raises(ValueError, match="switch back_up on first"):
        cluster.faults.switch("restore")


async def test_C10_controllers_go_on_from_a_restored_backup(living: SimCluster, api: Api) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    await api.post(path, make_deployment(replicas=1))
    await until(living, ready(living, 1))
    living.faults.switch("back_up")
    await api.patch(f"{path}/web", {"spec": {"replicas": 3}})
    await until(living, ready(living, 3))
    living.faults.switch("restore")

    assert len(living.store.items("pods")) == 1
    await api.patch(f"{path}/web", {"spec": {"replicas": 2}})
    await until(living, ready(living, 2))


def with_versions(definition: Json, **served: bool) -> Json:
    """Return a definition with those versions; the last one is stored."""
    first = definition["spec"]["versions"][0]
    versions = [{**first, "name": name, "served": is_on} for name, is_on in served.items()]
    for version in versions:
        version["storage"] = version is versions[-1]
    return {**definition, "spec": {**definition["spec"], "versions": versions}}


async def test_A14_a_kind_changes_its_served_version_and_keeps_its_objects(api: Api) -> None:
    definition = with_versions(make_definition(size={"type": "integer"}), v1=True, v2=True)
    await api.post(CRDS, definition)
    group = definition["spec"]["group"]
    plural = definition["spec"]["names"]["plural"]
    kind = definition["spec"]["names"]["kind"]
    path = f"/apis/{group}/{{}}/namespaces/default/{plural}"
    tree = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "one"}}
    made = (await api.post(path.format("v1"), {**tree, "spec": {"size": 3}})).body
    name = definition["metadata"]["name"]
    versions = with_versions(definition, v1=False, v2=True)["spec"]["versions"]
    await api.patch(f"{CRDS}/{name}", {"spec": {"versions": versions}})

    old, new = await api.get(path.format("v1")), await api.get(path.format("v2"))

    assert old.status == 404
    assert new.body["items"][0]["metadata"]["uid"] == made["metadata"]["uid"]
    assert new.body["items"][0]["apiVersion"] == f"{group}/v2"
    groups = (await api.get(f"/apis/{group}")).body["versions"]
    assert [entry["version"] for entry in groups] == ["v2"]


def test_every_cluster_has_its_own_backup() -> None:
    east, west = make_cluster(name="east"), make_cluster(name="west")
    east.faults.back_up()

    with pytest.raises(ValueError, match="no backup"):
        west.faults.restore()
