"""What makes an object invalid: the rules of the common built-in kinds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.admission.metadata_rules import (
    LABEL,
    LABEL_RULE,
    label_problems,
    metadata_problems,
)
from tmcconsole.sim.admission.volume_claims import claim_changes
from tmcconsole.sim.rules.causes import barred, needed, wrong_value
from tmcconsole.sim.rules.definition_rules import definition_problems
from tmcconsole.sim.rules.struct_rules import broken_rules
from tmcconsole.sim.schema.structs import struct_of
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.status_errors import StatusCause

_CONFIG_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+")


def problems(kind: SimKind, tree: Json, old: Json | None) -> list[StatusCause]:
    """Return what makes an object, or its change from ``old``, invalid."""
    found = [*metadata_problems(kind, tree), *_content(kind, tree, old)]
    known = {cause.field for cause in found}
    return [*found, *(cause for cause in _rules(kind, tree, old) if cause.field not in known)]


def _rules(kind: SimKind, tree: Json, old: Json | None) -> Iterator[StatusCause]:
    """Unchanged content is not validated again, even if the rules have become stricter."""
    struct = None if kind.is_custom else struct_of(kind.group, kind.version, kind.kind)
    if struct is not None and (old is None or _without_head(tree) != _without_head(old)):
        yield from broken_rules(struct.name, tree)


def _without_head(tree: Json) -> Json:
    return {key: value for key, value in tree.items() if key not in ("metadata", "status")}


def _content(kind: SimKind, tree: Json, old: Json | None) -> Iterator[StatusCause]:
    hook = _HOOKS.get(kind.id)
    if hook and not kind.is_custom:
        yield from hook(tree, old)


def _deployment(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    strategy = (tree.get("spec") or {}).get("strategy") or {}
    if strategy.get("type") == "Recreate" and strategy.get("rollingUpdate"):
        why = "may not be specified when strategy `type` is 'Recreate'"
        yield barred("spec.strategy.rollingUpdate", why)
    yield from _workload(tree, old)


def _workload(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    spec = tree.get("spec") or {}
    if (spec.get("replicas") or 0) < 0:
        yield wrong_value("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    selector = spec.get("selector")
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not selector:
        yield needed("spec.selector")
    elif old is not None and (old.get("spec") or {}).get("selector") != selector:
        yield wrong_value("spec.selector", selector, "field is immutable")
    if selector and not _selects(selector, labels):
        text = "`selector` does not match template `labels`"
        yield wrong_value("spec.template.metadata.labels", labels or None, text)
    yield from _pod_spec(template.get("spec") or {}, "spec.template.spec")


def _stateful_set(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    strategy = (tree.get("spec") or {}).get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete" and strategy.get("rollingUpdate"):
        why = "only allowed for updateStrategy 'RollingUpdate'"
        yield wrong_value("spec.updateStrategy.rollingUpdate", strategy["rollingUpdate"], why)
    yield from _workload(tree, old)


def _selects(selector: Json, labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items())


def _pod_spec(spec: Json, path: str) -> Iterator[StatusCause]:
    containers = spec.get("containers") or ()
    if not containers:
        yield needed(f"{path}.containers")
    names: set[str] = set()
    for index, container in enumerate(containers):
        place = f"{path}.containers[{index}]"
        name = container.get("name")
        if not name:
            yield needed(f"{place}.name")
        elif not LABEL.fullmatch(name):
            yield wrong_value(f"{place}.name", name, LABEL_RULE)
        elif name in names:
            yield StatusCause("FieldValueDuplicate", f'Duplicate value: "{name}"', f"{place}.name")
        names.add(name or "")
        if not container.get("image"):
            yield needed(f"{place}.image")


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
        yield needed("spec.selector")
        text = "`selector` does not match template `labels`"
        yield wrong_value("spec.template.metadata.labels", None, text)
    if old is not None:
        yield from _job_change(spec, old["spec"])
    yield from _pod_spec(template.get("spec") or {}, "spec.template.spec")


def _template_labels(template: Json) -> Iterator[StatusCause]:
    for key, value in ((template.get("metadata") or {}).get("labels") or {}).items():
        yield from label_problems(key, value, "spec.template.labels")


def _job_change(spec: Json, old: Json) -> Iterator[StatusCause]:
    for field in ("completions", "selector"):
        if old.get(field) != spec.get(field):
            yield wrong_value(f"spec.{field}", spec.get(field), "field is immutable")
    before, after = old["template"], spec["template"]
    if old.get("suspend"):  # labels and annotations may still change then
        before, after = before["spec"], after["spec"]
    if before != after:
        yield wrong_value("spec.template", after, "field is immutable")


def _config_map(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    yield from _immutable_data(tree, old, ("data", "binaryData"))
    data = tree.get("data") or {}
    for key, value in data.items():
        if len(key) > 253:
            yield wrong_value(f"data[{key}]", key, "must be no more than 253 characters")
        if not _CONFIG_KEY.fullmatch(key):
            yield wrong_value(f"data[{key}]", key, "a valid config key must consist of alphanumeric"
                " characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name',"
                " regex used for validation is '[-._a-zA-Z0-9]+')")  # fmt: skip
        if not isinstance(value, str):
            yield wrong_value(f"data[{key}]", value, "must be a string")
    if sum(len(str(value)) for value in data.values()) > 1024 * 1024:
        yield StatusCause("FieldValueTooLong", "Too long: may not be more than 1048576 bytes", "")


def _secret(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    yield from _immutable_data(tree, old, ("data",))
    if old is not None and old.get("type") != tree.get("type"):
        yield wrong_value("type", tree.get("type"), "field is immutable")


def _immutable_data(tree: Json, old: Json | None, fields: tuple[str, ...]) -> Iterator[StatusCause]:
    if old is None or not old.get("immutable"):
        return
    if not tree.get("immutable"):
        yield barred("immutable", "field is immutable when `immutable` is set")
    for field in fields:
        if old.get(field) != tree.get(field):
            yield barred(field, "field is immutable when `immutable` is set")


def _budget(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    spec = tree.get("spec") or {}
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield wrong_value("spec", spec, "minAvailable and maxUnavailable cannot be both set")


def _service(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    spec = tree.get("spec") or {}
    needs_ports = spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None"
    if needs_ports and not spec.get("ports"):
        yield needed("spec.ports")
    for index, port in enumerate(spec.get("ports") or ()):
        number = port.get("port")
        if not isinstance(number, int) or not 1 <= number <= 65535:
            place = f"spec.ports[{index}].port"
            yield wrong_value(place, number, "must be between 1 and 65535, inclusive")
    before = ((old or {}).get("spec") or {}).get("clusterIP")
    address = spec.get("clusterIP") or ""
    if before and before != address and spec.get("type") != "ExternalName":
        yield wrong_value("spec.clusterIPs[0]", [address], "may not change once set")


def _definition(tree: Json, old: Json | None) -> Iterator[StatusCause]:
    spec = tree.get("spec") or {}
    names = spec.get("names") or {}
    for field in ("group", "scope"):
        if not spec.get(field):
            yield needed(f"spec.{field}")
    for field in ("plural", "kind"):
        if not names.get(field):
            yield needed(f"spec.names.{field}")
    versions = spec.get("versions") or []
    if sum(1 for version in versions if version.get("storage")) != 1:
        text = "must have exactly one version marked as storage version"
        yield wrong_value("spec.versions", "", text)
    name = tree["metadata"].get("name")
    if name != f"{names.get('plural')}.{spec.get('group') or 'core'}":
        yield wrong_value("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    yield from _definition_change(tree, spec, old["spec"] if old else None)


def _definition_change(tree: Json, spec: Json, old: Json | None) -> Iterator[StatusCause]:
    if old != spec:
        yield from definition_problems(tree)
    if old is not None and old.get("scope") != spec.get("scope"):
        yield wrong_value("spec.scope", spec.get("scope"), "field is immutable")


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
