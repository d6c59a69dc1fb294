"""Status conditions, with a transition time that changes only with the status."""

from __future__ import annotations

from tmcconsole.kube.objects import Json


def with_condition(
    present: list[Json] | None, kind: str, status: str, reason: str, message: str, stamp: str
) -> list[Json]:
    """Return the conditions with one of them set. ``stamp`` is the current time, RFC 3339."""
    before = next((c for c in present or () if c.get("type") == kind), None)
    since = stamp
    if before and before.get("status") == status:
        since = before.get("lastTransitionTime") or stamp
    new = {
        "type": kind,
        "status": status,
        "lastUpdateTime": stamp,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    }
    if before and _same(before, new):
        new = before
    others = [condition for condition in present or () if condition.get("type") != kind]
    return [*others, new]


def is_true(tree: Json, kind: str) -> bool:
    """Return whether an object has a condition with status True."""
    conditions = (tree.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == kind and c.get("status") == "True" for c in conditions)


def _same(left: Json, right: Json) -> bool:
    return all(left.get(key) == right[key] for key in ("status", "reason", "message"))
