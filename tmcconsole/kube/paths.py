"""Paths of collections and objects, encoded so that no name can escape its segment."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from tmcconsole.kube.errors import BadRequest
from tmcconsole.kube.objects import Kind, ObjectKey

_PLAIN: Final = re.compile(r"[a-z0-9.:-]+")  # almost every name; needs no encoding


def collection_path(kind: Kind, namespace: str = "") -> str:
    """Return the path of a kind's collection: in one namespace, or in all of them."""
    if not namespace or not kind.namespaced:
        return f"{kind.base_path}/{kind.resource}"
    return f"{kind.base_path}/namespaces/{_segment(namespace)}/{kind.resource}"


def object_path(kind: Kind, key: ObjectKey) -> str:
    """Return the path of one object. Raises ``BadRequest`` if the key is not a valid name."""
    if kind.namespaced and not key.namespace:
        raise BadRequest(400, "NoNamespace", f"{kind.kind} {key.name} needs a namespace")
    return f"{collection_path(kind, key.namespace)}/{_segment(key.name)}"


def _segment(name: str) -> str:
    # "." and ".." would be taken for path segments, by us or by a proxy
    if name in ("", ".", "..") or "/" in name:
        raise BadRequest(400, "InvalidName", f"{name!r} is not a valid name")
    return name if _PLAIN.fullmatch(name) else quote(name, safe=":")
