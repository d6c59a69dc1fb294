"""The table of built-in types, from what a real kube-apiserver publishes in OpenAPI.

``python -m tests.envtest.structs`` writes it anew.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.envtest.commands import REMEDY, find_binaries
from tests.envtest.planes import Plane, running_planes
from tmcconsole.sim.schema import structs
from tmcconsole.sim.schema.builtin import built_in

Json = dict[str, Any]

_REF: Final = "#/components/schemas/"
_PREFIXES: Final = (
    "io.k8s.api.",
    "io.k8s.apimachinery.pkg.apis.",
    "io.k8s.apiextensions-apiserver.pkg.apis.",
    "io.k8s.kube-aggregator.pkg.apis.",
)
_NAMED_SCALARS: Final = {
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "object",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "object",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "intstr",
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
}
_SCALARS: Final = {
    ("string", ""): "string",
    ("string", "byte"): "bytes",
    ("string", "date-time"): "time",
    ("integer", "int32"): "int32",
    ("integer", "int64"): "int64",
    ("number", "double"): "float64",
    ("boolean", ""): "bool",
    ("object", ""): "object",
    ("", ""): "any",
}
FILE: Final = Path(structs.__file__).with_suffix(".txt")
_HEAD: Final = """\
# The types of the built-in kinds: name, then name:type of each field. A mark after the name: ! is
# required, % (of a type) is owned as a whole. After bars: how lists and maps are patched and owned.
# Written by `python -m tests.envtest.structs` from the OpenAPI of a kube-apiserver.
"""


def published(plane: Plane) -> str:
    """Return the table made from a real API server's OpenAPI."""
    kinds = {(kind.group, kind.version, kind.kind) for kind in built_in("workload")}
    schemas: dict[str, Json] = {}
    for group, version in sorted({(group, version) for group, version, _ in kinds}):
        path = f"apis/{group}/{version}" if group else f"api/{version}"
        document = plane.get(f"/openapi/v3/{path}")
        assert isinstance(document, dict)
        schemas |= document["components"]["schemas"]
    return _HEAD + table(schemas, kinds)


def main() -> int:
    """Write the table from a server started for it."""
    binaries = find_binaries()
    if binaries is None:
        print(f"no binaries: {REMEDY}", file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="planes-") as folder,
        running_planes(binaries, Path(folder), (("hub", "hub"),)) as (plane,),
    ):
        FILE.write_text(published(plane))
    return 0


def table(schemas: Mapping[str, Json], kinds: Iterable[tuple[str, str, str]]) -> str:
    """Return the lines of structs.txt for these groups, versions and kinds, and what they use."""
    wanted = {name for name, schema in schemas.items() if _is_of(schema, set(kinds))}
    known: set[str] = set()
    while wanted:
        name = wanted.pop()
        known.add(name)
        wanted |= {ref for ref in _refs(schemas[name]) if _has_fields(schemas[ref])} - known
    return "".join(f"{line}\n" for line in sorted(_line(n, schemas) for n in known))


def _is_of(schema: Json, kinds: set[tuple[str, str, str]]) -> bool:
    named = schema.get("x-kubernetes-group-version-kind") or ()
    return len(named) == 1 and any(
        (gvk["group"], gvk["version"], gvk["kind"]) in kinds for gvk in named
    )


def _has_fields(schema: Json) -> bool:
    return "properties" in schema


def _refs(value: Any) -> set[str]:
    if isinstance(value, list):
        return {ref for item in value for ref in _refs(item)}
    if not isinstance(value, dict):
        return set()
    own = {value["$ref"].removeprefix(_REF)} if isinstance(value.get("$ref"), str) else set()
    return own | {ref for child in value.values() for ref in _refs(child)}


def _line(name: str, schemas: Mapping[str, Json]) -> str:
    schema = schemas[name]
    required = schema.get("required") or ()
    fields = [
        f"{field}{'!' if field in required else ''}:{_type(child, schemas)}{_markers(child)}"
        for field, child in schema["properties"].items()
    ]
    return " ".join([_short(name) + ("%" if _is_atomic(schema) else ""), *sorted(fields)])


def _type(schema: Json, schemas: Mapping[str, Json]) -> str:
    if schema.get("type") == "array":
        return f"[]{_type(schema['items'], schemas)}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"{{}}{_type(schema['additionalProperties'], schemas)}"
    ref = schema.get("$ref") or next((s["$ref"] for s in schema.get("allOf") or ()), "")
    if not ref:
        return _SCALARS[schema.get("type", ""), schema.get("format", "")]
    name = ref.removeprefix(_REF)
    if name in _NAMED_SCALARS:
        return _NAMED_SCALARS[name]
    if _has_fields(schemas[name]):
        return _short(name)
    return _type(schemas[name], schemas)


def _markers(schema: Json) -> str:
    keys = ",".join(schema.get("x-kubernetes-list-map-keys") or ())
    marked = {
        "patch": schema.get("x-kubernetes-patch-merge-key"),
        "strategy": schema.get("x-kubernetes-patch-strategy"),
        "keys": keys,
        "list": "" if keys else schema.get("x-kubernetes-list-type"),
        "map": schema.get("x-kubernetes-map-type"),
    }
    return "".join(f"|{name}={value}" for name, value in marked.items() if value)


def _is_atomic(schema: Json) -> bool:
    return schema.get("x-kubernetes-map-type") == "atomic"


def _short(name: str) -> str:
    return next(name.removeprefix(p) for p in _PREFIXES if name.startswith(p))


if __name__ == "__main__":
    sys.exit(main())
