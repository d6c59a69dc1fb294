"""Who owns a field: the rules on real API servers, whose managedFields are the reference."""

from __future__ import annotations

import anyio
import pytest

from tests.faults.real import COPY, GREEN, RealStage
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, make_deployment
from tmcconsole.contract.commands import Accepted, AdoptDrift, CedeField
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import Json, ObjectKey

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]


async def edit(stage: RealStage, name: str = "settings", **data: str) -> None:
    """Change a ConfigMap on the first cluster, as somebody does there."""
    tree = {"metadata": {"name": name, "namespace": stage.space}, "data": data}
    await stage.world.clusters[stage.names[0]].apply(CONFIGMAPS, tree, manager="stranger")


async def annotate(stage: RealStage, name: str = "settings", **notes: str) -> None:
    keys = {f"syncer.kcp.io/{key.replace('_', '-')}": text for key, text in notes.items()}
    body: Json = {"metadata": {"annotations": keys}}
    await stage.world.hub.patch(CONFIGMAPS, stage.space, name, body)


async def stands(stage: RealStage, state: SyncState, reason: str, name: str = "settings") -> None:
    def so() -> bool:
        standing = stage.standing(stage.names[0], name)
        return (standing.state, standing.reason) == (state, reason)

    await stage.until(so, f"{name} is {state} {reason}")


async def fight(stage: RealStage) -> None:
    """Change a field back and forth until the engine gives way."""
    for number in range(9):
        await edit(stage, colour=f"red {number}")
        await anyio.sleep(0.7)
    await stands(stage, SyncState.REFUSED, "Fight")


async def test_B4_two_writers_end_with_one_condition_no_further_write_and_a_decision(
    stage: RealStage,
) -> None:
    target = stage.names[0]
    await stage.apply("settings", colour="blue")
    await stage.has({"colour": "blue"}, "settings", *stage.names)
    await fight(stage)
    before = len(stage.proxies[target].seen)
    for number in range(5):
        await edit(stage, colour=f"crimson {number}")
        await anyio.sleep(0.5)
    assert stage.asked(target, "PATCH", since=before) == []
    told = stage.standing(target, "settings").message
    assert told.startswith("data.colour: tmc-console wants 'blue', stranger wants 'red ")
    assert told.endswith(
        "; changed back and forth: stop the other writer, cede the field to it (annotation "
        "syncer.kcp.io/ignore-fields: /data/colour), or adopt its value"
    )
    assert stage.standing(stage.names[1], "settings").state is SyncState.IN_SYNC
    assert await stage.complaints() == {}  # a fight is trouble of the object, not of the target
    assert stage.open_errors() == []
    events = [one.event for one in stage.world.engine.history.records() if one.category == "drift"]
    assert events.count("Fight") == 1, events

    key = f"configmaps/{stage.space}/settings"
    reply = await stage.world.engine.request(AdoptDrift(key=key, target=target, actor="ada"))
    assert isinstance(reply, Accepted), reply
    await stage.has({"colour": "crimson 4"}, "settings", "hub", *stage.names)
    await stands(stage, SyncState.IN_SYNC, "")


async def test_B4_a_ceded_field_stays_as_the_cluster_has_it(stage: RealStage) -> None:
    target = stage.names[0]
    await stage.apply("settings", colour="blue")
    await stage.has({"colour": "blue"}, "settings", *stage.names)
    key = f"configmaps/{stage.space}/settings"
    reply = await stage.world.engine.request(CedeField(key=key, field="/data/colour", actor="ada"))
    assert isinstance(reply, Accepted), reply
    await edit(stage, colour="red")
    await stands(stage, SyncState.IN_SYNC, "FieldsLeft")
    await stage.world.hub.patch(CONFIGMAPS, stage.space, "settings", {"data": {"size": "XL"}})

    await stage.has({"colour": "red", "size": "XL"}, "settings", target)
    await stage.has({"colour": "blue", "size": "XL"}, "settings", stage.names[1])


async def test_B3_cluster_wins_merge_and_hub_wins_on_real_managed_fields(stage: RealStage) -> None:
    target = stage.names[0]
    for name, policy in (("one", "cluster-wins"), ("two", "merge"), ("three", "hub-wins")):
        await stage.apply(name, colour="blue")
        await annotate(stage, name, conflict_policy=policy)
        await stage.has({"colour": "blue"}, name, *stage.names)
    await anyio.sleep(1)
    for name in ("one", "two", "three"):
        await edit(stage, name, colour="red")
    await stage.has({"colour": "blue"}, "three", target)
    for name in ("one", "two"):
        await stands(stage, SyncState.IN_SYNC, "FieldsLeft", name)
        await stage.world.hub.patch(CONFIGMAPS, stage.space, name, {"data": {"colour": "green"}})

    await stands(stage, SyncState.DRIFTED, "MergeConflict", "two")
    await stage.has({"colour": "green"}, "one", stage.names[1])
    await stage.has({"colour": "red"}, "one", target)
    await stage.has({"colour": "red"}, "two", target)
    await stage.world.settle()
    await stands(stage, SyncState.DRIFTED, "MergeConflict", "two")  # until an operator decides


async def test_B4_replicas_scaled_by_an_autoscaler_are_not_fought(stage: RealStage) -> None:
    target = stage.names[0]
    await stage.world.hub.apply(DEPLOYMENTS, make_deployment("web", 1, stage.space))
    await stage.until(
        lambda: stage.standing(target, "web", DEPLOYMENTS).state is SyncState.IN_SYNC, "web"
    )
    user = stage.world.clusters[target].user
    before = len(stage.proxies[target].seen)
    key = ObjectKey(stage.space, "web")
    await user.scale(DEPLOYMENTS, key, 3, manager="kube-controller-manager")
    await stage.until(
        lambda: stage.standing(target, "web", DEPLOYMENTS).reason == "FieldsLeft", "left"
    )
    assert stage.asked(target, "PATCH", since=before) == []
    containers = [{"name": "main", "image": "registry.example/web:2"}]
    template: Json = {"spec": {"template": {"spec": {"containers": containers}}}}
    await stage.world.hub.patch(DEPLOYMENTS, stage.space, "web", template)

    async def is_new() -> bool:
        found = await stage.world.clusters[target].get(DEPLOYMENTS, stage.space, "web")
        spec = (found or {})["spec"]
        image: str = spec["template"]["spec"]["containers"][0]["image"]
        return image == "registry.example/web:2" and int(spec["replicas"]) == 3

    await stage.world.eventually(is_new, "a new image, and the replicas of the autoscaler", 30)


async def test_C6_what_is_the_same_is_adopted_and_what_is_not_left_alone(stage: RealStage) -> None:
    target = stage.names[0]
    side = stage.world.clusters[target]
    for name, data in (("same", COPY), ("other", GREEN)):
        await edit(stage, name, **data)
    theirs = await side.get(CONFIGMAPS, stage.space, "other")
    for name in ("same", "other"):
        notes = {"syncer.kcp.io/takeover": "IfNoDiff"}
        meta = {"name": name, "namespace": stage.space, "annotations": notes}
        await stage.world.hub.apply(CONFIGMAPS, {"metadata": meta, "data": COPY})
    await stands(stage, SyncState.IN_SYNC, "", "same")
    await stands(stage, SyncState.COLLISION, "Collision", "other")

    assert await side.get(CONFIGMAPS, stage.space, "other") == theirs
    assert [line for line in stage.world.audit.lines if b'"action":"adopt-copy"' in line]
