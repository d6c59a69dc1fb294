"""One of the hub's API server replicas may not yet serve a kind that the others do."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import anyio
import orjson

from tests.engine.virtual import in_virtual_time, open_virtual_world
from tests.world.world import CONFIGMAPS, make_configmap, place_everywhere
from tmcconsole.runtime import ByteStream, Request, Response, Transport
from tmcconsole.sync.state.live_reads import HELD_RECHECK_S

AWAY = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "message": "the server could not find the requested resource",
    "reason": "NotFound",
    "details": {},
    "code": 404,
}


@dataclass
class LateReplica:
    """Answers the first patch of a ConfigMap like a replica that does not know the kind."""

    inner: Transport
    answered: int = 0

    async def request(self, request: Request) -> Response:
        if request.method == "PATCH" and "/configmaps/" in request.path and not self.answered:
            self.answered += 1
            headers = {"content-type": "application/json"}
            return Response(404, headers, orjson.dumps(AWAY))
        return await self.inner.request(request)

    def stream(self, request: Request) -> AbstractAsyncContextManager[ByteStream]:
        return self.inner.stream(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


def test_an_object_is_placed_although_a_replica_did_not_know_its_kind_yet() -> None:
    async def story() -> None:
        async with open_virtual_world() as world:
            await place_everywhere(world)
            await world.settle()
            assert world.engine.session is not None
            client = world.engine.session.client
            late = LateReplica(client._transport)  # type: ignore[attr-defined]
            client._transport = late  # type: ignore[attr-defined]

            await world.hub.apply(CONFIGMAPS, make_configmap())
            await anyio.sleep(HELD_RECHECK_S + 5)

            assert late.answered == 1
            assert await world.clusters["east"].get(CONFIGMAPS, "shop", "settings") is not None
            assert world.engine.session.shared.hub.queue.is_idle

    in_virtual_time(story)
