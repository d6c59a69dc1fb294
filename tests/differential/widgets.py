"""Two custom kinds: one with a schema, status and scale, one that accepts anything."""

from __future__ import annotations

import random
from typing import Final

from tests.differential.objects import COLORS, some_object
from tests.differential.trace import Json

GROUP: Final = "differential.example.com"

_PART: Final[Json] = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
}
_SPEC: Final[Json] = {
    "type": "object",
    "required": ["color"],
    "properties": {
        "color": {"type": "string", "enum": list(COLORS)},
        "size": {"type": "integer", "minimum": 0, "maximum": 100, "default": 1},
        "title": {"type": "string", "maxLength": 20},
        "replicas": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        "parts": {
            "type": "array",
            "items": _PART,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
        "steps": {"type": "array", "items": {"type": "string"}},
        "limits": {"type": "object", "additionalProperties": {"type": "string"}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
_STATUS: Final[Json] = {
    "type": "object",
    "properties": {"replicas": {"type": "integer"}, "phase": {"type": "string"}},
}


def widget_definition(group: str = GROUP) -> Json:
    """Return a CRD with lists of each type, defaults, limits, status and scale."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {
            "openAPIV3Schema": {"type": "object", "properties": {"spec": _SPEC, "status": _STATUS}}
        },
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
            },
        },
        "additionalPrinterColumns": [
            {"name": "Color", "type": "string", "jsonPath": ".spec.color"},
            {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "priority": 1},
        ],
    }
    return definition(group, "Widget", version)


def gadget_definition(group: str = GROUP) -> Json:
    """Return a CRD without a schema and without subresources."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    return definition(group, "Gadget", version)


def make_widget(rng: random.Random, name: str) -> Json:
    """Return a Widget."""
    spec: Json = {"color": rng.choice(COLORS)}
    if rng.random() < 0.5:
        spec["size"] = rng.randrange(5)
    if rng.random() < 0.4:
        spec["tags"] = rng.sample(["x", "y", "z"], rng.randrange(4))
    if rng.random() < 0.5:
        names = rng.sample(["one", "two", "three"], rng.randrange(1, 4))
        spec["parts"] = [{"name": part, "size": rng.randrange(3)} for part in names]
    if rng.random() < 0.3:
        spec["steps"] = rng.sample(["s1", "s2", "s3"], rng.randrange(4))
    if rng.random() < 0.3:
        spec["limits"] = {rng.choice(["cpu", "memory"]): rng.choice(["1", "2"])}
    if rng.random() < 0.3:
        spec["free"] = {"deep": {rng.choice("ab"): [1, {"x": None}]}, "list": [1, 2]}
    if rng.random() < 0.3:
        spec["replicas"] = rng.randrange(3)
    if rng.random() < 0.2:
        spec["unknown"] = "dropped"
    return some_object(rng, f"{GROUP}/v1", "Widget", name, spec=spec)


def make_gadget(rng: random.Random, name: str) -> Json:
    """Return a Gadget."""
    spec = {key: rng.choice([1, "text", [1, 2], {"x": True}]) for key in ("a", "b")}
    status = {"phase": rng.choice(COLORS)} if rng.random() < 0.5 else None
    return some_object(rng, f"{GROUP}/v1", "Gadget", name, spec=spec, status=status)


def definition(group: str, kind: str, version: Json) -> Json:
    """Return a CRD of one version."""
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [version],
        },
    }
