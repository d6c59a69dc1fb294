"""What the hub's one writer sends or refuses to send, and what the mirror knows afterwards."""

from __future__ import annotations

import random
from dataclasses import dataclass

import anyio
import pytest

from tests.world.world import CONFIGMAPS, still_runtime
from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import BadRequest, Conflict, NotFound
from tmcconsole.kube.objects import NAMESPACES, CachedObject, Json, Kind, ObjectKey
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sync.assignment.duties import HUB, acting_for
from tmcconsole.sync.queue.concurrency_limit import ConcurrencyLimit
from tmcconsole.sync.state.hub_writer import HubWriter

KEY = ObjectKey("default", "settings")
NOTE: Json = {"metadata": {"labels": {"note": "1"}}}


@dataclass
class Stage:
    user: Client
    writer: HubWriter
    limit: ConcurrencyLimit
    mirror: Informer

    async def put(self, **metadata: object) -> CachedObject:
        tree = {"metadata": {"name": KEY.name, "namespace": KEY.namespace, **metadata}}
        return await self.user.create(CONFIGMAPS, tree, manager="people")

    async def live(self) -> Json:
        return (await self.user.get(CONFIGMAPS, KEY)).decode()


@pytest.fixture
def stage() -> Stage:
    sim = SimCluster("hub", now=lambda: 0.0, wall=lambda: 0.0, rng=random.Random(1))
    client, runtime = Client(sim.transport(), name="hub"), still_runtime()
    limit = ConcurrencyLimit(runtime.now, runtime.sleep, most=1)
    mirror = Informer(client, CONFIGMAPS, runtime, on_change=lambda *_change: None)
    user = Client(sim.transport(), name="people")
    return Stage(user, HubWriter(client, limit), limit, mirror)


@pytest.mark.anyio
async def test_a_patch_of_whatever_has_the_name_is_not_sent(stage: Stage) -> None:
    await stage.put()

    with acting_for(HUB), pytest.raises(BadRequest, match="without its uid"):
        await stage.writer.merge_patch(CONFIGMAPS, KEY, NOTE, into=None)
    assert "labels" not in (await stage.live())["metadata"]


@pytest.mark.anyio
async def test_another_object_of_the_name_is_left_alone(stage: Stage) -> None:
    await stage.put()

    with acting_for(HUB), pytest.raises(Conflict):
        await stage.writer.merge_patch(CONFIGMAPS, KEY, NOTE, into=None, resource_version="1")
    assert "labels" not in (await stage.live())["metadata"]


@pytest.mark.anyio
async def test_a_write_in_nobodys_name_is_not_sent_by_a_lone_engine_either(stage: Stage) -> None:
    seen = await stage.put()

    with pytest.raises(RuntimeError, match="nobody's name"):
        await stage.writer.merge_patch(CONFIGMAPS, KEY, NOTE, into=None, uid=seen.uid)
    with pytest.raises(RuntimeError, match="nobody's name"):
        await stage.writer.delete(CONFIGMAPS, seen)
    assert (await stage.live())["metadata"]["uid"] == seen.uid
    assert "labels" not in (await stage.live())["metadata"]


@pytest.mark.anyio
async def test_what_is_read_next_is_not_older_than_what_was_written(stage: Stage) -> None:
    seen = await stage.put()
    stage.mirror.observe(seen)

    with acting_for(HUB):
        await stage.writer.merge_patch(CONFIGMAPS, KEY, NOTE, into=stage.mirror, uid=seen.uid)
    known = stage.mirror.get(KEY)
    assert known is not None
    assert known.decode()["metadata"]["labels"] == {"note": "1"}


@pytest.mark.anyio
async def test_an_object_that_ends_with_its_last_finalizer_leaves_the_mirror(stage: Stage) -> None:
    seen = await stage.put(finalizers=["example.com/keep"])
    stage.mirror.observe(seen)
    await stage.user.delete(CONFIGMAPS, KEY, uid=seen.uid)

    free: Json = {"metadata": {"finalizers": []}}
    with acting_for(HUB):
        await stage.writer.merge_patch(CONFIGMAPS, KEY, free, into=stage.mirror, uid=seen.uid)
    assert stage.mirror.get(KEY) is None
    with pytest.raises(NotFound):
        await stage.live()


@pytest.mark.anyio
async def test_a_namespace_stays_in_the_mirror_until_its_own_finalizers_go(stage: Stage) -> None:
    tree: Json = {"metadata": {"name": "shop"}}
    seen = await stage.user.create(NAMESPACES, tree, manager="people")
    mirror = Informer(stage.user, NAMESPACES, still_runtime(), on_change=lambda *_: None)
    mirror.observe(seen)
    await stage.user.delete(NAMESPACES, seen.key, uid=seen.uid)

    with acting_for(HUB):
        await stage.writer.merge_patch(NAMESPACES, seen.key, NOTE, into=mirror, uid=seen.uid)
    assert mirror.get(seen.key) is not None
    assert (await stage.user.get(NAMESPACES, seen.key)).deleting


@pytest.mark.anyio
async def test_what_is_gone_is_an_answer_and_a_kind_that_is_away_an_error(stage: Stage) -> None:
    seen = await stage.put()
    await stage.user.delete(CONFIGMAPS, KEY, uid=seen.uid)
    away = Kind("example.com", "v1", "gadgets", "Gadget")

    with acting_for(HUB):
        patched = await stage.writer.merge_patch(CONFIGMAPS, KEY, NOTE, into=None, uid=seen.uid)
        assert patched is None
        assert not await stage.writer.delete(CONFIGMAPS, seen)
        with pytest.raises(NotFound):
            await stage.writer.merge_patch(away, KEY, NOTE, into=None, uid=seen.uid)
        with pytest.raises(NotFound):
            await stage.writer.delete(away, seen)


@pytest.mark.anyio
async def test_a_sign_of_life_waits_for_no_other_work(stage: Stage) -> None:
    space = await stage.user.get(NAMESPACES, ObjectKey("", "default"))
    beat: Json = {
        "metadata": {"resourceVersion": space.resource_version},
        "status": {"phase": "Active"},
    }
    mirror = Informer(stage.user, NAMESPACES, still_runtime(), on_change=lambda *_: None)

    with acting_for(HUB):
        async with stage.limit.admitted():  # takes the only place
            with anyio.move_on_after(0.01) as work:
                await stage.writer.merge_patch(
                    NAMESPACES, space.key, NOTE, into=None, uid=space.uid
                )
            assert work.cancelled_caught
            assert await stage.writer.beat(NAMESPACES, space.key, beat, into=mirror) is not None
