"""Namespaces on targets: created when first needed."""

from __future__ import annotations

from tmcconsole.kube.errors import Conflict, KubeError
from tmcconsole.kube.objects import NAMESPACES, CachedObject, ObjectKey
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.live_reads import take_in, with_metadata
from tmcconsole.sync.state.namespace_names import NamespaceClash
from tmcconsole.sync.state.target import Target


class NamespaceLeaving(KubeError):
    """The namespace on the target is being deleted; it is recreated when it is gone."""

    reason = "NamespaceTerminating"


async def ensure_namespace(shared: SyncContext, target: Target, namespace: str) -> None:
    """Make sure that the target's namespace for a hub namespace exists and may be used.

    ``namespace`` "" is that of cluster-scoped objects: nothing has to be created. Raises
    ``NamespaceLeaving`` and ``NamespaceClash``.
    """
    if not namespace:
        return
    key = ObjectKey("", target.names.on_target(namespace))
    found = target.namespaces.get(key)
    if found is None:
        found = await _make(shared, target, namespace, key)
    if found.deleting or key.name in target.leaving:
        raise NamespaceLeaving(f"namespace {key.name} is terminating on {target.name}")
    if target.names.is_known(key.name, found.uid):
        return
    tree = found.decode()
    target.names.check(namespace, tree)
    if shared.policy.needs_own_namespaces and not target.names.is_made_here(namespace, tree):
        raise NamespaceClash(
            f"namespace {key.name} on {target.name} was not made here, and the restricted profile "
            "writes to no other: delete it on the cluster, or set sync.namespaces to kcp or prefix"
        )
    target.names.know(key.name, found.uid)


async def _make(
    shared: SyncContext, target: Target, namespace: str, key: ObjectKey
) -> CachedObject:
    tree = with_metadata(target.names.desired(namespace), resourceVersion="1")
    permit = shared.policy.permit_namespace(NAMESPACES, tree)
    try:
        async with target.concurrency.admitted():
            made = await target.writer.apply(permit)
    except Conflict:  # somebody was faster
        async with target.concurrency.admitted():
            made = await target.client.get(NAMESPACES, key)
    take_in(target.namespaces, made)
    return made
