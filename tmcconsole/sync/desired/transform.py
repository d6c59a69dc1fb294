"""Applies the declared changes to a desired state. Pure; if one fails, there is no result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from tmcconsole.config.transforms import LabelChoice, Match, Transform
from tmcconsole.kube.objects import Json, Kind, ObjectKey
from tmcconsole.sync.desired.transform_changes import ChangeError, make
from tmcconsole.sync.names.markers import is_bookkeeping

_METADATA: Final = frozenset({"name", "namespace", "labels", "annotations"})
_ANY: Final = "*"


class TransformFailed(ValueError):
    """A transform cannot be applied to this object: one line that says which, why, and the fix."""


@dataclass(frozen=True, slots=True)
class TransformTarget:
    """What a transform may know of the destination."""

    target: str  # name of the SyncTarget
    key: str  # of the SyncTarget
    labels: tuple[tuple[str, str], ...]  # of the SyncTarget, sorted
    namespace: str  # on the target


@dataclass(frozen=True, slots=True)
class Applied:
    """A transform that matched, and what it changed: nothing if all values were as it sets them."""

    transform: str
    changed: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.transform}: {', '.join(self.changed) or 'nothing to change'}"


def concerning(
    transforms: Sequence[Transform],
    kind: Kind,
    namespace: str,
    target: str,
    labels: Mapping[str, str],
) -> tuple[Transform, ...]:
    """Return those that may match objects of a kind in a hub namespace on a target."""
    return tuple(
        one
        for one in transforms
        if _is_kind(one.match, kind)
        and _is_named(one.match.namespaces, namespace)
        and _is_named(one.match.targets, target)
        and _has_labels(one.match.target_labels, labels)
    )


def transform(
    transforms: Sequence[Transform],
    kind: Kind,
    tree: Json,
    *,
    key: ObjectKey,
    labels: Mapping[str, str],
    place: TransformTarget,
) -> tuple[Applied, ...]:
    """Change ``tree`` by the transforms that match; return what each of them did.

    ``key`` and ``labels`` are the hub object's. Raises ``TransformFailed``; the tree must not be
    used then.
    """
    values = _values(kind, key, place)
    identity = _identity(tree)
    there = dict(place.labels)
    done = []
    for one in concerning(transforms, kind, key.namespace, place.target, there):
        if _is_named(one.match.names, key.name) and _has_labels(one.match.labels, labels):
            done.append(Applied(str(one), _make_all(one, kind, tree, values)))
            if wrong := _what_is_wrong(tree, identity):
                raise _failed(one, kind, values, wrong)
    return tuple(done)


def _make_all(one: Transform, kind: Kind, tree: Json, values: Mapping[str, str]) -> tuple[str, ...]:
    changed: list[str] = []
    for change in one.changes:
        try:
            changed += make(change, kind.id, tree, values)
        except ChangeError as error:
            raise _failed(one, kind, values, str(error)) from error
    return tuple(dict.fromkeys(changed))


def _failed(one: Transform, kind: Kind, values: Mapping[str, str], what: str) -> TransformFailed:
    key = ObjectKey(values["namespace"], values["name"])
    where = f"{kind.id} {key} on {values['target.name']}"
    return TransformFailed(
        f"transform {one} fails on {where}: {what}; correct the transform, or narrow its match"
    )


def _values(kind: Kind, key: ObjectKey, place: TransformTarget) -> dict[str, str]:
    return {
        "kind": kind.kind,
        "name": key.name,
        "namespace": key.namespace,
        "target.key": place.key,
        "target.name": place.target,
        "target.namespace": place.namespace,
        **{f"target.labels.{name}": value for name, value in place.labels},
    }


def _identity(tree: Json) -> tuple[Any, ...]:
    meta = tree["metadata"]
    return tree["apiVersion"], tree["kind"], meta["name"], meta.get("namespace")


def _what_is_wrong(tree: Json, identity: tuple[Any, ...]) -> str:
    """An object's identity, owner and status are never a transform's to change."""
    meta = tree.get("metadata")
    if not isinstance(meta, dict):
        return "it takes the object's name away"
    found = (tree.get("apiVersion"), tree.get("kind"), meta.get("name"), meta.get("namespace"))
    if found != identity:
        return "it changes apiVersion, kind, name or namespace"
    if more := sorted(meta.keys() - _METADATA):
        return f"it writes metadata.{more[0]}"
    if "status" in tree:
        return "it writes a status"
    for field in ("labels", "annotations"):
        pairs = meta.setdefault(field, {})
        if not isinstance(pairs, dict) or not all(isinstance(v, str) for v in pairs.values()):
            return f"metadata.{field} must be text under names"
        if ours := sorted(name for name in pairs if is_bookkeeping(name)):
            return f"{ours[0]} belongs to the state machine"
    return ""


def _is_kind(match: Match, kind: Kind) -> bool:
    return not match.kinds or any(
        fnmatchcase(kind.id, wanted) or kind.kind == wanted for wanted in match.kinds
    )


def _is_named(patterns: Sequence[str], name: str) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _has_labels(choice: LabelChoice, labels: Mapping[str, str]) -> bool:
    return all(
        name in labels and any(wanted in (_ANY, labels[name]) for wanted in values)
        for name, values in choice
    )
