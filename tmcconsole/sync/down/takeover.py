"""Takes over existing objects with our names, if the rules allow it."""

from __future__ import annotations

from typing import Any, Final

from tmcconsole.config.policies import ALWAYS, NEVER
from tmcconsole.kube.errors import Conflict, Invalid
from tmcconsole.kube.objects import CachedObject, Json, annotations_of, labels_of
from tmcconsole.kube.trees.differences import Difference, subset_differences
from tmcconsole.sync.deletion.delete_gate import Held, announce, close_audit
from tmcconsole.sync.down.plan import collision_text
from tmcconsole.sync.down.reconcile_context import ReconcileContext, dry_run, look_at_live, send
from tmcconsole.sync.names.markers import APPLIED, CLUSTER, DIGEST, ORIGIN
from tmcconsole.sync.state.live_reads import is_other_object, with_metadata

# Tools that sync objects put labels and annotations of these domains on them.
_SYNCERS: Final = (
    "kcp.io",
    "karmada.io",
    "open-cluster-management.io",
    "kubernetes-fleet.io",
    "kubefed.io",
    "kubestellar.io",
)
_OURS: Final = frozenset({CLUSTER, ORIGIN, DIGEST, APPLIED})
_SHOWN: Final = 3  # fields


async def take_over(context: ReconcileContext, live: CachedObject) -> float | None:
    """Turn a foreign object into our copy, or say why it stays foreign."""
    tree = live.decode()
    takeover = context.facts.rules.takeover
    if takeover == NEVER:
        return context.collide(collision_text(tree))
    claimed = claimed_by(tree)
    if claimed:
        return context.collide(f"{collision_text(tree)}; it is never taken over: {claimed}")
    if takeover != ALWAYS:
        found = await _changes(context, tree, live.uid)
        if found is None:
            return await look_at_live(context)
        if found:
            paths = ", ".join(one.path for one in found[:_SHOWN])
            why = f"taking it over ({takeover}) would change {paths}"
            return context.collide(f"{collision_text(tree)}; {why}")
    return await _take(context, live)


def claimed_by(tree: Json) -> str:
    """Return what shows that the object belongs to another syncer or controller, "" if nothing."""
    for name in (*sorted(labels_of(tree)), *sorted(annotations_of(tree))):
        domain = name.partition("/")[0]
        if "/" in name and any(domain == one or domain.endswith(f".{one}") for one in _SYNCERS):
            return f"it carries {name} of another syncer or hub"
    for reference in tree["metadata"].get("ownerReferences") or ():
        if isinstance(reference, dict) and reference.get("controller"):
            return f"{reference.get('kind')} {reference.get('name')} controls it"
    return "it is being deleted" if tree["metadata"].get("deletionTimestamp") else ""


async def _changes(
    context: ReconcileContext, tree: Json, uid: str
) -> tuple[Difference, ...] | None:
    """Return what our desired state would change, as computed by the server."""
    normalised = await dry_run(context, with_metadata(context.desired.tree, uid=uid))
    if normalised is None:
        return None
    after = normalised.decode()
    return subset_differences(_comparable(after), _comparable(tree))


def _comparable(tree: Json) -> Json:
    """An object without status and without what our labels and the server's add."""
    meta = tree["metadata"]
    kept: Json = {
        part: {name: text for name, text in (meta.get(part) or {}).items() if name not in _OURS}
        for part in ("labels", "annotations")
    }
    rest: dict[str, Any] = {k: v for k, v in tree.items() if k not in ("metadata", "status")}
    return {**rest, "metadata": kept}


async def _take(context: ReconcileContext, live: CachedObject) -> float | None:
    """Announce it, then apply with force: exactly this object, at the version that was judged."""
    takeover, subject = context.facts.rules.takeover, f"{context.kind}/{context.key}"
    try:
        ticket = await announce(
            context.shared, context.target, "adopt-copy", subject, live.uid, f"takeover {takeover}"
        )
    except Held as held:
        return context.collide(str(held))
    guards = {"uid": live.uid, "resourceVersion": live.resource_version}
    outcome = "failed"
    try:
        await send(context, with_metadata(context.desired.tree, **guards), force=True)
        outcome = "adopted"
    except Conflict:
        await look_at_live(context)
        raise
    except Invalid as error:
        if not is_other_object(error):
            raise
        return await look_at_live(context)
    finally:
        await close_audit(context.shared.audit, ticket, outcome)
    context.entry.collided = False
    context.shared.history.record(
        "lifecycle",
        "Adopted",
        target=context.target.name,
        subject=subject,
        message=f"the object that was there (uid {live.uid}) is ours now, takeover {takeover}",
        at=context.shared.runtime.wall(),
    )
    return None
