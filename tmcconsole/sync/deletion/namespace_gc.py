"""Removes the namespaces we created on a target, once they are empty.

The rule is kcp's: a namespace that is no longer needed is deleted after a delay, and a write in the
meantime cancels that. Ours checks the cluster itself, because deleting a namespace deletes
everything in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from tmcconsole.kube.errors import KubeError, NotFound
from tmcconsole.kube.objects import NAMESPACES, CachedObject, Kind, ObjectKey
from tmcconsole.sync.deletion.delete_gate import UNASSIGNED, Held, delete_announced, require_brake
from tmcconsole.sync.names.markers import deletion_keys, state_keys
from tmcconsole.sync.policy import is_protected
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.target import Target

LOOK_S: Final = 5.0
GRACE_S: Final = 30.0  # kcp's: an object that soon comes back finds its namespace unchanged
KEPT_CAP_S: Final = 600.0  # the wait doubles up to this while something is in the namespace

# What every namespace contains by itself, by kind and name. Events are about other objects.
_USUAL: Final = frozenset(
    {
        ("configmaps", "kube-root-ca.crt"),
        ("configmaps", "openshift-service-ca.crt"),
        ("serviceaccounts", "builder"),
        ("serviceaccounts", "default"),
        ("serviceaccounts", "deployer"),
        ("rolebindings.rbac.authorization.k8s.io", "system:deployers"),
        ("rolebindings.rbac.authorization.k8s.io", "system:image-builders"),
        ("rolebindings.rbac.authorization.k8s.io", "system:image-pullers"),
    }
)
_IGNORED: Final = frozenset({"events", "events.events.k8s.io"})
_IGNORED_GROUPS: Final = frozenset({"metrics.k8s.io", "custom.metrics.k8s.io"})  # not stored
_PAGE: Final = 10  # more than the default objects of any kind


@dataclass(slots=True)
class _Plan:
    """A namespace to be deleted: checked again when ``due`` (monotonic)."""

    uid: str
    due: float
    wait_s: float = GRACE_S
    told: str = ""  # the last reason for keeping it


@dataclass(slots=True)
class NamespaceGC:
    """Owns the plans of one target. ``kinds``: all it serves, None while unknown."""

    shared: SyncContext
    target: Target
    kinds: Callable[[], Sequence[Kind] | None]
    _plans: dict[str, _Plan] = field(default_factory=dict)  # by the namespace's name on the target

    async def look(self) -> None:
        """Plan what may go, forget what is needed again, and delete what is due."""
        if self.target.orders.pause() is not None or not self._caches_are_synced():
            return
        now = self.shared.runtime.now()
        left = [cached for cached in self.target.namespaces.objects() if self._is_left(cached)]
        self._plans = {cached.name: self._plan_for(cached, now) for cached in left}
        for cached in left:
            plan = self._plans[cached.name]
            if plan.due <= now:
                await self._remove(plan, cached)

    def _plan_for(self, cached: CachedObject, now: float) -> _Plan:
        known = self._plans.get(cached.name)
        return known if known and known.uid == cached.uid else _Plan(cached.uid, now + GRACE_S)

    def _caches_are_synced(self) -> bool:
        hub, target = self.shared.hub, self.target
        watched = [*hub.kinds.values(), *target.kinds.values()]
        return (
            bool(target.kinds)
            and hub.namespaces.synced
            and target.namespaces.synced
            and all(one.informer.synced for one in watched)
        )

    def _is_left(self, cached: CachedObject) -> bool:
        """True if we created the namespace and, as far as we know, nothing needs it."""
        target, name = self.target, cached.name
        if cached.deleting or is_protected(name):
            return False
        if not all(watched.informer.is_empty_in(name) for watched in target.kinds.values()):
            return False
        source = target.names.in_hub(name)
        if source is None or not target.names.is_made_here(source, cached.decode()):
            return False
        if any(key.namespace == source for _, key, _ in target.ledger.entries()):
            return False
        return not self._is_placed(self.shared.hub.namespaces.get(ObjectKey("", source)))

    def _is_placed(self, source: CachedObject | None) -> bool:
        if source is None:
            return False
        tree = source.decode()
        return self.target.key in state_keys(tree) or self.target.key in deletion_keys(tree)

    async def _remove(self, plan: _Plan, cached: CachedObject) -> None:
        """From here on nothing is written into it, until it is gone or found to be in use."""
        target = self.target
        target.leaving.add(cached.name)
        try:
            kept = await self._try(cached)
        except Held as held:
            kept = str(held)
        except KubeError as error:
            kept = f"unknown whether it is empty: {error}"
        finally:
            target.leaving.discard(cached.name)
        if not kept:
            self._tell("NamespaceRemoved", cached.name, "created by the engine and empty")
            return
        plan.wait_s = min(KEPT_CAP_S, 2 * plan.wait_s)
        plan.due = self.shared.runtime.now() + plan.wait_s
        if kept != plan.told:
            plan.told = kept
            self._tell("NamespaceKept", cached.name, kept)

    async def _try(self, cached: CachedObject) -> str:
        """Delete the namespace, or return why it stays."""
        if not self._is_left(cached):
            return "it is needed again"
        source = self.target.names.in_hub(cached.name)
        assert source is not None
        if self._is_placed(await self._in_hub(source)):
            return f"namespace {source} in the hub is placed here"
        async with self.target.concurrency.admitted():
            live = await self.target.client.get(NAMESPACES, cached.key)
        if live.uid != cached.uid or not self.target.names.is_made_here(source, live.decode()):
            return "it is not the namespace that the engine created"
        resident = await self._resident(cached.name)
        if resident:
            return resident
        permit = self.shared.policy.permit_namespace_removal(NAMESPACES, live.key)
        reason = await require_brake(self.shared, self.target, live.uid, UNASSIGNED)
        await delete_announced(
            self.shared, self.target, permit, live, f"namespaces/{live.name}", f"empty, {reason}"
        )
        return ""

    async def _in_hub(self, source: str) -> CachedObject | None:
        hub = self.shared.hub
        try:
            async with hub.concurrency.admitted():
                return await hub.client.get(NAMESPACES, ObjectKey("", source))
        except NotFound as error:
            if error.is_kind:
                raise
            return None

    async def _resident(self, name: str) -> str:
        """Return what is in the namespace, "" if a live check finds it empty."""
        kinds = self.kinds()
        if kinds is None:
            return "not all kinds that the cluster serves are known"
        for kind in kinds:
            is_ignored = kind.id in _IGNORED or kind.group in _IGNORED_GROUPS
            if not kind.namespaced or "list" not in kind.verbs or is_ignored:
                continue
            found = await self._first_of(kind, name)
            if found:
                return f"{kind.id} {found} is in it"
        return ""

    async def _first_of(self, kind: Kind, namespace: str) -> str:
        async with self.target.concurrency.admitted():
            pages = self.target.client.list_pages(kind, namespace=namespace, limit=_PAGE)
            async with aclosing(pages):
                async for page in pages:
                    if page.quarantined:
                        return "(unreadable)"
                    for item in page.items:
                        if (kind.id, item.name) not in _USUAL:
                            return item.name
        return ""

    def _tell(self, event: str, name: str, message: str) -> None:
        self.shared.history.record(
            "lifecycle",
            event,
            at=self.shared.runtime.wall(),
            target=self.target.name,
            subject=f"namespaces/{name}",
            message=message,
        )
