"""C: deletion, identity and ownership. Nothing that is not ours is ever touched."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.faults.stage import Stage, open_shop, open_stage, strip_finalizers
from tests.simulation.loop import virtual_wall
from tests.world.world import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    SYNC_TARGETS,
    make_configmap,
    make_deployment,
    place_everywhere,
)
from tmcconsole.contract.commands import AllowDeletes
from tmcconsole.contract.records import ObjectRecord, SyncState, TargetRecord, TargetState
from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Request, Response

pytestmark = pytest.mark.anyio

MANY = tuple(f"map-{number:02}" for number in range(20))


async def put_foreign(world: Stage, cluster: str, name: str, **metadata: Any) -> Json:
    """Make somebody else's object on a cluster; return it as stored there."""
    tree = make_configmap(name, owner="somebody else")
    tree["metadata"] |= metadata
    await world.clusters[cluster].apply(CONFIGMAPS, tree, manager="stranger")
    found = world.copy(cluster, CONFIGMAPS, name)
    assert found
    return found


async def test_C1_deleted_while_a_cluster_is_away_waits_for_it() -> None:
    async with open_shop(("east", "west")) as world:
        world.sims["east"].faults.switch("outage")
        await anyio.sleep(30)
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await world.until(lambda: world.names_on("west") == [], "gone where it can be")
        await anyio.sleep(600)
        assert world.finalizers(CONFIGMAPS, "settings") == ["east"]
        record = (await world.records(ObjectRecord))[0]
        assert record.deleting_since > 0
        assert [cell.target for cell in record.cells] == ["east"]
        cell = record.cells[0]
        assert (cell.state, cell.reason) == (SyncState.DELETING, "AwaitingCluster")
        assert cell.since < virtual_wall() - 500

        world.sims["east"].faults.switch("outage", on=False)
        await world.until(lambda: world.names_on("hub") == [], "released", 60)
        assert world.names_on("east") == []


async def test_C1_a_restart_meanwhile_forgets_nothing() -> None:
    async with open_shop(("east", "west")) as world:
        world.sims["east"].faults.switch("outage")
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await world.restart()
        await anyio.sleep(300)
        assert world.finalizers(CONFIGMAPS, "settings") == ["east"]
        assert world.names_on("west") == []

        world.sims["east"].faults.switch("outage", on=False)
        await world.until(lambda: world.names_on("hub") == [], "released", 60)
        assert world.names_on("east") == []


async def test_C2_a_copy_deleted_by_somebody_comes_back_once() -> None:
    async with open_shop(("east", "west")) as world:
        await world.clusters["east"].delete(CONFIGMAPS, "shop", "settings")
        await world.until(lambda: world.names_on("east") == ["settings"], "back", 5)
        await world.settle()

        assert world.creations("east", CONFIGMAPS, "settings") == 2
        assert world.creations("west", CONFIGMAPS, "settings") == 1
        await world.rest()


async def test_C2_a_copy_that_is_gone_already_is_a_deletion_done() -> None:
    async with open_shop(("east",)) as world:
        world.sims["east"].faults.switch("silent_watches")
        await world.clusters["east"].delete(CONFIGMAPS, "shop", "settings")
        await world.hub.delete(CONFIGMAPS, "shop", "settings")

        await world.until(lambda: world.names_on("hub") == [], "released", 10)
        assert world.creations("east", CONFIGMAPS, "settings") == 1


async def test_C3_somebodys_finalizer_on_the_copy_keeps_the_original_too() -> None:
    async with open_shop(("east", "west")) as world:
        held = {"metadata": {"finalizers": ["backup.example/hold"]}}
        await world.clusters["east"].patch(CONFIGMAPS, "shop", "settings", held)
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await anyio.sleep(600)
        copy = world.copy("east", CONFIGMAPS, "settings")
        assert copy
        assert copy["metadata"]["finalizers"] == ["backup.example/hold"]
        assert world.finalizers(CONFIGMAPS, "settings") == ["east"]
        standing = world.standing("east")
        assert (standing.state, standing.reason) == (SyncState.DELETING, "AwaitingDeletion")
        assert len(world.deletions("east")) == 1

        free: Json = {"metadata": {"finalizers": None}}
        await world.clusters["east"].patch(CONFIGMAPS, "shop", "settings", free)
        await world.until(lambda: world.names_on("hub") == [], "released", 5)


