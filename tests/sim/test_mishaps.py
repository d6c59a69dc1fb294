"""An exception in the simulator itself costs one object its turn, and is logged once."""

from __future__ import annotations

import logging
from itertools import pairwise

import anyio
import pytest

from tests.sim.talk import Api, make_cluster
from tmcconsole.sim.controllers.loop import ClusterController, Loop
from tmcconsole.sim.storage.store import StoreKey

pytestmark = pytest.mark.anyio

MAPS = "/api/v1/namespaces/default/configmaps"


async def test_a_controller_that_fails_tries_again_later_and_later_and_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster = make_cluster()
    tries: list[float] = []
    seen: list[StoreKey] = []

    def fail(_key: StoreKey) -> None:
        tries.append(anyio.current_time())
        raise KeyError("spec")

    loop = Loop(
        cluster.server,
        [
            ClusterController("failing", lambda commit: [commit.key], fail),
            ClusterController("sound", lambda commit: [commit.key], seen.append),
        ],
    )
    cluster.store.on_commit(loop.observe)
    async with anyio.create_task_group() as group:
        group.start_soon(loop.run)
        await Api(cluster).post(MAPS, {"metadata": {"name": "x"}})
        await anyio.sleep(8)
        group.cancel_scope.cancel()

    waits = [round(later - before) for before, later in pairwise(tries)]
    assert waits == [1, 2, 4]
    assert seen == [StoreKey("default", "x")]
    assert len([r for r in caplog.records if r.levelno == logging.ERROR]) == 1


async def test_a_write_stands_though_something_after_it_fails(api: Api) -> None:
    def fail(_commit: object) -> None:
        raise KeyError("uid")

    api.cluster.store.on_commit(fail)

    made = await api.post(MAPS, {"metadata": {"name": "x"}})

    assert made.status == 201
    assert (await api.get(f"{MAPS}/x")).status == 200
    assert len(api.cluster.store.mishaps.told) == 1


async def test_a_namespace_keeps_its_finalizers_in_a_plain_patch(api: Api) -> None:
    path = "/api/v1/namespaces/default"

    patched = await api.patch(path, {"spec": {"finalizers": None}})

    assert patched.body["spec"]["finalizers"] == ["kubernetes"]


async def test_a_collection_is_deleted_in_one_namespace_only_and_up_to_a_limit(api: Api) -> None:
    for name in ("a", "b", "c"):
        await api.post(MAPS, {"metadata": {"name": name, "labels": {"of": "us"}}})

    everywhere = await api.delete("/api/v1/configmaps")
    some = await api.delete(MAPS, limit="2", labelSelector="of=us")
    left = await api.get(MAPS, labelSelector="of=us")

    assert everywhere.status == 405
    assert len(some.body["items"]) == 2
    assert [item["metadata"]["name"] for item in left.body["items"]] == ["c"]
