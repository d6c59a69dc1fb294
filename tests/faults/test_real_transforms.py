"""Transforms and the order of dependencies on real API servers."""

from __future__ import annotations

import pytest

from tests.faults.real import RealStage, refusal
from tests.world.world import CONFIGMAPS, DEPLOYMENTS, PLACEMENTS, make_deployment
from tmcconsole.contract.records import SyncState
from tmcconsole.kube.objects import Json

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]


async def declare(stage: RealStage, *tables: Json) -> None:
    """Declare transforms in the Placement."""
    await stage.world.hub.patch(PLACEMENTS, "", stage.space, {"spec": {"transforms": list(tables)}})


async def test_objects_are_transformed_in_order_and_only_what_differs_is_written(
    stage: RealStage,
) -> None:
    first, second = stage.names
    await stage.apply("config", colour="blue")
    mirror = {"name": "mirror", "images": {"registry.example": "{target.name}.example"}}
    green = {"name": "green", "names": ["config"], "targets": [first], "set": {"data.colour": "g"}}
    conflict = refusal(503, "ServiceUnavailable", "not now")
    rules = stage.proxies[first].rules
    rules.on(conflict, methods=("PATCH",), path=f"{stage.space}/configmaps/late", times=2)
    web = make_deployment(namespace=stage.space)
    pod = web["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "late", "configMap": {"name": "late"}}]

    await declare(stage, mirror, green)
    await stage.world.hub.apply(DEPLOYMENTS, web)
    await stage.apply("late", colour="late")
    await stage.has({"colour": "g"}, "config", first)
    await stage.has({"colour": "blue"}, "config", second)
    for name in stage.names:
        copy = await stage.world.on(name, DEPLOYMENTS, stage.space, "web")
        image = copy["spec"]["template"]["spec"]["containers"][0]["image"]
        assert image == f"{name}.example/web:1"
        sent = [path.rpartition("/")[2] for path in stage.asked(name, "PATCH")]
        plain = [path.partition("?")[0] for path in sent]
        assert plain.index("web") > max(i for i, one in enumerate(plain) if one == "late")

    await stage.until(
        lambda: all(
            stage.standing(name, "web", DEPLOYMENTS).state is SyncState.IN_SYNC
            for name in stage.names
        ),
        "all in sync",
    )
    marks = {name: len(stage.proxies[name].seen) for name in stage.names}
    await declare(stage, {**mirror, "name": "renamed"}, green)
    await declare(stage, {**mirror, "name": "renamed"})
    await stage.has({"colour": "blue"}, "config", first)
    await stage.until(
        lambda: stage.standing(first, "config", CONFIGMAPS).state is SyncState.IN_SYNC, "taken back"
    )

    assert stage.asked(second, "PATCH", since=marks[second]) == []
    again = [path.partition("?")[0] for path in stage.asked(first, "PATCH", since=marks[first])]
    assert [path.rpartition("/")[2] for path in again] == ["config"]


async def test_a_placement_takes_what_is_referred_to_from_a_real_hub(stage: RealStage) -> None:
    web = make_deployment(namespace=stage.space)
    pod = web["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "used", "configMap": {"name": "used"}}]
    await stage.apply("used", colour="used")
    await stage.has({"colour": "used"}, "used", *stage.names)

    takes = {"spec": {"dependencies": "Referenced"}}
    await stage.world.hub.patch(PLACEMENTS, "", stage.space, takes)
    await stage.has(None, "settings", *stage.names)
    await stage.world.hub.apply(DEPLOYMENTS, web)
    await stage.has({"colour": "used"}, "used", *stage.names)

    await stage.has({"colour": "blue"}, "settings", "hub")