async def test_C4_a_deletion_that_races_with_a_recreation_spares_the_new_object() -> None:
    async with open_shop(("east",)) as world:
        raced = False

        def recreate_first(cluster: str, request: Request) -> Response | None:
            nonlocal raced
            if cluster == "east" and request.method == "DELETE" and not raced:
                raced = True
                path = request.path
                sim = world.sims["east"]
                sim.handle(Request("DELETE", path))
                body = b'{"metadata":{"name":"settings"},"data":{"owner":"somebody else"}}'
                where = path.rpartition("/")[0]
                sim.handle(Request("POST", where, body=body, content_type="application/json"))
            return None

        world.meddle = recreate_first
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await world.until(lambda: world.names_on("hub") == [], "released", 60)
        await anyio.sleep(60)

        assert raced
        assert world.data_on("east") == {"owner": "somebody else"}
        assert [one.status for one in world.deletions("east")] == [409]


async def test_C4_a_deletion_whose_reply_was_lost_does_not_kill_the_successor() -> None:
    async with open_shop(("east",)) as world:
        world.sims["east"].faults.switch("lost_reply", lost_reply_next=1)
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await world.until(lambda: world.names_on("hub") == [], "released")
        await world.hub.apply(CONFIGMAPS, make_configmap(taste="sour"))
        await world.until(lambda: world.data_on("east") == {"taste": "sour"}, "recreated")
        await anyio.sleep(300)

        assert world.data_on("east") == {"taste": "sour"}
        assert len(world.deletions("east")) <= 2
        assert world.creations("east", CONFIGMAPS, "settings") == 2


async def test_C5_a_namespace_made_anew_gets_nothing_of_the_old_one() -> None:
    async with open_shop(("east",), maps=("old", "settings")) as world:
        world.sims["east"].faults.switch("outage")
        await world.hub.delete(NAMESPACES, "", "shop")
        await anyio.sleep(30)
        for name in ("old", "settings"):
            await strip_finalizers(world, CONFIGMAPS, name)
        await world.until(lambda: world.copy("hub", NAMESPACES, "shop", "") is None, "gone")
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap(taste="sour"))
        await anyio.sleep(30)
        world.sims["east"].faults.switch("outage", on=False)

        await world.until(lambda: world.names_on("east") == ["settings"], "the new", 120)
        await world.until(lambda: world.data_on("east") == {"taste": "sour"}, "the new", 60)


@pytest.mark.thorough
async def test_C6_a_foreign_object_of_our_name_is_left_alone_and_named() -> None:
    async with open_stage(("east", "west")) as world:
        await world.clusters["east"].apply(NAMESPACES, {"metadata": {"name": "shop"}})
        theirs = await put_foreign(world, "east", "settings")
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap())
        await world.until(lambda: bool(world.data_on("west")), "west")
        await anyio.sleep(600)
        began = world.now()
        await anyio.sleep(3000)

        assert world.copy("east", CONFIGMAPS, "settings") == theirs
        standing = world.standing("east")
        assert (standing.state, standing.reason) == (SyncState.COLLISION, "Collision")
        tried = [one for one in world.writes("east") if one.path.endswith("/settings")]
        assert len(tried) == 1
        reads = [one for one in world.tried if one.path == tried[0].path and not one.is_write]
        assert len([one for one in reads if one.cluster == "east" and one.at > began]) <= 5


async def test_C6_a_collision_ends_when_the_foreign_object_goes() -> None:
    async with open_stage(("east",)) as world:
        await world.clusters["east"].apply(NAMESPACES, {"metadata": {"name": "shop"}})
        await put_foreign(world, "east", "settings")
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap())
        await world.until(lambda: world.standing("east").state is SyncState.COLLISION)
        await world.clusters["east"].delete(CONFIGMAPS, "shop", "settings")

        await world.until(lambda: world.data_on("east") == {"colour": "blue"}, "ours", 660)


