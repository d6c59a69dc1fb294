"""One exchange with a simulated server: what the network and a failing server do to a request."""

from __future__ import annotations

import anyio

from tmcconsole.runtime import Request, Response, TransportError
from tmcconsole.sim.handlers.router import handle
from tmcconsole.sim.handlers.watch import Watch
from tmcconsole.sim.request.request_info import User
from tmcconsole.sim.storage.fault_injection import Faults
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import internal, too_many_requests

_WRITING = ("POST", "PUT", "PATCH", "DELETE")


async def exchange(server: Server, request: Request, user: User) -> Response | Watch:
    """Return the answer: late, wrong or never, as the faults dictate.

    Raises TransportError if the connection fails; the caller applies the request's timeout.
    """
    faults = server.faults
    if faults.outage:
        raise TransportError(f"{server.name}: connection refused", sent=False)
    await _pass(faults)
    refused = _refusal(faults)
    if refused is not None:
        return refused
    writes = request.method in _WRITING
    await _hold(faults, request, writes=writes)
    answer = handle(server, request, user)
    if faults.one_way:
        await _forever()
    if writes and faults.strikes("lost_reply"):
        raise TransportError(f"{server.name}: the connection was reset", sent=True)
    await _pass(faults)
    return answer


async def _pass(faults: Faults) -> None:
    """Carry a message one way, subject to the faults."""
    delay = faults.delay()
    if delay:
        await anyio.sleep(delay)
    if faults.blackhole:
        await _forever()
    if faults.outage:
        raise TransportError("the connection was reset", sent=True)


async def _forever() -> None:
    """Never return; only the caller's timeout ends it."""
    await anyio.Event().wait()


def _refusal(faults: Faults) -> Response | None:
    if faults.strikes("reject"):
        return too_many_requests(faults.retry_after_s).response()
    if faults.strikes("error"):
        return internal("the server is not able to answer", faults.error_code).response()
    return None


async def _hold(faults: Faults, request: Request, *, writes: bool) -> None:
    if writes and faults.webhook_delay_s:
        await anyio.sleep(faults.webhook_delay_s)
    if faults.slow_list_s and _is_list(request):
        await anyio.sleep(faults.slow_list_s)


def _is_list(request: Request) -> bool:
    return request.method == "GET" and any(
        name in ("limit", "labelSelector", "resourceVersionMatch") for name, _ in request.query
    )
