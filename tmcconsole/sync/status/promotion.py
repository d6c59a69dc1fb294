"""kcp's promotion: each target's report is its own, and a single target's is also the object's.

Pure. Rules: the write transform of kcp's syncer view (contrib-tmc, ``pkg/virtual/syncer``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.kube.trees.differences import diff
from tmcconsole.sync.desired.target_view import reported_fields, summarised_fields
from tmcconsole.sync.names.markers import PROMOTED, STATUS_DIFF, SUMMARIZING, SYNC, state_keys
from tmcconsole.sync.status.merge import MISSING, at_path, put_at


@dataclass(frozen=True, slots=True)
class Promotion:
    """What must be written, as merge patches; {} for nothing."""

    status: Json  # of the status
    main: Json  # of the object's other fields, annotations under metadata
    wanted: Json | None  # the desired status, as far as it is promoted; None: it is not


def plan_promotion(
    tree: Mapping[str, Any],
    reported: Mapping[str, Mapping[str, Any]],
    own: Mapping[str, Any] | None = None,
) -> Promotion:
    """Return how a hub object comes to show what the targets report.

    ``reported`` are the copies by target key, as far as heard; what an unheard target said before
    stands. ``own`` is the status as the object's own, its generation that of the hub: only what is
    promoted may depend on the hub object, or writing one would change the other without end. With
    one assigned target its fields are promoted and its annotation has the marker;
    with more each one's are in its own annotation, and what had been promoted moves back there.
    Raises ``ViewInvalid`` where the summarizing rules cannot be used.
    """
    fields = _rules(tree)
    assigned = sorted(key for key, state in state_keys(tree).items() if state == SYNC)
    real: Json = {}
    notes: Json = {}
    for key in assigned:
        stored = reported_fields(tree, key)
        said: Json = {}
        for path, promotes in fields:
            value = _value(tree, path, stored.get(".".join(path), MISSING), reported.get(key))
            if value is MISSING:
                continue
            if promotes and len(assigned) == 1:
                ours = at_path({"status": own}, path) if own else MISSING
                put_at(real, path, value if ours is MISSING else ours)
                value = PROMOTED
            said[".".join(path)] = value
        if said != stored:
            notes[STATUS_DIFF + key] = _written(said) if said else None
    return _promotion(tree, real, notes, whole=any(path == ("status",) for path, _ in fields))


def _promotion(tree: Mapping[str, Any], real: Json, notes: Json, *, whole: bool) -> Promotion:
    promoted = real.pop("status", None)
    before = tree.get("status") or {}
    status: Json = {}
    if isinstance(promoted, dict):
        status = (diff if whole else _additions)(before, promoted)
    main = _additions(tree, real)
    if notes:
        main["metadata"] = {"annotations": notes}
    return Promotion(status, main, promoted if isinstance(promoted, dict) else None)


def _rules(tree: Mapping[str, Any]) -> list[tuple[tuple[str, ...], bool]]:
    """Return each summarised field, and whether it is promoted; ``status`` is by default."""
    paths = summarised_fields(tree)
    text = annotations_of(tree).get(SUMMARIZING)
    if text is None:
        return [(path, True) for path in paths]
    rules = orjson.loads(text)
    return [
        (path, rule.get("promoteToUpstream") is True)
        for path, rule in zip(paths, rules, strict=True)
    ]


def _value(
    tree: Mapping[str, Any],
    path: tuple[str, ...],
    stored: Any,
    copy: Mapping[str, Any] | None,
) -> Any:
    """Return what a target reports of a field now, else its last report, wherever that is
    stored.
    """
    found = at_path(copy, path) if copy is not None else MISSING
    if found is not MISSING:
        return found
    return at_path(tree, path) if stored == PROMOTED else stored


def _written(said: Json) -> str:
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()


def _additions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Json:
    """Return the merge patch from ``before`` to ``after``; fields not in ``after`` are left
    alone.
    """
    changed: Json = {}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(old, Mapping) and isinstance(value, dict):
            inner = _additions(old, value)
            changed |= {name: inner} if inner else {}
        elif old != value:
            changed[name] = value
    return changed
