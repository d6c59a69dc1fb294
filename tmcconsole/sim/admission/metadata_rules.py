"""What makes the metadata of an object invalid: names, labels, annotations, finalizers, owners."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.rules.causes import needed, wrong_value
from tmcconsole.sim.rules.owner_rules import owner_problems
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.status_errors import StatusCause

LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LABEL_NAMES: Final = {
    "namespaces",
    "services",
    "statefulsets.apps",
}  # a name of at most 63 characters, without dots
_SHORT_NAMES: Final = {"cronjobs.batch": 52}  # the suffix a job adds must fit in a label
_FREE_NAMES: Final = re.compile(
    r"(cluster)?role(binding)?s\.rbac\.authorization\.k8s\.io|poddisruptionbudgets\.policy"
)
_FINALIZERS: Final = ("orphan", "foregroundDeletion", "kubernetes")  # names without a domain
# Kinds whose finalizers need no domain.
_FREE_FINALIZERS: Final = {
    "customresourcedefinitions.apiextensions.k8s.io",
    "leases.coordination.k8s.io",
    "poddisruptionbudgets.policy",
}
_ANNOTATIONS_LIMIT: Final = 256 * 1024  # bytes of all keys and values

_SUBDOMAIN_RULE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or"
    " '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used"
    " for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_RULE: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and"
    " must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex"
    " used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_VALUE_RULE: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or"
    " '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',"
    "  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_NAME_RULE: Final = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start"
    " and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or"
    " '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_KEY_RULE: Final = (
    f"a valid label key {_NAME_RULE} with an optional DNS subdomain prefix and '/'"
    " (e.g. 'example.com/MyName')"
)


def metadata_problems(kind: SimKind, tree: Json) -> list[StatusCause]:
    """Return what makes the metadata of an object invalid."""
    return list(_metadata(kind, tree["metadata"]))


def _metadata(kind: SimKind, meta: Json) -> Iterator[StatusCause]:
    name = meta.get("name")
    if meta.get("generateName"):
        yield from _prefix(kind, meta["generateName"])
    if not name:
        yield needed("metadata.name", "name or generateName is required")
    else:
        yield from _name(kind, name, "metadata.name")
    for key, value in (meta.get("labels") or {}).items():
        yield from label_problems(key, value, "metadata.labels")
    annotations = meta.get("annotations") or {}
    for key in annotations:
        yield from _qualified_name(key, "metadata.annotations")
    size = sum(len(key) + len(str(value)) for key, value in annotations.items())
    if size > _ANNOTATIONS_LIMIT:
        text = f"Too long: may not be more than {_ANNOTATIONS_LIMIT} bytes"
        yield StatusCause("FieldValueTooLong", text, "metadata.annotations")
    yield from owner_problems(meta.get("ownerReferences") or ())
    for index, finalizer in enumerate(meta.get("finalizers") or ()):
        yield from _finalizer(kind, finalizer, index)


def _prefix(kind: SimKind, prefix: str) -> Iterator[StatusCause]:
    """A generated suffix follows, so a dash may be the last character."""
    name = prefix.rstrip("-") or "-"
    for cause in _name(kind, name, "metadata.generateName"):
        yield cause._replace(message=cause.message.replace(f'"{name}"', f'"{prefix}"', 1))


def _finalizer(kind: SimKind, name: str, index: int) -> Iterator[StatusCause]:
    yield from _qualified_name(name, "metadata.finalizers")
    if kind.is_custom or kind.id in _FREE_FINALIZERS:
        return
    if "/" not in name and name not in _FINALIZERS:
        why = "name is neither a standard finalizer name nor is it fully qualified"
        yield wrong_value(f"metadata.finalizers[{index}]", name, why)


def _name(kind: SimKind, name: str, field: str) -> Iterator[StatusCause]:
    if _FREE_NAMES.fullmatch(kind.id):
        if name in (".", "..") or "/" in name or "%" in name:
            yield wrong_value(field, name, "may not be '.', '..' or contain '/' or '%'")
    elif kind.id in _LABEL_NAMES:
        if len(name) > 63:
            yield wrong_value(field, name, "must be no more than 63 characters")
        if not LABEL.fullmatch(name):
            has_dots = _SUBDOMAIN.fullmatch(name)
            yield wrong_value(field, name, "must not contain dots" if has_dots else LABEL_RULE)
    else:
        yield from _subdomain_name(kind, name, field)


def _subdomain_name(kind: SimKind, name: str, field: str) -> Iterator[StatusCause]:
    if kind.id in _SHORT_NAMES and len(name) > _SHORT_NAMES[kind.id]:
        yield wrong_value(
            "metadata.name", name, f"must be no more than {_SHORT_NAMES[kind.id]} characters"
        )
    if len(name) > 253:
        yield wrong_value(field, name, "must be no more than 253 characters")
    if not _SUBDOMAIN.fullmatch(name):
        yield wrong_value(field, name, _SUBDOMAIN_RULE)


def label_problems(key: str, value: Any, field: str) -> Iterator[StatusCause]:
    """Yield what makes one label invalid; ``field`` is where the labels are."""
    yield from _qualified_name(key, field)
    if not isinstance(value, str):
        yield wrong_value(field, value, "must be a string")
    elif len(value) > 63:
        yield wrong_value(field, value, "must be no more than 63 bytes")
    elif value and not _QUALIFIED.fullmatch(value):
        yield wrong_value(field, value, _VALUE_RULE)


def _qualified_name(key: str, field: str) -> Iterator[StatusCause]:
    if key.count("/") > 1:
        yield wrong_value(field, key, _KEY_RULE)
        return
    prefix, slash, name = key.rpartition("/")
    if slash and not _SUBDOMAIN.fullmatch(prefix):
        yield wrong_value(field, key, f"prefix part {_SUBDOMAIN_RULE}")
    if len(name) > 63:
        yield wrong_value(field, key, "name part must be no more than 63 bytes")
    if not name:
        yield wrong_value(field, key, "name part must be non-empty")
    if not _QUALIFIED.fullmatch(name):
        yield wrong_value(field, key, f"name part {_NAME_RULE}")
