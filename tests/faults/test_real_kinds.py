"""Kinds that come, go or do not fit, and revoked verbs, on real API servers."""

from __future__ import annotations

import pytest

from tests.envtest.planes import Plane
from tests.faults.definitions import TEXT, WIDGETS, define, make_widget
from tests.faults.real import RealStage, open_real_stage, refusal
from tests.world.world import Side
from tmcconsole.contract.records import KindState, SyncState
from tmcconsole.kube.cache.crd_informer import CRDS
from tmcconsole.kube.errors import NotFound

pytestmark = [pytest.mark.anyio, pytest.mark.envtest]

COPY = {"colour": "blue"}
GREEN = {"colour": "green"}


async def test_A14_a_definition_comes_narrows_goes_and_returns(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    async with open_real_stage(real_hub, real_clusters, WIDGETS.id) as stage:
        target = stage.names[0]
        hub, cluster = stage.world.hub, stage.world.clusters[target]
        await stage.apply("settings", **COPY)
        await stage.has(COPY, "settings", *stage.names)
        try:
            for side in (hub, *stage.world.clusters.values()):
                await side.apply(CRDS, define())
            await _make_widget(stage, hub)
            await _is(stage, target, SyncState.IN_SYNC)
            await cluster.apply(CRDS, define("v1", size=TEXT))
            await stage.until(
                lambda: _kind(stage, target) is KindState.INCOMPATIBLE, "named as incompatible"
            )
            await cluster.apply(CRDS, define())
            await _is(stage, target, SyncState.IN_SYNC)
            await cluster.delete(CRDS, "", WIDGETS.id)
            await stage.until(lambda: _kind(stage, target) is KindState.GONE, "gone")
            text = (
                f"{WIDGETS.id}: Gone: {target} does not serve {WIDGETS.id} now; "
                "its copies are left alone until it does"
            )
            await stage.sole_complaint(target, "APIImportsReady", "KindsMissing", text)
            await stage.apply("settings", **GREEN)
            await stage.has(GREEN, "settings", *stage.names)
            await cluster.apply(CRDS, define())
            await _is(stage, target, SyncState.IN_SYNC)

            assert stage.asked(target, "DELETE") == []
            await stage.no_complaint()
            await stage.until(lambda: stage.open_errors() == [], "no error is left")
            await hub.delete(WIDGETS, stage.space, "one")

            async def gone() -> bool:
                return await hub.get(WIDGETS, stage.space, "one") is None

            await stage.world.eventually(gone, "taken away", 60)
        finally:
            for side in (hub, *stage.world.clusters.values()):
                if await side.get(CRDS, "", WIDGETS.id):
                    await side.delete(CRDS, "", WIDGETS.id)


async def test_F3_a_verb_that_is_refused_is_one_condition_and_deletes_nothing(
    real_hub: Plane, real_clusters: tuple[Plane, Plane]
) -> None:
    async with open_real_stage(real_hub, real_clusters) as stage:
        target = stage.names[0]
        await stage.apply("settings", **COPY)
        await stage.has(COPY, "settings", *stage.names)
        denied = refusal(403, "Forbidden", "configmaps is forbidden")
        rule = stage.proxies[target].rules.on(denied, path="/api/v1/configmaps")
        stage.proxies[target].listener.reset_connections()

        await stage.sole_complaint(target, "SyncerAuthorized", "SyncerUnauthorized")
        assert await stage.data(target, "settings") == COPY
        assert stage.asked(target, "DELETE") == []
        stage.proxies[target].rules.off(rule)

        await stage.no_complaint(90)
        await stage.apply("settings", **GREEN)
        await stage.has(GREEN, "settings", target)


async def _make_widget(stage: RealStage, hub: Side) -> None:
    async def made() -> bool:
        try:
            await hub.apply(WIDGETS, make_widget(namespace=stage.space))
        except NotFound:  # not established yet
            return False
        return True

    await stage.world.eventually(made, "a widget in the hub", 30)


async def _is(stage: RealStage, target: str, state: SyncState) -> None:
    await stage.until(
        lambda: stage.standing(target, "one", WIDGETS).state is state, f"the widget is {state}"
    )


def _kind(stage: RealStage, target: str) -> KindState | None:
    found = stage.world.engine.supervisors[target].kinds.shown.get(WIDGETS.id)
    return found.state if found else None
