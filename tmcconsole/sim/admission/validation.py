"""What makes an object invalid: names, labels, and the rules of the common built-in kinds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.sim.admission.volume_claims import claim_changes
from tmcconsole.sim.rules.definition_rules import definition_problems
from tmcconsole.sim.rules.owner_rules import owner_problems
from tmcconsole.sim.rules.struct_rules import broken_rules
from tmcconsole.sim.schema.structs import struct_of
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.status_errors import StatusCause

_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_CONFIG_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+")
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
_LABEL_RULE: Final = (
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


def problems(kind: SimKind, tree: Json, old: Json | None) -> list[StatusCause]:
    """Return what makes an object, or its change from ``old``, invalid."""
    found = [*_metadata(kind, tree["metadata"]), *_content(kind, tree, old)]
    known = {cause.field for cause in found}
    return [*found, *(cause for cause in _rules(kind, tree, old) if cause.field not in known)]


def _rules(kind: SimKind, tree: Json, old: Json | None) -> Iterator[StatusCause]:
    """Unchanged content is not validated again, even if the rules have become stricter."""
    struct = None if kind.is_custom else struct_of(kind.group, kind.version, kind.kind)
    if struct is not None and (old is None or _without_head(tree) != _without_head(old)):
        yield from broken_rules(struct.name, tree)


def _without_head(tree: Json) -> Json:
    return {key: value for key, value in tree.items() if key not in ("metadata", "status")}


def required(field: str, why: str = "") -> StatusCause:
    """Return the cause for a missing required field."""
    return StatusCause("FieldValueRequired", f"Required value{': ' + why if why else ''}", field)


def wrong(field: str, value: Any, why: str) -> StatusCause:
    """Return the cause for a field with an invalid value."""
    shown = orjson.dumps(value).decode()
    return StatusCause("FieldValueInvalid", f"Invalid value: {shown}: {why}", field)


def forbidden_field(field: str, why: str) -> StatusCause:
    """Return the cause for a field that may not be set or changed."""
    return StatusCause("FieldValueForbidden", f"Forbidden: {why}", field)


def _metadata(kind: SimKind, meta: Json) -> Iterator[StatusCause]:
    name = meta.get("name")
    if meta.get("generateName"):
        yield from _prefix(kind, meta["generateName"])
    if not name:
        yield required("metadata.name", "name or generateName is required")
    else:
        yield from _name(kind, name, "metadata.name")
    for key, value in (meta.get("labels") or {}).items():
        yield from _label(key, value, "metadata.labels")
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
        yield wrong(f"metadata.finalizers[{index}]", name, why)


def _name(kind: SimKind, name: str, field: str) -> Iterator[StatusCause]:
    if _FREE_NAMES.fullmatch(kind.id):
        if name in (".", "..") or "/" in name or "%" in name:
            yield wrong(field, name, "may not be '.', '..' or contain '/' or '%'")
    elif kind.id in _LABEL_NAMES:
        if len(name) > 63:
            yield wrong(field, name, "must be no more than 63 characters")
        if not _LABEL.fullmatch(name):
            has_dots = _SUBDOMAIN.fullmatch(name)
            yield wrong(field, name, "must not contain dots" if has_dots else _LABEL_RULE)
    else:
        yield from _subdomain_name(kind, name, field)


def _subdomain_name(kind: SimKind, name: str, field: str) -> Iterator[StatusCause]:
    if kind.id in _SHORT_NAMES and len(name) > _SHORT_NAMES[kind.id]:
        yield wrong(
            "metadata.name", name, f"must be no more than {_SHORT_NAMES[kind.id]} characters"
        )
    if len(name) > 253:
        yield wrong(field, name, "must be no more than 253 characters")
    if not _SUBDOMAIN.fullmatch(name):
        yield wrong(field, name, _SUBDOMAIN_RULE)


def _label(key: str, value: Any, field: str) -> Iterator[StatusCause]:
    yield from _qualified_name(key, field)
    if not isinstance(value, str):
        yield wrong(field, value, "must be a string")
    elif len(value) > 63:
        yield wrong(field, value, "must be no more than 63 bytes")
    elif value and not _QUALIFIED.fullmatch(value):
        yield wrong(field, value, _VALUE_RULE)


def _qualified_name(key: str, field: str) -> Iterator[StatusCause]:
    if key.count("/") > 1:
        yield wrong(field, key, _KEY_RULE)
        return
    prefix, slash, name = key.rpartition("/")
    if slash and not _SUBDOMAIN.fullmatch(prefix):
        yield wrong(field, key, f"prefix part {_SUBDOMAIN_RULE}")
    if len(name) > 63:
        yield wrong(field, key, "name part must be no more than 63 bytes")
    if not name:
        yield wrong(field, key, "name part must be non-empty")
    if not _QUALIFIED.fullmatch(name):
        yield wrong(field, key, f"name part {_NAME_RULE}")


def _content(kind: SimKind, tree: Json, old: Json | None) -> Iterator[StatusCause]:
    hook = _HOOKS.get(kind.id)
    if hook and not kind.is_custom:
        yield from hook(tree, old)


def _deployment(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    strategy = (tree.get("spec") or {}).get("strategy") or {}
    if strategy.get("type") == "Recreate" and strategy.get("rollingUpdate"):
        why = "may not be specified when strategy `type` is 'Recreate'"
        yield forbidden_field("spec.strategy.rollingUpdate", why)
    yield from _workload(tree, old)


def _workload(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    spec = tree.get("spec") or {}
    if (spec.get("replicas") or 0) < 0:
        yield wrong("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    selector = spec.get("selector")
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not selector:
        yield required("spec.selector")
    elif old is not None and (old.get("spec") or {}).get("selector") != selector:
        yield wrong("spec.selector", selector, "field is immutable")
    if selector and not _selects(selector, labels):
        text = "`selector` does not match template `labels`"
        yield wrong("spec.template.metadata.labels", labels or None, text)
    yield from _pod_spec(template.get("spec") or {}, "spec.template.spec")


def _stateful_set(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    strategy = (tree.get("spec") or {}).get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete" and strategy.get("rollingUpdate"):
        why = "only allowed for updateStrategy 'RollingUpdate'"
        yield wrong("spec.updateStrategy.rollingUpdate", strategy["rollingUpdate"], why)
    yield from _workload(tree, old)


def _selects(selector: Json, labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items())


def _pod_spec(spec: Json, path: str) -> Iterator[StatusCause]:
    containers = spec.get("containers") or ()
    if not containers:
        yield required(f"{path}.containers")
    names: set[str] = set()
    for index, container in enumerate(containers):
        place = f"{path}.containers[{index}]"
        name = container.get("name")
        if not name:
            yield required(f"{place}.name")
        elif not _LABEL.fullmatch(name):
            yield wrong(f"{place}.name", name, _LABEL_RULE)
        elif name in names:
            yield StatusCause("FieldValueDuplicate", f'Duplicate value: "{name}"', f"{place}.name")
        names.add(name or "")
        if not container.get("image"):
            yield required(f"{place}.image")


def _pod(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    if old is None:
        yield from _pod_spec(tree.get("spec") or {}, "spec")


def _job(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    spec = tree.get("spec") or {}
    template = spec.get("template") or {}
    policy = (template.get("spec") or {}).get("restartPolicy")
    if policy == "Always":
        supported = 'supported values: "Never", "OnFailure"'
        yield StatusCause(
            "FieldValueNotSupported",
            f'Unsupported value: "Always": {supported}',
            "spec.template.spec.restartPolicy",
        )
    yield from _template_labels(template)
    if not spec.get("selector"):
        yield required("spec.selector")
        text = "`selector` does not match template `labels`"
        yield wrong("spec.template.metadata.labels", None, text)
    if old is not None:
        yield from _job_change(spec, old["spec"])
    yield from _pod_spec(template.get("spec") or {}, "spec.template.spec")


def _template_labels(template: Json) -> Iterator[StatusCause]:
    for key, value in ((template.get("metadata") or {}).get("labels") or {}).items():
        yield from _label(key, value, "spec.template.labels")


def _job_change(spec: Json, old: Json) -> Iterator[StatusCause]:
    for field in ("completions", "selector"):
        if old.get(field) != spec.get(field):
            yield wrong(f"spec.{field}", spec.get(field), "field is immutable")
    before, after = old["template"], spec["template"]
    if old.get("suspend"):  # labels and annotations may still change then
        before, after = before["spec"], after["spec"]
    if before != after:
        yield wrong("spec.template", after, "field is immutable")


def _config_map(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    yield from _immutable_data(tree, old, ("data", "binaryData"))
    data = tree.get("data") or {}
    for key, value in data.items():
        if not _CONFIG_KEY.fullmatch(key) or len(key) > 253:
            yield wrong(f"data[{key}]", key, "a valid config key must consist of alphanumeric"
                " characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name',"
                " regex used for validation is '[-._a-zA-Z0-9]+')")  # fmt: skip
        if not isinstance(value, str):
            yield wrong(f"data[{key}]", value, "must be a string")
    if sum(len(str(value)) for value in data.values()) > 1024 * 1024:
        yield StatusCause("FieldValueTooLong", "Too long: may not be more than 1048576 bytes", "")


def _secret(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    yield from _immutable_data(tree, old, ("data",))
    if old is not None and old.get("type") != tree.get("type"):
        yield wrong("type", tree.get("type"), "field is immutable")


def _immutable_data(tree: Json, old: Json | None, fields: tuple[str, ...]) -> Iterator[StatusCause]:
    if old is None or not old.get("immutable"):
        return
    if not tree.get("immutable"):
        yield forbidden_field("immutable", "field is immutable when `immutable` is set")
    for field in fields:
        if old.get(field) != tree.get(field):
            yield forbidden_field(field, "field is immutable when `immutable` is set")


def _budget(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    spec = tree.get("spec") or {}
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield wrong("spec", spec, "minAvailable and maxUnavailable cannot be both set")


def _service(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    spec = tree.get("spec") or {}
    needs_ports = spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None"
    if needs_ports and not spec.get("ports"):
        yield required("spec.ports")
    for index, port in enumerate(spec.get("ports") or ()):
        number = port.get("port")
        if not isinstance(number, int) or not 1 <= number <= 65535:
            place = f"spec.ports[{index}].port"
            yield wrong(place, number, "must be between 1 and 65535, inclusive")
    before = ((old or {}).get("spec") or {}).get("clusterIP")
    address = spec.get("clusterIP") or ""
    if before and before != address and spec.get("type") != "ExternalName":
        yield wrong("spec.clusterIPs[0]", [address], "may not change once set")


def _definition(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    spec = tree.get("spec") or {}
    names = spec.get("names") or {}
    for field in ("group", "scope"):
        if not spec.get(field):
            yield required(f"spec.{field}")
    for field in ("plural", "kind"):
        if not names.get(field):
            yield required(f"spec.names.{field}")
    versions = spec.get("versions") or []
    if sum(1 for version in versions if version.get("storage")) != 1:
        text = "must have exactly one version marked as storage version"
        yield wrong("spec.versions", "", text)
    name = tree["metadata"].get("name")
    if name != f"{names.get('plural')}.{spec.get('group') or 'core'}":
        yield wrong("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    yield from _definition_change(tree, spec, old["spec"] if old else None)


def _definition_change(tree: Json, spec: Json, old: Json | None) -> Iterator[StatusCause]:
    if old != spec:
        yield from definition_problems(tree)
    if old is not None and old.get("scope") != spec.get("scope"):
        yield wrong("spec.scope", spec.get("scope"), "field is immutable")


_HOOKS: Final[dict[str, Callable[[Json, Json | None], Iterator[StatusCause]]]] = {
    "configmaps": _config_map,
    "secrets": _secret,
    "services": _service,
    "pods": _pod,
    "persistentvolumeclaims": claim_changes,
    "deployments.apps": _deployment,
    "replicasets.apps": _workload,
    "statefulsets.apps": _stateful_set,
    "daemonsets.apps": _workload,
    "jobs.batch": _job,
    "poddisruptionbudgets.policy": _budget,
    "customresourcedefinitions.apiextensions.k8s.io": _definition,
}
