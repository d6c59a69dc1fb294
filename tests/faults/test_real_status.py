"""H: what several clusters report about one object, on real API servers.

Custom resources, so that no controller there has another opinion than the tests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.envtest.planes import Plane
from tests.faults.definitions import WIDGETS, define_reporting, make_widget
from tests.faults.real import PATIENCE_S, RealStage, open_calm_stage
from tests.world.world import PLACEMENTS, Side, let_go
from tmcconsole.kube.cache.crd_informer import CRDS
from tmcconsole.kube.objects import Json, Kind, ObjectKey

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]


@pytest.fixture
async def widgets(real_hub: Plane, real_clusters: tuple[Plane, Plane]) -> AsyncIterator[RealStage]:
    """A widget on both clusters, each with one of two replicas ready."""
    async with open_calm_stage(real_hub, real_clusters, WIDGETS.id) as stage:
        sides = (stage.world.hub, *stage.world.clusters.values())
        try:
            for side in sides:
                await side.apply(CRDS, define_reporting())
            await stage.world.hub.apply(WIDGETS, make_widget(namespace=stage.space))
            for target in stage.names:
                await arrives(stage, target)
                await report(stage, target, readyReplicas=1)
            await shows(stage, replicas=4, readyReplicas=2)
            yield stage
        finally:
            await leaves(stage)
            for side in sides:
                await side.delete(CRDS, "", WIDGETS.id)
            for side in sides:
                await vanishes(stage, side, CRDS, "", WIDGETS.id)


async def arrives(stage: RealStage, target: str) -> None:
    async def there() -> Json | None:
        found: Json | None = await stage.world.clusters[target].get(WIDGETS, stage.space, "one")
        return found

    await stage.world.eventually(there, f"the widget on {target}", PATIENCE_S)


async def leaves(stage: RealStage) -> None:
    """Delete the widget while the engine runs and its kind is still served."""
    await stage.delete("one", kind=WIDGETS)

    await vanishes(stage, stage.world.hub, WIDGETS, stage.space, "one")


async def vanishes(stage: RealStage, side: Side, kind: Kind, space: str, name: str) -> None:
    async def gone() -> bool:
        return await side.get(kind, space, name) is None

    await stage.world.eventually(gone, f"{kind.id} {name} is gone", PATIENCE_S)


async def report(stage: RealStage, target: str, **status: int) -> None:
    """Write a copy's status, as the cluster's controllers do."""
    found = await stage.world.on(target, WIDGETS, stage.space, "one")
    seen = {"observedGeneration": found["metadata"]["generation"]}
    await stage.world.clusters[target].user.merge_patch(
        WIDGETS,
        ObjectKey(stage.space, "one"),
        {"status": seen | {"replicas": 2} | status},
        manager="controllers",
        subresource="status",
    )


async def status(stage: RealStage) -> Json:
    found = await stage.world.hub.get(WIDGETS, stage.space, "one")
    return dict((found or {}).get("status") or {})


async def shows(stage: RealStage, **wanted: Any) -> None:
    async def so() -> bool:
        found = await status(stage)
        return all(found.get(name, 0) == value for name, value in wanted.items())

    await stage.world.eventually(so, f"the hub shows {wanted}", PATIENCE_S)


async def test_H6_a_report_that_goes_back_to_an_older_generation_is_dropped(
    widgets: RealStage,
) -> None:
    east, west = widgets.names
    found = await widgets.world.hub.get(WIDGETS, widgets.space, "one")
    assert found is not None
    generation = found["metadata"]["generation"]
    await shows(widgets, observedGeneration=generation)
    await report(widgets, east, readyReplicas=0, observedGeneration=0)
    await report(widgets, west, readyReplicas=2)
    await report(widgets, east, readyReplicas=2)

    await shows(widgets, readyReplicas=4, observedGeneration=generation)


async def test_H7_two_clusters_that_report_differently_are_one_sum_and_nothing_stays_after(
    widgets: RealStage,
) -> None:
    await report(widgets, widgets.names[0], readyReplicas=2)
    await shows(widgets, replicas=4, readyReplicas=3)
    nothing = {"spec": {"namespaceSelector": {"matchLabels": {"app": "nothing"}}}}
    await widgets.world.hub.patch(PLACEMENTS, "", widgets.space, nothing)
    await let_go(widgets.world.hub, widgets.space)

    await shows(widgets, replicas=0, readyReplicas=0, observedGeneration=0)
    assert not any((await status(widgets)).values())
