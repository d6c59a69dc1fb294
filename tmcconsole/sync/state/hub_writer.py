"""The one place that sends changes to the hub, except Leases.

A change of an existing object names it by UID or resourceVersion, and every write names its duty:
without either, nothing is sent. Each response goes into the cache of its kind, so that later reads
are not older than the write. An object that is gone is a normal result, None or False; a kind that
is not served now is an error, ``NotFound``.
"""

from __future__ import annotations

from dataclasses import dataclass

from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import BadRequest, NotFound
from tmcconsole.kube.objects import CachedObject, Json, Kind, ObjectKey
from tmcconsole.sync.assignment.duties import require_duty
from tmcconsole.sync.names.markers import MANAGER
from tmcconsole.sync.queue.concurrency_limit import ConcurrencyLimit


@dataclass(frozen=True, slots=True)
class HubWriter:
    """Writes to the hub as our one field manager. Raises ``KubeError``.

    ``into`` is the cache that takes the response, if the kind has one. ``uid`` and
    ``resource_version`` are preconditions; those already in a merge patch count, too.
    """

    _client: Client
    _concurrency: ConcurrencyLimit

    async def apply(
        self, kind: Kind, tree: Json, *, into: Informer | None, force: bool = False
    ) -> CachedObject:
        """Apply server-side. Raises ``Conflict`` over fields of others, unless forced."""
        require_duty()
        async with self._concurrency.admitted():
            written = await self._client.apply(kind, tree, manager=MANAGER, force=force)
        _take_in(into, written)
        return written

    async def try_apply(self, kind: Kind, tree: Json) -> CachedObject:
        """Return what a forced apply would make of the object, as a dry run."""
        async with self._concurrency.admitted():
            return await self._client.apply(kind, tree, manager=MANAGER, force=True, dry_run=True)

    async def merge_patch(
        self,
        kind: Kind,
        key: ObjectKey,
        patch: Json,
        *,
        into: Informer | None,
        uid: str = "",
        resource_version: str = "",
        subresource: str = "",
    ) -> CachedObject | None:
        """Merge into the object that was read; return the result, None if the object is gone."""
        require_duty()
        body = _guarded(key, patch, uid, resource_version)
        try:
            async with self._concurrency.admitted():
                written = await self._client.merge_patch(
                    kind, key, body, manager=MANAGER, subresource=subresource
                )
        except NotFound as error:
            _require_kind(error)
            return None
        _take_in(into, written)
        return written

    async def beat(
        self, kind: Kind, key: ObjectKey, patch: Json, *, into: Informer
    ) -> CachedObject | None:
        """Merge a heartbeat into the status, past the limit: a busy hub makes no cluster look dead.

        The kubelet's heartbeats bypass its request limit in the same way.
        """
        require_duty()
        body = _guarded(key, patch, "", "")
        try:
            written = await self._client.merge_patch(
                kind, key, body, manager=MANAGER, subresource="status"
            )
        except NotFound as error:
            _require_kind(error)
            return None
        _take_in(into, written)
        return written

    async def json_patch(
        self, kind: Kind, seen: CachedObject, patch: list[Json], *, into: Informer | None
    ) -> CachedObject | None:
        """Patch exactly the version seen; return the result, None if the object is gone.

        Raises ``Invalid`` if the version has changed.
        """
        require_duty()
        guards: list[Json] = [
            {"op": "test", "path": "/metadata/uid", "value": seen.uid},
            {"op": "test", "path": "/metadata/resourceVersion", "value": seen.resource_version},
        ]
        try:
            async with self._concurrency.admitted():
                written = await self._client.json_patch(
                    kind, seen.key, guards + patch, manager=MANAGER
                )
        except NotFound as error:
            _require_kind(error)
            return None
        _take_in(into, written)
        return written

    async def delete(self, kind: Kind, seen: CachedObject) -> bool:
        """Delete exactly the version seen, without grace period; return False if it was gone
        already.

        A grace period is for a kubelet to stop a pod, and the hub's pods have none.
        """
        require_duty()
        try:
            async with self._concurrency.admitted():
                await self._client.delete(
                    kind,
                    seen.key,
                    uid=seen.uid,
                    resource_version=seen.resource_version,
                    at_once=True,
                )
        except NotFound as error:
            _require_kind(error)
            return False
        return True


def _guarded(key: ObjectKey, patch: Json, uid: str, resource_version: str) -> Json:
    """Return the patch with its preconditions. Raises ``BadRequest`` if it has none."""
    guards = {"uid": uid, "resourceVersion": resource_version}
    metadata = patch.get("metadata", {}) | {name: text for name, text in guards.items() if text}
    if not metadata.keys() & guards.keys():
        raise BadRequest(400, "NoPrecondition", f"refusing to patch {key} without its uid")
    return {**patch, "metadata": metadata}


def _take_in(into: Informer | None, written: CachedObject) -> None:
    """Take the response into the cache, or note that the object is gone with its last finalizer."""
    if into is None:
        return
    if written.deleting and not _is_held(into.kind, written.decode()):
        into.forget(written.key, written.uid)
    else:
        into.observe(written)


def _is_held(kind: Kind, tree: Json) -> bool:
    """True if an object that is being deleted stays: for finalizers, or a grace period."""
    metadata = tree["metadata"]
    held = metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds")
    if kind.id == "namespaces":  # they have finalizers of their own in the spec
        held = held or (tree.get("spec") or {}).get("finalizers")
    return bool(held)


def _require_kind(error: NotFound) -> None:
    """An object may be gone; a kind that is not served proves nothing about it, and is raised."""
    if error.is_kind:
        raise error
