"""From client-side to server-side apply: how kube-apiserver treats kubectl's annotation.

The rules are those of lastappliedmanager and lastappliedupdater in k8s.io/apimachinery: they apply
only to a manager called kubectl.
"""

from __future__ import annotations

from typing import Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.sim.fields.fieldsets import FieldSet, compare, difference, fields_of
from tmcconsole.sim.storage.shapes import ValueShape

ANNOTATION: Final = "kubectl.kubernetes.io/last-applied-configuration"
_MANAGER: Final = "kubectl"


def uncontested(manager: str, live: Json, shape: ValueShape) -> FieldSet | None:
    """Return the fields that client-side apply set and that have not changed since: kubectl may
    take them over, whoever owns them.
    """
    last = _last(live) if manager == _MANAGER else None
    if last is None:
        return None
    fields: FieldSet | None = fields_of(last, shape)
    for changed in compare(last, live, shape):
        fields = difference(fields, changed)
    return fields


def refresh(manager: str, tree: Json, stated: Json) -> None:
    """Update the annotation, if present, to what kubectl applies now, in place."""
    annotations = tree["metadata"].get("annotations") or {}
    if manager != _MANAGER or ANNOTATION not in annotations:
        return
    meta = {key: value for key, value in stated["metadata"].items() if key != "managedFields"}
    others = {k: v for k, v in (meta.pop("annotations", None) or {}).items() if k != ANNOTATION}
    if others:
        meta["annotations"] = others
    text = orjson.dumps({**stated, "metadata": meta}, option=orjson.OPT_SORT_KEYS).decode()
    tree["metadata"]["annotations"] = {**annotations, ANNOTATION: f"{text}\n"}


def _last(tree: Json) -> Json | None:
    text = (tree["metadata"].get("annotations") or {}).get(ANNOTATION)
    try:
        last = orjson.loads(text or "null")
    except orjson.JSONDecodeError:
        return None
    return last if isinstance(last, dict) else None
