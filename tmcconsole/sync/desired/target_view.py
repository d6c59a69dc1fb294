"""What a target sees of a hub object, and how its writes are taken back. Pure.

In kcp a server sits between the two, the syncer's virtual workspace; here its read and write
transforms are functions (contrib-tmc, ``pkg/virtual/syncer/transformations``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json, annotations_of, finalizers_of
from tmcconsole.kube.trees.json_patch import PatchInvalid, apply_patch, read_patch
from tmcconsole.sync.assignment.plan import add_finalizer, plan_release
from tmcconsole.sync.names.markers import (
    FINALIZER,
    PROMOTED,
    SPEC_DIFF,
    STATUS_DIFF,
    SUMMARIZING,
    SYNC,
    deletion_keys,
    finalizer_keys,
    soft_finalizer_keys,
    state_keys,
)

MAX_FIELDS: Final = 32  # summarised fields of one object
MAX_DEPTH: Final = 16  # of a summarised field
_OWN_FIELDS: Final = frozenset({"apiVersion", "kind", "metadata"})
_DEFAULT_FIELDS: Final = (("status",),)


class ViewInvalid(ValueError):
    """An annotation that shapes the view is invalid; no part of it is applied."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NotOwner(ValueError):
    """The target may not write: it is not assigned, or did not accept the object as its own."""


def read_view(tree: Mapping[str, Any], key: str) -> Json:
    """Return the object as target ``key`` sees it; the tree itself is not changed.

    Raises ``ViewInvalid`` if the spec diff or the summarizing rules are invalid.
    """
    view = {**tree, "metadata": _metadata(tree, key)}
    _patch_spec(view, tree, key)
    reported = reported_fields(tree, key)
    for field in summarised_fields(tree):
        _summarise(view, field, reported)
    return view


def write_view(live: Mapping[str, Any], view: Mapping[str, Any], key: str) -> Json | None:
    """Return the merge patch of the hub object for what target ``key`` submits, or None.

    Only the finalizer is taken from the view; a deleted view without it means that the copy is
    gone, and all marks of the target are removed. Raises ``NotOwner``.
    """
    mine = FINALIZER + key in finalizers_of(view)
    if not mine and view["metadata"].get("deletionTimestamp"):
        return plan_release(live, key)
    if state_keys(live).get(key) != SYNC:
        raise NotOwner(f"the object is not synced to {key}")
    if not mine:
        raise NotOwner(f"the object does not carry the finalizer of {key}")
    return None if key in finalizer_keys(live) else add_finalizer(live, key)


def gone_view(tree: Mapping[str, Any], key: str) -> Json:
    """Return what target ``key`` submits once its copy is proven gone."""
    metadata = _metadata(tree, key)
    metadata["finalizers"] = []
    metadata.setdefault("deletionTimestamp", deletion_keys(tree).get(key) or "unassigned")
    return {**tree, "metadata": metadata}


def summarised_fields(tree: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Return the fields that each target reports for itself, as paths; ``status`` by default.

    Raises ``ViewInvalid``.
    """
    text = annotations_of(tree).get(SUMMARIZING)
    if text is None:
        return _DEFAULT_FIELDS
    rules = _parsed(text, "SummarizingInvalid")
    if not isinstance(rules, list) or len(rules) > MAX_FIELDS:
        raise _summarizing(f"it is no list of at most {MAX_FIELDS} rules")
    return tuple(_field_of(rule) for rule in rules)


def _field_of(rule: Any) -> tuple[str, ...]:
    path = rule.get("fieldPath") if isinstance(rule, dict) else None
    parts = tuple(path.split(".")) if isinstance(path, str) else ()
    if not parts or not all(parts) or len(parts) > MAX_DEPTH or parts[0] in _OWN_FIELDS:
        raise _summarizing(f"{path!r} is no field that a target may report")
    return parts


def _metadata(tree: Mapping[str, Any], key: str) -> Json:
    """The object's metadata with this target's part of the state machine only."""
    metadata: Json = {
        name: value
        for name, value in tree["metadata"].items()
        if name not in ("deletionTimestamp", "deletionGracePeriodSeconds", "finalizers")
    }
    notes = annotations_of(tree)
    if notes:
        metadata["annotations"] = {
            name: value for name, value in notes.items() if not name.startswith(STATUS_DIFF)
        }
    if key in finalizer_keys(tree):
        metadata["finalizers"] = [FINALIZER + key]
    stamp = deletion_keys(tree).get(key)
    if stamp and key not in soft_finalizer_keys(tree):
        metadata["deletionTimestamp"] = stamp
    return metadata


def _patch_spec(view: Json, tree: Mapping[str, Any], key: str) -> None:
    text = annotations_of(tree).get(SPEC_DIFF + key)
    if text is None:
        return
    try:
        spec = apply_patch(tree.get("spec") or {}, read_patch(text))
    except PatchInvalid as error:
        raise ViewInvalid(
            "SpecDiffInvalid", f"the annotation {SPEC_DIFF}{key} cannot be applied: {error}"
        ) from error
    if not isinstance(spec, dict):
        raise ViewInvalid("SpecDiffInvalid", f"{SPEC_DIFF}{key} leaves no spec that is an object")
    view["spec"] = spec


def reported_fields(tree: Mapping[str, Any], key: str) -> Json:
    """Return what the annotation of a target says it reported, by dotted field."""
    text = annotations_of(tree).get(STATUS_DIFF + key)
    if text is None:
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}  # a report, not a desired state: the next one replaces it
    return found if isinstance(found, dict) else {}


def _summarise(view: Json, field: tuple[str, ...], reported: Json) -> None:
    name = ".".join(field)
    if reported.get(name) == PROMOTED:
        return
    parent: Json = view
    for part in field[:-1]:
        inner = parent.get(part)
        if not isinstance(inner, dict):
            if name not in reported:
                return
            inner = {}
        parent[part] = inner = dict(inner)
        parent = inner
    if name in reported:
        parent[field[-1]] = reported[name]
    else:
        parent.pop(field[-1], None)


def _parsed(text: str, reason: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ViewInvalid(reason, f"the annotation {SUMMARIZING} is not JSON: {error}") from error


def _summarizing(message: str) -> ViewInvalid:
    return ViewInvalid("SummarizingInvalid", f"the annotation {SUMMARIZING}: {message}")
