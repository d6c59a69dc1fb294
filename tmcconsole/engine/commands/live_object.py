"""What the hub itself says of an object that is in no mirror: asked anew, once."""

from __future__ import annotations

from tmcconsole.engine.hub.hub_session import HubSession
from tmcconsole.kube.errors import Forbidden, KubeError, NotFound
from tmcconsole.sync.queue.workqueue import Item


async def live_lines(session: HubSession, item: Item) -> list[str]:
    """Return lines on whether the hub has the object, and why nothing is done about it."""
    kind = session.discovery.find(item.lane)
    if kind is None:
        return [f"hub        does not serve {item.lane}"]
    try:
        async with session.shared.hub.concurrency.admitted():
            found = await session.client.get(kind, item.key)
    except NotFound as error:
        served = "does not serve its kind now" if error.is_kind else "has no such object"
        return [f"hub        {served} (asked just now)"]
    except Forbidden as error:
        return [f"hub        the account may not read it: {error}"]
    except KubeError as error:
        return [f"hub        not known: {error}"]
    lines = ["hub        it is there, and the engine does not sync it"]
    if found.deleting:
        lines.append("hub        it is being deleted")
    if item.key.namespace:
        reason = session.scheduler.decisions.reason_for(item.key.namespace)
        lines.append(f"placement  {reason}")
    return lines
