"""What a target should hold of a hub object, without what is the hub's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import orjson

from tmcconsole.config.transforms import Transform
from tmcconsole.kube.objects import Json, Kind, annotations_of, key_of, labels_of
from tmcconsole.sync.desired.replica_division import DIVIDED_KINDS, share
from tmcconsole.sync.desired.transform import Applied, TransformTarget, transform
from tmcconsole.sync.desired.upsync_pods import mark_template
from tmcconsole.sync.names.markers import (
    CLUSTER,
    DIGEST,
    LOCATOR,
    ORIGIN,
    is_bookkeeping,
    origin_of,
)
from tmcconsole.sync.policy import POD_MAKERS

# Annotations about one server's or controller's own handling of an object.
OWN_ANNOTATIONS: Final = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deployment.kubernetes.io/revision",
        "pv.kubernetes.io/bind-completed",
        "pv.kubernetes.io/bound-by-controller",
        "volume.beta.kubernetes.io/storage-provisioner",
        "volume.kubernetes.io/storage-provisioner",
        "volume.kubernetes.io/selected-node",
    }
)
_JOB_LABELS: Final = (
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
)


@dataclass(frozen=True, slots=True)
class DesiredInputs:
    """Everything a desired state depends on besides the source: equal inputs, equal result."""

    among: tuple[str, ...] | None = None  # target keys that share the replicas
    transforms: tuple[Transform, ...] = ()  # in the order in which they are applied
    # Of the SyncTarget, for transforms; empty if there are none.
    target: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    kept: int = 0  # replicas that stay although the share is less, 0 for none


PLAIN: Final = DesiredInputs()


@dataclass(frozen=True, slots=True)
class Desired:
    """An object as it should be applied, with our labels; ``digest`` is also among them."""

    tree: Json
    digest: str  # 16 hexadecimal digits, equal for equal desired states
    applied: tuple[Applied, ...] = ()  # the declared transforms that matched


def build(
    kind: Kind,
    source: Mapping[str, Any],
    *,
    key: str,
    hub_cluster: str,
    namespace: str,
    inputs: DesiredInputs = PLAIN,
    locator: str = "",
    name: str = "",
    upsync_pods: bool = False,
) -> Desired:
    """Return what target ``key`` should hold of ``source`` in ``namespace``.

    First the fixed changes, then the declared transforms. ``locator`` marks a cluster-scoped copy's
    origin; otherwise the namespace has it. ``name`` is the copy's, if different. With
    ``upsync_pods`` its pods are labelled to be shown in the hub. Raises ``TransformFailed``.
    """
    tree: Json = {
        field: value for field, value in source.items() if field not in ("metadata", "status")
    }
    # orjson gives a deep copy for a third of copy.deepcopy's price.
    tree = orjson.loads(orjson.dumps(tree))
    tree["apiVersion"], tree["kind"] = kind.api_version, kind.kind
    tree["metadata"] = _metadata(source, namespace, name)
    clean = _CLEANERS.get(kind.id)
    if clean is not None:
        clean(tree)
    if inputs.among is not None and kind.id in DIVIDED_KINDS:
        _divide(tree, inputs, key)
    applied = _transform(
        kind, source, tree, TransformTarget(inputs.target, key, inputs.labels, namespace), inputs
    )
    if upsync_pods and kind.id in POD_MAKERS:
        mark_template(tree, key)
    # Not the version: a kind moving to another version does not change the desired state.
    digest = _digest({name: value for name, value in tree.items() if name != "apiVersion"})
    metadata = tree["metadata"]
    metadata["labels"][CLUSTER] = key
    metadata["annotations"][ORIGIN] = origin_of(hub_cluster, source)
    metadata["annotations"][DIGEST] = digest
    if locator:
        metadata["annotations"][LOCATOR] = locator
    return Desired(tree, digest, applied)


def _transform(
    kind: Kind, source: Mapping[str, Any], tree: Json, place: TransformTarget, inputs: DesiredInputs
) -> tuple[Applied, ...]:
    if not inputs.transforms:
        return ()
    return transform(
        inputs.transforms, kind, tree, key=key_of(source), labels=labels_of(source), place=place
    )


def _metadata(source: Mapping[str, Any], namespace: str, renamed: str) -> Json:
    kept_labels = {k: v for k, v in labels_of(source).items() if not is_bookkeeping(k)}
    kept_annotations = {
        name: value
        for name, value in annotations_of(source).items()
        if not is_bookkeeping(name) and name not in OWN_ANNOTATIONS
    }
    place = {"namespace": namespace} if namespace else {}
    return {
        "name": renamed or source["metadata"]["name"],
        **place,
        "labels": kept_labels,
        "annotations": kept_annotations,
    }


def _digest(tree: Json) -> str:
    canonical = orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)
    return blake2b(canonical, digest_size=8).hexdigest()


def _divide(tree: Json, inputs: DesiredInputs, key: str) -> None:
    spec = tree.setdefault("spec", {})
    total = spec.get("replicas", 1)  # the API's own default
    if isinstance(total, int):
        spec["replicas"] = max(inputs.kept, share(total, inputs.among or (), key))


def _clean_service(tree: Json) -> None:
    """Addresses and ports that the hub allocated mean nothing elsewhere."""
    spec = tree.get("spec") or {}
    if spec.get("clusterIP") != "None":
        spec.pop("clusterIP", None)
        spec.pop("clusterIPs", None)
    if spec.get("ipFamilyPolicy") in (None, "SingleStack"):
        spec.pop("ipFamilies", None)
        spec.pop("ipFamilyPolicy", None)
    spec.pop("healthCheckNodePort", None)
    for port in spec.get("ports") or ():
        port.pop("nodePort", None)


def _clean_job(tree: Json) -> None:
    """A Job's selector and labels carry the hub's UID unless set manually."""
    spec = tree.get("spec") or {}
    if spec.get("manualSelector"):
        return
    spec.pop("selector", None)
    template_labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    for name in _JOB_LABELS:
        tree["metadata"]["labels"].pop(name, None)
        template_labels.pop(name, None)


def _clean_claim(tree: Json) -> None:
    """The volume that a claim was bound to exists in the hub only."""
    (tree.get("spec") or {}).pop("volumeName", None)


def _clean_pod(tree: Json) -> None:
    (tree.get("spec") or {}).pop("nodeName", None)


_CLEANERS: Final[Mapping[str, Callable[[Json], None]]] = {
    "services": _clean_service,
    "jobs.batch": _clean_job,
    "persistentvolumeclaims": _clean_claim,
    "pods": _clean_pod,
}
