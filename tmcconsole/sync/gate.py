"""The delete gate: no copy is taken away unless everything says so (reliability D1 to D7)."""

from __future__ import annotations

from tmcconsole.kube.errors import Conflict, NotFound
from tmcconsole.kube.objects import CachedObject, ObjectKey
from tmcconsole.sync.assign import is_wanted
from tmcconsole.sync.markers import origin_uid
from tmcconsole.sync.world import Target, World
from tmcconsole.tmc.audit import AuditUnavailable


class Held(Exception):
    """The deletion does not happen now; the text says why and what would release it."""


class StillWanted(Exception):
    """A live read of the hub contradicts the cache: decide again from newer data."""


async def delete_copy(
    world: World, target: Target, kind: str, key: ObjectKey, copy: CachedObject, reason: str
) -> None:
    """Delete one copy, having proven that it is ours and that its parent wants it gone.

    Returns when the target has accepted the deletion, or has no such object any more. Raises
    ``Held``, ``StillWanted``, ``Conflict`` where the copy is not the one that was looked at, and
    every other ``KubeError``: an error is never an absence.
    """
    _require_caches(world, target, kind)  # D1
    await _require_parent_gone(world, target, kind, key, copy)  # D2, D4
    _require_brake(world, target, kind, reason)  # D5
    ticket = await _announce(world, target, f"{kind}/{key}", copy.uid, reason)  # D7
    outcome = "failed"
    try:
        async with target.flow.admitted():
            await target.client.delete(  # D3
                target.kinds[kind].kind,
                copy.key,
                uid=copy.uid,
                resource_version=copy.resource_version,
            )
        outcome = "accepted"
    except NotFound:
        outcome = "gone already"
    except Conflict:
        outcome = "precondition failed"
        raise
    finally:
        target.brake.count(world.runtime.now())
        await world.audit.after(ticket, outcome)


async def _announce(world: World, target: Target, subject: str, uid: str, reason: str) -> int:
    try:
        return await world.audit.before(
            "delete-copy",
            actor="engine",
            target=target.name,
            subject=subject,
            uid=uid,
            detail=reason,
        )
    except AuditUnavailable as error:
        raise Held(f"nothing is deleted while the audit log cannot be written: {error}") from error


def _require_caches(world: World, target: Target, kind: str) -> None:
    hub = world.hub.kinds.get(kind)
    here = target.kinds.get(kind)
    synced = hub is not None and hub.informer.synced and world.hub.namespaces.synced
    if not synced or here is None or not here.informer.synced:
        raise Held("waiting until both sides have been listed once")


async def _require_parent_gone(
    world: World, target: Target, kind: str, key: ObjectKey, copy: CachedObject
) -> None:
    """The parent is the one object the copy was made of: one recreated since is another."""
    live = await _live_parent(world, kind, key)
    if live is None:
        return
    world.hub.kinds[kind].informer.observe(live)
    if live.uid == origin_uid(copy.decode()) and is_wanted(live.decode(), target.key):
        raise StillWanted(f"{kind}/{key} is wanted on {target.name} again")


async def _live_parent(world: World, kind: str, key: ObjectKey) -> CachedObject | None:
    hub = world.hub
    try:
        async with hub.flow.admitted():
            return await hub.client.get(hub.kinds[kind].kind, key)
    except NotFound as error:
        if error.is_kind:
            raise Held(f"the hub does not serve {kind} at the moment") from error
        return None


def _require_brake(world: World, target: Target, kind: str, reason: str) -> None:
    """An operator's own drain passes; everything else is counted."""
    now = world.runtime.now()
    watched = target.kinds[kind].informer
    if watched.last_list_shrank:
        target.brake.trip(f"a list of {kind} came back with less than half of what it had", now)
    if reason == "Unassigned" and target.draining():
        return
    if not target.brake.admit(now, len(target.ledger)):
        raise Held(
            f"deletions on {target.name} are held: {target.brake.tripped}; allow them in the "
            "console with D, or with the annotation syncer.kcp.io/allow-deletes on the SyncTarget"
        )
