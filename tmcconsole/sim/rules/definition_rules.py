"""Rules for a CustomResourceDefinition, apart from its schemas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.rules.causes import barred, needed, wrong
from tmcconsole.sim.rules.schema_rules import schema_problems
from tmcconsole.sim.rules.text_forms import fits, is_subdomain
from tmcconsole.sim.storage.status_errors import StatusCause

_VERSION: Final = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_COLUMN_TYPES: Final = ("integer", "number", "string", "boolean", "date")
_COLUMN_FORMATS: Final = (
    "int32",
    "int64",
    "float",
    "double",
    "byte",
    "date",
    "date-time",
    "password",
)
_SIMPLE: Final = re.compile(r"(\.[\w$-]+|\['[^']+'\]|\[\d+\]|\[\*\])+")
_FIELDS: Final = re.compile(r"(\.[\w-]+)+")
_OF_KCP: Final = (
    "core",
    "apps",
    "batch",
    "autoscaling",
    "policy",
)  # definable in a workspace
_SCALARS: Final = ("string", "integer", "boolean")


def definition_problems(tree: Json) -> Iterator[StatusCause]:
    """Yield what is wrong with a definition."""
    spec = tree.get("spec") or {}
    yield from _names(spec.get("names") or {})
    if spec.get("scope") not in ("Cluster", "Namespaced", None, ""):
        yield wrong("spec.scope", 'supported values: "Cluster", "Namespaced"')
    group = spec.get("group") or ""
    if group and group not in _OF_KCP and (not is_subdomain(group) or "." not in group):
        yield wrong("spec.group", "should be a domain with at least one dot")
    if spec.get("preserveUnknownFields"):
        yield wrong("spec.preserveUnknownFields", "must be false")
    yield from _conversion(spec.get("conversion") or {})
    named: set[Any] = set()
    for index, version in enumerate(spec.get("versions") or ()):
        place = f"spec.versions[{index}]"
        if version.get("name") in named:
            yield wrong(f"{place}.name", "must be unique")
        named.add(version.get("name"))
        yield from _version(version, place)


def _names(names: Json) -> Iterator[StatusCause]:
    kinds = {field: names.get(field) or "" for field in ("kind", "listKind")}
    for field, text in kinds.items():
        if text and not fits("label", text.lower()):
            yield wrong(f"spec.names.{field}", "may have mixed case, but should otherwise match")
    if kinds["kind"] and kinds["kind"] == kinds["listKind"]:
        yield wrong("spec.names.listKind", "kind and listKind may not be the same")
    for field in ("plural", "singular"):
        if names.get(field) and not fits("label", names[field]):
            yield wrong(f"spec.names.{field}", "must be a DNS label")
    yield from _short_names(names)


def _short_names(names: Json) -> Iterator[StatusCause]:
    for field in ("shortNames", "categories"):
        for index, text in enumerate(names.get(field) or ()):
            if not fits("label", text):
                yield wrong(f"spec.names.{field}[{index}]", "must be a DNS label")


def _conversion(conversion: Json) -> Iterator[StatusCause]:
    kind, webhook = conversion.get("strategy"), conversion.get("webhook")
    if kind not in ("None", "Webhook"):
        yield wrong("spec.conversion.strategy", 'supported values: "None", "Webhook"')
    elif kind == "Webhook" and not (webhook or {}).get("clientConfig"):
        yield needed("spec.conversion.webhook.clientConfig")
    elif kind == "None" and webhook:
        yield barred("spec.conversion.webhook", "should not be set when strategy is None")


def _version(version: Json, path: str) -> Iterator[StatusCause]:
    if not _VERSION.fullmatch(version.get("name") or ""):
        yield wrong(f"{path}.name", "must be a DNS label that begins with a letter")
    if version.get("deprecationWarning") and not version.get("deprecated"):
        yield wrong(f"{path}.deprecationWarning", "can only be set for deprecated versions")
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if not schema:
        yield needed(f"{path}.schema.openAPIV3Schema", "schemas are required")
    else:
        yield from schema_problems(schema, f"{path}.schema.openAPIV3Schema")
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        yield from _column(column, f"{path}.additionalPrinterColumns[{index}]")
    scale = (version.get("subresources") or {}).get("scale")
    if scale is not None:
        yield from _scale(scale, f"{path}.subresources.scale")
    yield from _selectable(version.get("selectableFields") or (), schema or {}, path)


def _column(column: Json, path: str) -> Iterator[StatusCause]:
    for field in ("name", "type", "jsonPath"):
        if not column.get(field):
            yield needed(f"{path}.{field}")
    if column.get("type") and column["type"] not in _COLUMN_TYPES:
        yield wrong(f"{path}.type", f"must be one of {','.join(_COLUMN_TYPES)}")
    if column.get("format") and column["format"] not in _COLUMN_FORMATS:
        yield wrong(f"{path}.format", f"must be one of {','.join(_COLUMN_FORMATS)}")
    if column.get("jsonPath") and not column["jsonPath"].startswith("."):
        yield wrong(f"{path}.jsonPath", "must be a simple json path starting with .")


def _scale(scale: Json, path: str) -> Iterator[StatusCause]:
    wanted = (
        ("specReplicasPath", (".spec.",), True),
        ("statusReplicasPath", (".status.",), True),
        ("labelSelectorPath", (".spec.", ".status."), False),
    )
    for field, starts, is_needed in wanted:
        text = scale.get(field) or ""
        if not text and is_needed:
            yield needed(f"{path}.{field}")
        elif text and not (text.startswith(starts) and _SIMPLE.fullmatch(text)):
            yield wrong(f"{path}.{field}", f"should be a json path under {starts[0]}")


def _selectable(fields: Any, schema: Json, path: str) -> Iterator[StatusCause]:
    seen: set[str] = set()
    for index, field in enumerate(fields):
        text, place = field.get("jsonPath") or "", f"{path}.selectableFields[{index}].jsonPath"
        if text in seen:
            yield StatusCause("FieldValueDuplicate", f'Duplicate value: "{text}"', place)
        seen.add(text)
        found = _at(schema, text)
        if not _FIELDS.fullmatch(text) or text.startswith(".metadata"):
            yield wrong(place, "is an invalid path")
        elif found is None or found.get("type") not in _SCALARS:
            yield wrong(place, "does not refer to a valid field: string, boolean or integer")


def _at(schema: Json, path: str) -> Json | None:
    found: Json | None = schema
    for step in path.strip(".").split("."):
        found = ((found or {}).get("properties") or {}).get(step)
    return found
