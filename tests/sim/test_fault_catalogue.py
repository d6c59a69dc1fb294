"""Every entry of the fault catalogue that can be simulated has a way to be simulated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from zlib import crc32

import anyio
import pytest

from tests.kube.scripted import CONFIG_MAPS, make_runtime
from tests.manifests import make_config_map, make_deployment
from tests.sim.talk import Api, Json
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.client.client import Client
from tmcconsole.runtime import Request
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.request.request_info import User
from tmcconsole.sim.storage.fault_injection import FAULTS

pytestmark = pytest.mark.anyio
PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"
ENTRIES = {
    "A": (1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 14, 15),
    "B": range(1, 15),
    "C": range(1, 13),
    "N": (3, 8),
    "E": (1, 2, 3, 4, 5, 9, 10),
    "F": (4,),
    "G": (1, 2, 3),
    "H": range(1, 10),
}
PARAMETERS = {name for spec in FAULTS.values() for name in spec.parameters} - set(FAULTS)
MAPS = "/api/v1/namespaces/default/configmaps"
ONE = f"{MAPS}/settings"
SHOP = "/api/v1/namespaces/shop"


def told() -> dict[str, str]:
    """Return how each entry is simulated, according to the page."""
    section = PAGE.read_text().partition("## Faults")[2]
    rows = re.findall(r"(?m)^\| ([A-Z]\d+) \|[^|]*\|(.*)\|$", section)
    return dict(rows)


def words_in(how: str) -> set[str]:
    """Return the quoted words that could be names of faults."""
    return set(re.findall(r"`([a-z_0-9]+)`", how)) - PARAMETERS


def test_the_page_tells_of_every_entry() -> None:
    wanted = [f"{letter}{number}" for letter, numbers in ENTRIES.items() for number in numbers]

    assert list(told()) == wanted


def test_every_fault_is_on_the_page() -> None:
    assert words_in(PAGE.read_text().partition("## Faults")[2]) >= set(FAULTS)


@pytest.mark.parametrize(
    ("entry", "name"),
    [(entry, name) for entry, how in told().items() for name in sorted(words_in(how))],
)
async def test_a_fault_that_the_page_names_can_be_switched(
    cluster: SimCluster, entry: str, name: str
) -> None:
    spec = FAULTS[name]
    chosen: dict[str, Any] = {
        key: {"pods"} for key, value in spec.parameters.items() if value == set()
    }
    cluster.faults.back_up()  # for what restores one

    cluster.faults.switch(name, **chosen)

    assert cluster.faults.active() == ([] if spec.is_action else [name])


async def make_namespace(api: Api) -> Json:
    tree = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    answer: Json = (await api.post("/api/v1/namespaces", tree)).body
    return answer


def make_held() -> Json:
    """Return an object that stays when it is deleted."""
    tree = make_config_map()
    tree["metadata"]["finalizers"] = ["example.com/hold"]
    return tree


async def test_A5_an_object_made_anew_has_another_uid(api: Api) -> None:
    first = (await api.post(MAPS, make_config_map())).body
    await api.delete(ONE)
    second = (await api.post(MAPS, make_config_map())).body

    assert first["metadata"]["uid"] != second["metadata"]["uid"]


async def test_B3_another_manager_conflicts_by_name(api: Api) -> None:
    await api.apply(ONE, make_config_map(color="blue"), "theirs")

    answer = await api.apply(ONE, make_config_map(color="red"), "ours")

    assert answer.status == 409
    assert answer.body["details"]["causes"][0]["field"] == ".data.color"


async def test_B4_a_field_can_be_flipped_for_ever(api: Api) -> None:
    await api.apply(ONE, make_config_map(color="blue"), "ours")
    for color in ("red", "green"):
        await api.patch(ONE, {"data": {"color": color}}, fieldManager="theirs")

    assert (await api.apply(ONE, make_config_map(color="blue"), "ours")).status == 409


async def test_B5_the_server_writes_more_than_it_was_told(api: Api) -> None:
    answer = await api.post("/apis/apps/v1/namespaces/default/deployments", make_deployment())

    assert answer.body["spec"]["strategy"]["type"] == "RollingUpdate"


async def test_B8_an_immutable_field_is_422(api: Api) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    await api.post(path, make_deployment())

    change = {"spec": {"selector": {"matchLabels": {"app": "other"}}}}
    answer = await api.patch(f"{path}/web", change)

    assert (answer.status, answer.body["reason"]) == (422, "Invalid")


async def test_B11_objects_and_annotations_have_a_limit(api: Api) -> None:
    wordy = make_config_map()
    wordy["metadata"]["annotations"] = {"a": "x" * 300_000}

    assert (await api.post(MAPS, wordy)).status == 422
    assert (await api.post(MAPS, make_config_map(all="x" * 1_100_000))).status == 422
    assert (await api.post(MAPS, make_config_map(all="x" * 3_200_000))).status == 413


async def test_B12_an_ending_namespace_takes_nothing_new(api: Api) -> None:
    await make_namespace(api)
    await api.post(f"{SHOP}/configmaps", make_held())
    await api.delete(SHOP)

    answer = await api.post(f"{SHOP}/configmaps", make_config_map("late"))

    assert answer.status == 403
    assert "because it is being terminated" in answer.body["message"]


async def test_B14_one_kind_is_taken_and_the_next_refused(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("forbidden", forbidden={("create", "deployments.apps")})

    first = await api.post(MAPS, make_config_map())
    second = await api.post("/apis/apps/v1/namespaces/default/deployments", make_deployment())

    assert (first.status, second.status) == (201, 403)


async def test_C3_a_finalizer_holds_a_deletion_up(api: Api) -> None:
    await api.post(MAPS, make_held())
    await api.delete(ONE)

    assert (await api.get(ONE)).body["metadata"]["deletionTimestamp"]


async def test_C4_a_deletion_of_the_old_uid_spares_the_new_object(api: Api) -> None:
    old = (await api.post(MAPS, make_config_map())).body
    await api.delete(ONE)
    await api.post(MAPS, make_config_map())

    answer = await api.delete(ONE, {"preconditions": {"uid": old["metadata"]["uid"]}})

    assert (answer.status, (await api.get(ONE)).status) == (409, 200)


async def test_C6_a_name_can_be_taken(api: Api) -> None:
    await api.post(MAPS, make_config_map())

    assert (await api.post(MAPS, make_config_map())).body["reason"] == "AlreadyExists"


async def test_C7_names_too_long_are_refused(api: Api) -> None:
    assert (await api.post(MAPS, make_config_map("x" * 254))).status == 422


async def test_C8_labels_can_be_stripped(api: Api) -> None:
    tree = make_config_map()
    tree["metadata"]["labels"] = {"ours": "yes"}
    await api.post(MAPS, tree)

    answer = await api.patch(ONE, {"metadata": {"labels": None}})

    assert "labels" not in answer.body["metadata"]


async def test_C10_another_cluster_has_another_identity(api: Api, cluster: SimCluster) -> None:
    before = (await api.get("/api/v1/namespaces/kube-system")).body["metadata"]["uid"]
    cluster.faults.switch("another_cluster")
    after = (await api.get("/api/v1/namespaces/kube-system")).body["metadata"]["uid"]
    listed = (await api.get("/api/v1/namespaces")).body["items"]

    uids = {item["metadata"]["name"]: item["metadata"]["uid"] for item in listed}
    assert before != after == uids["kube-system"]


async def test_E3_leases_can_be_kept_from_renewal(api: Api, cluster: SimCluster) -> None:
    leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}}
    made = (await api.post(leases, lease)).body
    cluster.faults.switch("forbidden", forbidden={("update", "leases.coordination.k8s.io")})

    assert (await api.put(f"{leases}/l", made)).status == 403


def test_F4_an_identity_without_a_role_may_do_nothing(cluster: SimCluster) -> None:
    answer = cluster.handle(Request("GET", MAPS), User("nobody"))

    assert getattr(answer, "status", None) == 403


async def test_G1_objects_are_malformed_in_many_ways(api: Api, cluster: SimCluster) -> None:
    names = [f"map-{number}" for number in range(60)]
    for name in names:
        await api.post(MAPS, make_config_map(name))
    cluster.faults.switch("malformed", malformed_share=0.5, malformed_resource="configmaps")

    raw = (await cluster.transport().request(Request("GET", MAPS))).body
    items = raw.partition(b'"items":')[2]

    assert 10 < sum(f'"name":"{name}"'.encode() in items for name in names) < 50
    assert all(mark in items for mark in (b'"metadata":null', b'"name":7', b"[[[[", b"99999999"))


async def test_G1_an_informer_keeps_to_the_sound_ones(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("malformed", malformed_share=0.5, malformed_resource="configmaps")
    for number in range(30):
        await api.post(MAPS, make_config_map(f"early-{number}"))
    informer = Informer(
        Client(cluster.transport(), name="east"),
        CONFIG_MAPS,
        make_runtime(),
        on_change=lambda *_: None,
        on_state=lambda *_: None,
    )
    async with anyio.create_task_group() as group:
        group.start_soon(informer.run)
        await informer.wait_synced()
        for number in range(30):
            await api.post(MAPS, make_config_map(f"late-{number}"))
        await anyio.sleep(1)
        group.cancel_scope.cancel()

    names = {cached.name for cached in informer.objects()}
    assert {
        f"{when}-{n}" for when in ("early", "late") for n in range(30) if sound(when, n)
    } <= names


def sound(when: str, number: int) -> bool:
    return crc32(f"{when}-{number}".encode()) % 100 >= 50


async def test_G1_objects_of_other_kinds_stay_sound(api: Api, cluster: SimCluster) -> None:
    cluster.faults.switch("malformed", malformed_share=1.0, malformed_resource="configmaps")

    listed = (await api.get("/api/v1/namespaces")).body["items"]

    assert {item["metadata"]["name"] for item in listed} >= {"default", "kube-system"}


async def test_G2_hostile_strings_are_stored_as_they_are(api: Api) -> None:
    hostile = "\x1b[2J\u202e[@click]"

    answer = await api.post(MAPS, make_config_map(text=hostile))

    assert answer.body["data"]["text"] == hostile
