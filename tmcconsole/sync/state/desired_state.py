"""What one target should hold of one hub object, and whether it may: asked by all who need either.

From the hub's object to the wish in one order: what the target sees of it, what may travel, the
wish, the declared transforms. What policy says is said of that end result, and of what there was
before the transforms: neither smuggles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tmcconsole.kube.objects import CachedObject, Json, Kind, ObjectKey
from tmcconsole.sync.desired.build import PLAIN, Desired, Terms, build
from tmcconsole.sync.desired.replica_division import DIVIDED_KINDS
from tmcconsole.sync.desired.target_view import ViewInvalid, read_view
from tmcconsole.sync.desired.transform import TransformFailed, concerning
from tmcconsole.sync.names.renames import ROOT_CA, is_reserved
from tmcconsole.sync.policy import Policy, Refusal, Tenant, refuse
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.context import World
from tmcconsole.sync.state.desired_cache import Basis, Wanted
from tmcconsole.sync.state.target import Target


def terms_of(world: World, target: Target, kind: Kind, namespace: str) -> Terms | None:
    """Return what decides the wishes of a kind in a hub namespace, besides the objects.

    None where that is not known: the namespace is about to leave the target.
    """
    among = world.divided_among(namespace) if kind.id in DIVIDED_KINDS else None
    declared = world.transforms(namespace, target.key)
    if declared is None:
        return None
    if not declared:
        return Terms(among) if among is not None else PLAIN
    labels = target.labels()
    transforms = concerning(declared, kind, namespace, target.name, dict(labels))
    return Terms(among, transforms, target.name, labels) if transforms else Terms(among)


def wanted(
    world: World,
    target: Target,
    kind: str,
    key: ObjectKey,
    source: Mapping[str, Any],
    terms: Terms | None = None,
) -> Wanted:
    """Return what ``target`` should hold of a hub object; ``source`` is left alone.

    ``terms`` are those of the moment if they are not given.
    """
    here = target.kinds[kind].kind
    terms = terms or terms_of(world, target, here, key.namespace) or PLAIN
    try:
        seen = read_view(source, target.key)
    except ViewInvalid as error:
        return Wanted(None, refuse(error.reason, str(error)))
    unnameable = _judge_name(target, kind, key)
    if unnameable is not None:
        return Wanted(None, unnameable)
    trimmed = world.policy.trim(here, seen)
    plain = _build(world, target, here, key, trimmed.tree, replace(terms, transforms=()))
    tenant = world.tenant(target, key.namespace)
    refusal = world.policy.judge_source(source) or world.policy.judge(here, plain.tree, tenant)
    if not terms.transforms:
        return Wanted(plain, refusal, trimmed.left_out)
    try:
        desired = _build(world, target, here, key, trimmed.tree, terms)
    except TransformFailed as error:
        return Wanted(None, refusal or refuse("TransformFailed", str(error)), trimmed.left_out)
    if refusal is None and desired.digest != plain.digest:
        refusal = judge_transformed(world.policy, here, desired, tenant)
    return Wanted(desired, refusal, trimmed.left_out)


def foresee(world: World, target: Target, item: Item, source: CachedObject, tree: Json) -> Wanted:
    """Return what ``wanted`` says of a cached hub object, and keep it for ``recall``."""
    here = target.kinds[item.lane].kind
    terms = terms_of(world, target, here, item.key.namespace) or PLAIN
    basis = _basis(target, item, source, terms)
    wish = target.wishes.find(item, basis)
    if wish is None:
        wish = wanted(world, target, *item, tree, terms)
        target.wishes.keep(item, basis, wish)
    return wish


def recall(
    world: World, target: Target, item: Item, source: CachedObject, tree: Json, terms: Terms
) -> Wanted:
    """Return what ``wanted`` says of a cached hub object, whether it was foreseen or not."""
    basis = _basis(target, item, source, terms)
    return target.wishes.find(item, basis) or wanted(world, target, *item, tree, terms)


def _basis(target: Target, item: Item, source: CachedObject, terms: Terms) -> Basis:
    kind = target.kinds[item.lane].kind
    return Basis(source.content_digest, terms, kind, target.copy_key(kind.id, item.key))


def _judge_name(target: Target, kind: str, key: ObjectKey) -> Refusal | None:
    too_long = target.names.too_long(key.namespace)
    if too_long:
        return refuse("NameTooLong", too_long)
    if target.names.of_workspace and is_reserved(kind, key.name):
        return refuse("RootCA", f"{key.name} is what {ROOT_CA} is called on targets")
    return None


def _build(
    world: World,
    target: Target,
    here: Kind,
    key: ObjectKey,
    source: Mapping[str, Any],
    terms: Terms,
) -> Desired:
    return build(
        here,
        source,
        key=target.key,
        hub_cluster=world.hub.cluster,
        namespace=target.names.on_target(key.namespace) if key.namespace else "",
        terms=terms,
        name=target.copy_key(here.id, key).name,
        locator="" if key.namespace else target.names.locator("").to_json(),
        upsync_pods=world.settings.upsync_pods,
    )


def judge_transformed(
    policy: Policy, kind: Kind, desired: Desired, tenant: Tenant
) -> Refusal | None:
    """Return why policy refuses what transforms made of an object, or None."""
    names = ", ".join(one.transform for one in desired.applied if one.changed)
    if left_out := policy.trim(kind, desired.tree).left_out:
        return refuse("TransformFailed", f"{names}: policy keeps {left_out[0]} from travelling")
    found = policy.judge(kind, desired.tree, tenant)
    return found and refuse(str(found.reason), f"as transformed by {names}: {found.message}")
