"""What one target should hold of one hub object, and whether it may: used wherever either is
needed.

The order from hub object to desired state is fixed: the target's view, the metadata that is synced,
the declared transforms. Policy judges that result, and the object before the transforms, so that
neither can smuggle anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tmcconsole.kube.objects import CachedObject, Json, Kind, ObjectKey
from tmcconsole.sync.desired.build import PLAIN, Desired, DesiredInputs, build
from tmcconsole.sync.desired.replica_division import DIVIDED_KINDS
from tmcconsole.sync.desired.target_view import ViewInvalid, read_view
from tmcconsole.sync.desired.transform import TransformFailed, concerning
from tmcconsole.sync.names.renames import ROOT_CA, is_reserved
from tmcconsole.sync.policy import Policy, Refusal, Tenant, refuse
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.desired_cache import Basis, DesiredState
from tmcconsole.sync.state.target import Target


def inputs_of(
    shared: SyncContext, target: Target, kind: Kind, namespace: str
) -> DesiredInputs | None:
    """Return what determines the desired states of a kind in a hub namespace, besides the objects.

    None if that is unknown: the namespace is about to leave the target.
    """
    among = shared.placements.divided_among(namespace) if kind.id in DIVIDED_KINDS else None
    declared = shared.placements.transforms(namespace, target.key)
    if declared is None:
        return None
    if not declared:
        return DesiredInputs(among) if among is not None else PLAIN
    labels = target.orders.labels()
    transforms = concerning(declared, kind, namespace, target.name, dict(labels))
    return (
        DesiredInputs(among, transforms, target.name, labels)
        if transforms
        else DesiredInputs(among)
    )


def desired_state(
    shared: SyncContext,
    target: Target,
    kind: str,
    key: ObjectKey,
    source: Mapping[str, Any],
    inputs: DesiredInputs | None = None,
) -> DesiredState:
    """Return what ``target`` should hold of a hub object; ``source`` is not changed.

    ``terms`` are the current ones if not given.
    """
    here = target.kinds[kind].kind
    inputs = inputs or inputs_of(shared, target, here, key.namespace) or PLAIN
    try:
        seen = read_view(source, target.key)
    except ViewInvalid as error:
        return DesiredState(None, refuse(error.reason, str(error)))
    unnameable = _judge_name(target, kind, key)
    if unnameable is not None:
        return DesiredState(None, unnameable)
    trimmed = shared.policy.trim(here, seen)
    plain = _build(shared, target, here, key, trimmed.tree, replace(inputs, transforms=()))
    tenant = shared.tenant(target, key.namespace)
    refusal = shared.policy.judge_source(source) or shared.policy.judge(here, plain.tree, tenant)
    if not inputs.transforms:
        return DesiredState(plain, refusal, trimmed.left_out)
    try:
        desired = _build(shared, target, here, key, trimmed.tree, inputs)
    except TransformFailed as error:
        return DesiredState(
            None, refusal or refuse("TransformFailed", str(error)), trimmed.left_out
        )
    if refusal is None and desired.digest != plain.digest:
        refusal = judge_transformed(shared.policy, here, desired, tenant)
    return DesiredState(desired, refusal, trimmed.left_out)


def precompute(
    shared: SyncContext, target: Target, item: Item, source: CachedObject, tree: Json
) -> DesiredState:
    """Compute the desired state of a cached hub object, and keep it for down-sync."""
    here = target.kinds[item.lane].kind
    inputs = inputs_of(shared, target, here, item.key.namespace) or PLAIN
    basis = _basis(target, item, source, inputs)
    desired = target.desired_cache.find(item, basis)
    if desired is None:
        desired = desired_state(shared, target, *item, tree, inputs)
        target.desired_cache.keep(item, basis, desired)
    return desired


def cached_desired_state(
    shared: SyncContext,
    target: Target,
    item: Item,
    source: CachedObject,
    tree: Json,
    inputs: DesiredInputs,
) -> DesiredState:
    """Return ``desired_state`` of a cached hub object, precomputed or not."""
    basis = _basis(target, item, source, inputs)
    return target.desired_cache.find(item, basis) or desired_state(
        shared, target, *item, tree, inputs
    )


def _basis(target: Target, item: Item, source: CachedObject, inputs: DesiredInputs) -> Basis:
    kind = target.kinds[item.lane].kind
    return Basis(source.content_digest, inputs, kind, target.copy_key(kind.id, item.key))


def _judge_name(target: Target, kind: str, key: ObjectKey) -> Refusal | None:
    too_long = target.names.too_long(key.namespace)
    if too_long:
        return refuse("NameTooLong", too_long)
    if target.names.of_workspace and is_reserved(kind, key.name):
        return refuse("RootCA", f"{key.name} is what {ROOT_CA} is called on targets")
    return None


def _build(
    shared: SyncContext,
    target: Target,
    here: Kind,
    key: ObjectKey,
    source: Mapping[str, Any],
    inputs: DesiredInputs,
) -> Desired:
    return build(
        here,
        source,
        key=target.key,
        hub_cluster=shared.hub.cluster,
        namespace=target.names.on_target(key.namespace) if key.namespace else "",
        inputs=inputs,
        name=target.copy_key(here.id, key).name,
        locator="" if key.namespace else target.names.locator("").to_json(),
        upsync_pods=shared.settings.upsync_pods,
    )


def judge_transformed(
    policy: Policy, kind: Kind, desired: Desired, tenant: Tenant
) -> Refusal | None:
    """Return why policy refuses the result of transforms, or None."""
    names = ", ".join(one.transform for one in desired.applied if one.changed)
    if left_out := policy.trim(kind, desired.tree).left_out:
        return refuse(
            "TransformFailed", f"{names}: policy does not allow {left_out[0]} to be synced"
        )
    found = policy.judge(kind, desired.tree, tenant)
    return found and refuse(str(found.reason), f"as transformed by {names}: {found.message}")