async def test_C6_deleting_the_original_spares_the_foreign_object() -> None:
    async with open_stage(("east",)) as world:
        await world.clusters["east"].apply(NAMESPACES, {"metadata": {"name": "shop"}})
        theirs = await put_foreign(world, "east", "settings")
        await place_everywhere(world)
        await world.hub.apply(CONFIGMAPS, make_configmap())
        await world.until(lambda: world.standing("east").state is SyncState.COLLISION)
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await world.until(lambda: world.names_on("hub") == [], "released", 30)

        assert world.copy("east", CONFIGMAPS, "settings") == theirs
        assert world.deletions() == []


async def test_C8_a_copied_marker_makes_nothing_ours() -> None:
    async with open_shop(("east",), maps=("one", "settings", "two")) as world:
        copy = world.copy("east", CONFIGMAPS, "settings")
        assert copy
        marks = {name: copy["metadata"][name] for name in ("labels", "annotations")}
        theirs = await put_foreign(world, "east", "a-copy-by-hand", **marks)
        await anyio.sleep(120)
        await world.restart()
        await anyio.sleep(120)

        assert world.copy("east", CONFIGMAPS, "a-copy-by-hand") == theirs
        assert world.deletions() == []


async def test_C8_a_marker_stripped_from_our_copy_is_put_back_and_nothing_is_lost() -> None:
    async with open_shop(("east",)) as world:
        before = world.copy("east", CONFIGMAPS, "settings")
        bare = {"metadata": {"labels": {"internal.workload.kcp.io/cluster": None}}}
        await world.clusters["east"].patch(CONFIGMAPS, "shop", "settings", bare)
        await anyio.sleep(60)
        after = world.copy("east", CONFIGMAPS, "settings")
        assert before
        assert after
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert after["metadata"].get("labels") == before["metadata"]["labels"]
        await world.hub.delete(CONFIGMAPS, "shop", "settings")
        await world.until(lambda: world.names_on("hub") == [], "released", 30)

        assert world.names_on("east") == []


async def test_C10_another_cluster_behind_the_address_gets_nothing() -> None:
    async with open_shop(("east", "west"), maps=MANY) as world:
        world.replace_cluster("east")
        world.sims["east"].faults.switch("outage")
        await anyio.sleep(60)
        world.sims["east"].faults.switch("outage", on=False)
        began = world.now()
        await world.paint("green", "map-03")
        await anyio.sleep(600)

        assert world.writes("east", began) == []
        assert world.deletions() == []
        assert sorted(world.finalizers(CONFIGMAPS, "map-03")) == ["east", "west"]
        record = next(r for r in await world.records(TargetRecord) if r.name == "east")
        assert (record.state, record.reason) == (TargetState.REFUSED, "IdentityChanged")
        assert world.data_on("west", "map-03") == {"colour": "green"}


async def test_C10_another_cluster_that_answers_at_once_is_found_out_too() -> None:
    async with open_shop(("east", "west"), maps=MANY) as world:
        old = world.sims["east"]
        world.replace_cluster("east")
        old.faults.switch("cut_watches", mid_line=True)
        await world.paint("green", "map-03")
        await anyio.sleep(120)

        assert world.names_on("east") == []
        assert world.deletions() == []
        record = next(r for r in await world.records(TargetRecord) if r.name == "east")
        assert (record.state, record.reason) == (TargetState.REFUSED, "IdentityChanged")


