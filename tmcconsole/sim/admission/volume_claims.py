"""What may change in a PersistentVolumeClaim: its size, once it is bound, and little else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.schema.quantities import amount
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import StatusCause, StatusError, forbidden

CLAIMS: Final = "persistentvolumeclaims"
_CLASSES: Final = "storageclasses.storage.k8s.io"
_FIXED: Final = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for"
    " bound claims"
)
_STATIC: Final = (
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc"
    " must support resize"
)


def claim_changes(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    """Yield what is forbidden in a change to a claim."""
    if old is None:
        return
    is_bound = (tree.get("status") or {}).get("phase") == "Bound"
    before, after = _fixed(old, is_bound=is_bound), _fixed(tree, is_bound=is_bound)
    if not before.get("volumeName"):  # binding sets it
        after.pop("volumeName", None)
    if before != after:
        yield StatusCause("FieldValueForbidden", f"Forbidden: {_FIXED}", "spec")
    held = ((tree.get("status") or {}).get("capacity") or {}).get("storage")
    if _size(tree) < _size(old) and (held is None or _size(tree) < amount(held)):
        why = "Forbidden: field can not be less than status.capacity"
        yield StatusCause("FieldValueForbidden", why, "spec.resources.requests.storage")


def check_growth(server: Server, kind: SimKind, old: Json, new: Json) -> None:
    """Raise StatusError 403 if a bound claim grows and its class does not allow expansion."""
    if kind.id != CLAIMS or _size(new) <= _size(old):
        return
    if (old.get("status") or {}).get("phase") == "Bound" and not _can_grow(server, new):
        failure: StatusError = forbidden(kind, new["metadata"]["name"], _STATIC)
        raise failure


def _can_grow(server: Server, claim: Json) -> bool:
    name = claim["spec"].get("storageClassName") or ""
    found = server.store.get(_CLASSES, "", name) if name else None
    return bool(found and found.get("allowVolumeExpansion"))


def _fixed(claim: Json, *, is_bound: bool) -> Json:
    spec = dict(claim["spec"])
    if is_bound:
        resources = dict(spec.get("resources") or {})
        requests = {k: v for k, v in (resources.get("requests") or {}).items() if k != "storage"}
        spec["resources"] = {**resources, "requests": requests}
        spec.pop("volumeAttributesClassName", None)
    return spec


def _size(claim: Json) -> Any:
    requests = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
    return amount(requests.get("storage", "0"))
