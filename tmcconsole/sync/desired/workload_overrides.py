"""Changes specific to workloads and claims: images, replicas, resources, storage classes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from tmcconsole.config.transforms import Images, Replicas, Resources, StorageClass
from tmcconsole.kube.objects import Json
from tmcconsole.sync.desired.field_paths import FieldError
from tmcconsole.sync.names.images import from_elsewhere
from tmcconsole.sync.names.podspecs import containers, entries, part, pod_spec

SCALED: Final = frozenset(
    {"deployments.apps", "replicasets.apps", "statefulsets.apps", "replicationcontrollers"}
)


def override(
    change: Images | Replicas | Resources | StorageClass,
    kind: str,
    tree: Json,
    values: Mapping[str, str],
) -> list[str]:
    """Make one change; return what was changed. Other kinds are left alone.

    Raises ``Unfilled`` and ``FieldError``.
    """
    match change:
        case Images():
            return _images(change, tree, kind, values)
        case Replicas():
            return _replicas(change, tree, kind)
        case Resources():
            return _resources(change, tree, kind)
        case StorageClass():
            return _storage_class(change, tree, kind)
        case _:
            assert_never(change)


def _images(change: Images, tree: Json, kind: str, values: Mapping[str, str]) -> list[str]:
    changed = False
    for container in containers(pod_spec(kind, tree)):
        image = container.get("image")
        new = _image(change, image, values) if isinstance(image, str) else None
        if new is not None and new != image:
            container["image"], changed = new, True
    return ["images"] if changed else []


def _image(change: Images, image: str, values: Mapping[str, str]) -> str | None:
    for beginning, template in change.rules:
        rest = from_elsewhere(image, beginning)
        if rest is not None:
            return template.fill(values) + rest
    return None


def _replicas(change: Replicas, tree: Json, kind: str) -> list[str]:
    if kind not in SCALED:
        return []
    spec = tree.setdefault("spec", {})
    if not isinstance(spec, dict):
        raise FieldError("spec is no object")
    if spec.get("replicas") == change.count:
        return []
    spec["replicas"] = change.count
    return ["replicas"]


def _resources(change: Resources, tree: Json, kind: str) -> list[str]:
    changed = False
    for container in containers(pod_spec(kind, tree)):
        if change.container not in ("*", container.get("name")):
            continue
        for field, pairs in (("requests", change.requests), ("limits", change.limits)):
            for name, quantity in pairs:
                changed |= _quantity(container, field, name, quantity)
    return ["resources"] if changed else []


def _quantity(container: Json, field: str, name: str, quantity: str) -> bool:
    resources = container.get("resources")
    if not isinstance(resources, dict):
        resources = {}
    found = resources.get(field)
    if not isinstance(found, dict):
        found = {}
    if found.get(name, "") == quantity:
        return False
    if quantity:
        found[name] = quantity
    else:
        del found[name]
    resources[field] = found
    container["resources"] = resources
    return True


def _storage_class(change: StorageClass, tree: Json, kind: str) -> list[str]:
    claims: list[Json] = []
    if kind == "persistentvolumeclaims":
        claims = [part(tree, "spec")]
    elif kind == "statefulsets.apps":
        made = entries(part(tree, "spec"), "volumeClaimTemplates")
        claims = [part(claim, "spec") for claim in made]
    changed = [_reclass(change, claim) for claim in claims if claim]
    return ["storage class"] if any(changed) else []


def _reclass(change: StorageClass, claim: Json) -> bool:
    before = claim.get("storageClassName")
    rules = dict(change.rules)
    new = rules.get(before if isinstance(before, str) else "*", rules.get("*"))
    # "" asks for a pre-provisioned volume, not a class: general rules do not apply
    if new is None or new == before or before == "":
        return False
    claim["storageClassName"] = new
    return True