async def test_C10_a_hub_that_lost_everything_loses_no_fleet() -> None:
    async with open_shop(("east",), maps=MANY) as world:
        hub = world.sims["hub"]
        hub.faults.switch("outage")
        for name in MANY:
            await world.hub.delete(CONFIGMAPS, "shop", name)
            await strip_finalizers(world, CONFIGMAPS, name)
        hub.faults.switch("compact")
        await anyio.sleep(60)
        hub.faults.switch("outage", on=False)
        await anyio.sleep(3600)
        assert world.deletions() == []
        assert world.names_on("east") == list(MANY)
        record = (await world.records(TargetRecord))[0]
        assert record.deletes_held == len(MANY)

        await world.engine.request(AllowDeletes(target="east", actor="ada"))
        await world.until(lambda: world.names_on("east") == [], "what a person allowed", 60)


async def test_C10_deletions_one_by_one_stop_at_the_brake() -> None:
    async with open_shop(("east",), maps=MANY, brake_deletes=1) as world:
        for name in MANY:
            await world.hub.delete(CONFIGMAPS, "shop", name)
        await anyio.sleep(590)

        assert len(world.names_on("east")) == 10
        assert len(world.names_on("hub")) == 10
        assert (await world.records(TargetRecord))[0].deletes_held == 10


async def test_C10_a_hub_that_may_not_be_read_any_more_deletes_nothing() -> None:
    async with open_shop(("east",), maps=MANY) as world:
        every = {("*", "configmaps"), ("*", "namespaces"), ("*", "placements.scheduling.kcp.io")}
        world.sims["hub"].faults.switch("forbidden", forbidden=every)
        world.sims["hub"].faults.switch("compact")
        world.sims["hub"].faults.switch("cut_watches")
        await anyio.sleep(300)
        await world.restart()
        await anyio.sleep(300)

        assert world.deletions() == []
        assert world.names_on("east") == list(MANY)


async def test_C11_the_finalizer_is_there_before_the_copy() -> None:
    async with open_shop(("east", "west"), maps=MANY) as world:
        seen: dict[str, set[str]] = {}
        for one in world.committed:
            if one.kind == "configmaps" and one.cluster == "hub" and one.new:
                seen[one.name] = set(one.new["metadata"].get("finalizers") or ())
            if one.kind == "configmaps" and one.cluster != "hub" and one.by_engine:
                assert f"workload.kcp.io/syncer-{world.key_of(one.cluster)}" in seen[one.name]
        assert len(seen) == len(MANY)


async def test_C11_an_orphan_of_an_earlier_life_is_found_and_removed() -> None:
    async with open_shop(("east",), maps=("kept", "orphan", "settings")) as world:
        await world.stop()
        await world.hub.delete(CONFIGMAPS, "shop", "orphan")
        await strip_finalizers(world, CONFIGMAPS, "orphan")
        world.start()

        await world.until(lambda: world.names_on("east") == ["kept", "settings"], "swept", 60)
        assert len(world.deletions("east")) == len(world.audited_deletes()) == 1


async def test_C12_owners_of_the_hub_own_nothing_on_a_cluster() -> None:
    async with open_shop(("east",)) as world:
        owner = world.copy("hub", CONFIGMAPS, "settings")
        assert owner
        owned = make_configmap("owned")
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "settings"}
        owned["metadata"]["ownerReferences"] = [{**reference, "uid": owner["metadata"]["uid"]}]
        await world.hub.apply(CONFIGMAPS, owned)
        await world.until(lambda: "owned" in world.names_on("east"), "copied")
        await anyio.sleep(60)

        copy = world.copy("east", CONFIGMAPS, "owned")
        assert copy
        assert "ownerReferences" not in copy["metadata"]


async def test_C12_a_deployment_takes_its_pods_with_it() -> None:
    async with open_shop(("east",)) as world:
        await world.hub.apply(DEPLOYMENTS, make_deployment())
        await world.until(lambda: len(world.sims["east"].store.trees("pods", "shop")) == 2, "pods")
        await world.hub.delete(DEPLOYMENTS, "shop", "web")
        await world.until(lambda: world.copy("hub", DEPLOYMENTS, "web") is None, "released", 60)

        await world.until(lambda: not world.sims["east"].store.trees("pods", "shop"), "ended", 60)
        assert SYNC_TARGETS.id not in [one.kind for one in world.committed if one.verb == "delete"]
