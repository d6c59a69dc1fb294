"""Manifests as a target would get them, without a cluster on either side. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tmcconsole.config.settings import Settings, TargetSettings
from tmcconsole.config.transforms import Transform
from tmcconsole.kube.label_selector import SelectorError, matches
from tmcconsole.kube.objects import NAMESPACES, Json, Kind, ObjectKey, key_of, labels_of
from tmcconsole.kube.plurals import plural
from tmcconsole.placement.api import PLACEMENTS, Placement, read_placement
from tmcconsole.sync.desired.build import PLAIN, DesiredInputs, build
from tmcconsole.sync.desired.transform import Applied, TransformFailed, concerning
from tmcconsole.sync.names.markers import CLUSTER, DIGEST, ORIGIN
from tmcconsole.sync.policy import Policy
from tmcconsole.sync.state.desired_state import judge_transformed

# Whether a kind is namespaced is a guess; policy denies these kinds in any case.
_OURS: Final = frozenset({"Namespace", "Placement", "Location", "SyncTarget"})


@dataclass(frozen=True, slots=True)
class Preview:
    """The result for one object."""

    subject: str  # kind and key in the hub
    target: str
    applied: tuple[Applied, ...]
    tree: Json | None  # without our labels and annotations; None if nothing would be written
    refusal: str  # "" if it would be written


def preview(
    documents: Sequence[Json], settings: Settings, target: TargetSettings
) -> Iterator[Preview]:
    """Yield each of ``documents`` as ``target`` would get it.

    Placements among them add their transforms if their selector matches the labels of the
    namespace, taken from a Namespace among them; without one, there are no labels.
    """
    placements = [read_placement(one) for one in documents if one["kind"] == PLACEMENTS.kind]
    namespaces = {
        one["metadata"]["name"]: labels_of(one)
        for one in documents
        if one["kind"] == NAMESPACES.kind
    }
    for document in documents:
        if document["kind"] not in _OURS:
            tree = _placed(document)
            labels = namespaces.get(tree["metadata"]["namespace"], {})
            yield _one(tree, settings, target, _declared(placements, labels, settings))


def _placed(document: Json) -> Json:
    meta = {"namespace": "default", **document["metadata"]}
    return {**document, "metadata": meta}


def _declared(
    placements: Sequence[Placement], labels: Mapping[str, str], settings: Settings
) -> tuple[Transform, ...]:
    placed = [one for one in sorted(placements, key=lambda p: p.name) if _selects(one, labels)]
    return (*(t for one in placed for t in one.transforms), *settings.transforms)


def _selects(placement: Placement, labels: Mapping[str, str]) -> bool:
    try:
        return matches(placement.namespace_selector, labels)
    except SelectorError:
        return False


def _one(
    tree: Json, settings: Settings, target: TargetSettings, declared: tuple[Transform, ...]
) -> Preview:
    kind, key = guess_kind(tree["apiVersion"], tree["kind"]), key_of(tree)
    subject, space = f"{kind.id} {key}", _space(settings, key)
    policy = Policy(settings.sync)
    tenant = policy.tenant(key.namespace, target.name, space)
    trimmed = policy.trim(kind, tree).tree
    transforms = concerning(declared, kind, key.namespace, target.name, dict(target.labels))
    inputs = DesiredInputs(None, transforms, target.name, target.labels)
    try:
        plain, desired = (
            build(kind, trimmed, key="", hub_cluster="", namespace=space, inputs=one)
            for one in (PLAIN, inputs)
        )
    except TransformFailed as error:
        return Preview(
            subject=subject,
            target=target.name,
            applied=(),
            tree=None,
            refusal=f"TransformFailed: {error}",
        )
    refusal = policy.judge_source(tree) or policy.judge(kind, plain.tree, tenant)
    refusal = refusal or judge_transformed(policy, kind, desired, tenant)
    _take_markers_off(desired.tree)
    said = f"{refusal.reason}: {refusal.message}" if refusal else ""
    return Preview(
        subject=subject,
        target=target.name,
        applied=desired.applied,
        tree=desired.tree,
        refusal=said,
    )


def _space(settings: Settings, key: ObjectKey) -> str:
    """A hashed name depends on hub and target identities, unknown here: the hub's name stands for
    it.
    """
    prefix = settings.sync.namespace_prefix if settings.sync.namespaces == "prefix" else ""
    return prefix + key.namespace


def _take_markers_off(tree: Json) -> None:
    meta = tree["metadata"]
    del meta["labels"][CLUSTER], meta["annotations"][ORIGIN], meta["annotations"][DIGEST]
    for field in ("labels", "annotations"):
        if not meta[field]:
            del meta[field]


_VERBS: Final = frozenset({"get", "list", "watch", "create", "patch", "delete"})


def guess_kind(api_version: str, kind: str) -> Kind:
    """Return the kind that is served under the usual plural of its name."""
    group, _, version = api_version.rpartition("/")
    return Kind(
        group=group,
        version=version,
        resource=plural(kind),
        kind=kind,
        namespaced=True,
        verbs=_VERBS,
    )
