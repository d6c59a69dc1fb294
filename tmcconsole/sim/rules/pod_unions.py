"""Rules about combinations of fields in pods and pod templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.rules.causes import barred, needed, wrong
from tmcconsole.sim.rules.text_forms import fits
from tmcconsole.sim.schema.quantities import amount
from tmcconsole.sim.storage.status_errors import StatusCause

# Takes a value of a type, and the path to it ending in a dot.
Hook = Callable[[Json, str], Iterator[StatusCause]]

_HANDLERS: Final = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_OF_PODS: Final = (  # pod fields that an environment variable may refer to
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_IN_FILES: Final = ("metadata.name", "metadata.namespace", "metadata.uid")


def one_of(*names: str, why: str) -> Hook:
    """Require exactly one of these fields."""

    def hook(value: Json, path: str) -> Iterator[StatusCause]:
        found = [name for name in names if value.get(name) is not None]
        if not found:
            yield needed(path.rstrip("."), why)
        for name in found[1:]:
            yield barred(path + name, "may not specify more than 1 of them")

    return hook


def any_source(*others: str) -> Hook:
    """Require exactly one field besides the named ones."""

    def hook(value: Json, path: str) -> Iterator[StatusCause]:
        found = [name for name in value if name not in others]
        if not found:
            yield needed(path.rstrip("."), "must specify a volume type")
        for name in found[1:]:
            yield barred(path + name, "may not specify more than 1 volume type")

    return hook


def _requirement(value: Json, path: str) -> Iterator[StatusCause]:
    values = value.get("values") or []
    if value.get("operator") in ("In", "NotIn") and not values:
        yield needed(f"{path}values", "must be specified when `operator` is 'In' or 'NotIn'")
    if value.get("operator") in ("Exists", "DoesNotExist") and values:
        yield barred(f"{path}values", "may not be specified when `operator` is 'Exists'")


def _toleration(value: Json, path: str) -> Iterator[StatusCause]:
    operator = value.get("operator") or "Equal"
    if not value.get("key") and operator != "Exists":
        yield wrong(f"{path}operator", "operator must be Exists when `key` is empty")
    if operator == "Exists" and value.get("value"):
        yield wrong(f"{path}operator", "value must be empty when `operator` is 'Exists'")
    if value.get("tolerationSeconds") is not None and value.get("effect") != "NoExecute":
        yield wrong(f"{path}effect", "effect must be 'NoExecute' when `tolerationSeconds` is set")


def _variable_source(value: Json, path: str) -> Iterator[StatusCause]:
    names = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
    yield from one_of(*names, why="must specify one of them")(value, path)
    told = (value.get("fieldRef") or {}).get("fieldPath")
    if told and told not in _OF_PODS and not told.startswith(("metadata.labels[", "metadata.anno")):
        yield wrong(f"{path}fieldRef.fieldPath", "error converting fieldPath")


def _file(value: Json, path: str) -> Iterator[StatusCause]:
    names = ("fieldRef", "resourceFieldRef")
    yield from one_of(*names, why="one of fieldRef and resourceFieldRef is required")(value, path)
    told = (value.get("fieldRef") or {}).get("fieldPath")
    if told and told not in _IN_FILES and not told.startswith(("metadata.labels", "metadata.anno")):
        yield wrong(f"{path}fieldRef.fieldPath", "error converting fieldPath")


def _container(value: Json, path: str) -> Iterator[StatusCause]:
    resources = value.get("resources") or {}
    limits = resources.get("limits") or {}
    for name, wanted in (resources.get("requests") or {}).items():
        if name in limits and amount(wanted) > amount(limits[name]):
            why = f"must be less than or equal to {name} limit"
            yield wrong(f"{path}resources.requests", why)
    probe = value.get("livenessProbe") or {}
    if probe.get("successThreshold", 1) not in (0, 1):
        yield wrong(f"{path}livenessProbe.successThreshold", "must be 1")
    ports: set[Any] = set()
    for port in value.get("ports") or ():
        same = (port.get("hostPort"), port.get("protocol"))
        if same[0] and same in ports:
            yield StatusCause("FieldValueDuplicate", f"Duplicate value: {same}", f"{path}ports")
        ports.add(same)


def _pod(value: Json, path: str) -> Iterator[StatusCause]:
    volumes = {volume.get("name") for volume in value.get("volumes") or ()}
    for field in ("initContainers", "containers"):
        for index, container in enumerate(value.get(field) or ()):
            for number, mount in enumerate(container.get("volumeMounts") or ()):
                if mount.get("name") and mount["name"] not in volumes:
                    place = f"{path}{field}[{index}].volumeMounts[{number}].name"
                    text = f'Not found: "{mount["name"]}"'
                    yield StatusCause("FieldValueNotFound", text, place)
    names = {container.get("name") for container in value.get("containers") or ()}
    for index, container in enumerate(value.get("initContainers") or ()):
        if container.get("name") in names:
            text = f'Duplicate value: "{container["name"]}"'
            yield StatusCause("FieldValueDuplicate", text, f"{path}initContainers[{index}].name")


def _template(value: Json, path: str) -> Iterator[StatusCause]:
    meta = value.get("metadata") or {}
    for field, form in (("labels", "labels"), ("annotations", "label-keys")):
        if not fits(form, meta.get(field) or {}):
            yield wrong(f"{path}metadata.{field}", "a valid label key and value are needed")
    if not (value.get("spec") or {}).get("containers"):
        yield needed(f"{path}spec.containers")


def _revision(value: Json, path: str) -> Iterator[StatusCause]:
    if not isinstance(value.get("data"), dict):
        yield needed(f"{path}data", "must be a JSON object")


def _job(value: Json, path: str) -> Iterator[StatusCause]:
    if value.get("completionMode") == "Indexed" and value.get("completions") is None:
        why = "when completion mode is Indexed"
        yield needed(f"{path}completions", why)
    pods = (value.get("template") or {}).get("spec") or {}
    if pods.get("restartPolicy") not in ("OnFailure", "Never"):
        text = 'Required value: valid values: "OnFailure", "Never"'
        yield StatusCause("FieldValueRequired", text, f"{path}template.spec.restartPolicy")
    names = [c.get("name") for f in ("containers", "initContainers") for c in pods.get(f) or ()]
    for index, rule in enumerate((value.get("podFailurePolicy") or {}).get("rules") or ()):
        named = (rule.get("onExitCodes") or {}).get("containerName")
        if named is not None and named not in names:
            place = f"{path}podFailurePolicy.rules[{index}].onExitCodes.containerName"
            yield wrong(place, "must be one of the container or initContainer names")


def _exit_codes(value: Json, path: str) -> Iterator[StatusCause]:
    if value.get("operator") == "In" and 0 in (value.get("values") or ()):
        yield wrong(f"{path}values", "must not be 0 for the In operator")


def _failure_rule(value: Json, path: str) -> Iterator[StatusCause]:
    found = [n for n in ("onExitCodes", "onPodConditions") if value.get(n) not in (None, [])]
    if len(found) != 1:
        yield wrong(path.rstrip("."), "specifying one of onExitCodes and onPodConditions")


def _replication(value: Json, path: str) -> Iterator[StatusCause]:
    template = value.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    selector = value.get("selector") or {}
    if any(labels.get(key) != wanted for key, wanted in selector.items()):
        why = "`selector` does not match template `labels`"
        yield wrong(f"{path}template.metadata.labels", why)
    if not template:
        yield needed(f"{path}template")


def _stateful_set(value: Json, path: str) -> Iterator[StatusCause]:
    for index, claim in enumerate(value.get("volumeClaimTemplates") or ()):
        name = (claim.get("metadata") or {}).get("name")
        place = f"{path}volumeClaimTemplates[{index}]."
        if not name or not fits("subdomain", name):
            yield needed(f"{place}metadata.name")


POD_HOOKS: Final[dict[str, Hook]] = {
    "meta.v1.LabelSelectorRequirement": _requirement,
    "core.v1.NodeSelectorRequirement": _requirement,
    "core.v1.Toleration": _toleration,
    "core.v1.EnvVarSource": _variable_source,
    "core.v1.EnvFromSource": one_of("configMapRef", "secretRef", why="must specify one of them"),
    "core.v1.DownwardAPIVolumeFile": _file,
    "core.v1.Probe": one_of(*_HANDLERS, why="must specify a handler type"),
    "core.v1.LifecycleHandler": one_of(*_HANDLERS, why="must specify a handler type"),
    "core.v1.Volume": any_source("name"),
    "core.v1.Container": _container,
    "core.v1.PodSpec": _pod,
    "core.v1.PodTemplateSpec": _template,
    "apps.v1.ControllerRevision": _revision,
    "apps.v1.StatefulSetSpec": _stateful_set,
    "batch.v1.JobSpec": _job,
    "core.v1.ReplicationControllerSpec": _replication,
    "batch.v1.PodFailurePolicyRule": _failure_rule,
    "batch.v1.PodFailurePolicyOnExitCodesRequirement": _exit_codes,
}
