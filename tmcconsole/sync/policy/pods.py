"""What a pod template may request: the Pod Security Standard ``baseline``, checked by us.

Kubernetes' own standard, plus what concerns several clusters: nodes selected by name, system
priorities. Init and ephemeral containers count like the others; shapes are not trusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

CAPABILITIES: Final = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_syncookies",
    }
)
SELINUX_TYPES: Final = frozenset(
    {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
)
_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")
_PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS: Final = ("postStart", "preStop")
_APPARMOR_NOTE: Final = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP_NOTES: Final = (
    "seccomp.security.alpha.kubernetes.io/pod",
    "container.seccomp.security.alpha.kubernetes.io/",
)
_CONFINED: Final = frozenset({"", "RuntimeDefault", "Localhost"})


class Finding(NamedTuple):
    """One thing that a pod template may not request."""

    reason: str
    path: str  # of the field
    remedy: str


class PodTemplate(NamedTuple):
    """A pod template within an object: its annotations and its spec, and their paths."""

    annotations: Mapping[str, Any]
    annotations_at: str
    spec: Mapping[str, Any]
    spec_at: str


_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "pods": (),
    "podtemplates": ("template",),
    "cronjobs.batch": ("spec", "jobTemplate", "spec", "template"),
    **dict.fromkeys(
        (
            "daemonsets.apps",
            "deployments.apps",
            "jobs.batch",
            "replicasets.apps",
            "replicationcontrollers",
            "statefulsets.apps",
        ),
        ("spec", "template"),
    ),
}

# Kubernetes' own groups, whose other kinds contain no pods.
_WITHOUT: Final = frozenset(
    {"", "apps", "autoscaling", "batch", "networking.k8s.io", "policy", "rbac.authorization.k8s.io"}
)


def templates(kind_id: str, tree: Mapping[str, Any]) -> Iterator[PodTemplate]:
    """Yield the pod templates of an object: at fixed places, or wherever a custom resource has
    one.
    """
    place = _PLACES.get(kind_id)
    if place is None:
        if kind_id.partition(".")[2] not in _WITHOUT:
            yield from _anywhere(tree, "")
        return
    found: Mapping[str, Any] = tree
    for name in place:
        found = mapping(found.get(name))
    yield _template(found, ".".join(place))


def place_of(kind_id: str) -> tuple[str, ...] | None:
    """Return the path to the one pod template of a built-in kind, None if it has none."""
    return _PLACES.get(kind_id)


def _template(found: Mapping[str, Any], at: str) -> PodTemplate:
    before = f"{at}." if at else ""
    annotations = mapping(mapping(found.get("metadata")).get("annotations"))
    spec = mapping(found.get("spec"))
    return PodTemplate(annotations, f"{before}metadata.annotations", spec, f"{before}spec")


def _anywhere(node: Mapping[str, Any], path: str) -> Iterator[PodTemplate]:
    """Anything with containers is a pod to the controller that acts on the object."""
    for name, value in node.items():
        at = f"{path}.{name}" if path else name
        if isinstance(value, dict):
            if name == "spec" and _has_containers(value):
                yield _template(node, path)
            elif _has_containers(value):
                yield PodTemplate({}, "", value, at)
            yield from _anywhere(value, at)
        for number, entry in enumerate(items(value)):
            if _has_containers(entry):
                yield PodTemplate({}, "", entry, f"{at}[{number}]")
            yield from _anywhere(entry, f"{at}[{number}]")


def _has_containers(value: Mapping[str, Any]) -> bool:
    return any(items(value.get(name)) for name in _CONTAINERS)


def findings(template: PodTemplate) -> Iterator[Finding]:
    """Yield what the template requests but may not have, pod first, then container by container."""
    spec, at = template.spec, template.spec_at
    yield from _host(spec, at)
    yield from _volumes(spec, at)
    yield from _security(mapping(spec.get("securityContext")), f"{at}.securityContext")
    yield from _sysctls(spec, at)
    yield from _notes(template)
    for field in _CONTAINERS:
        for number, container in enumerate(items(spec.get(field))):
            yield from _container(container, f"{at}.{field}[{number}]")


def _host(spec: Mapping[str, Any], at: str) -> Iterator[Finding]:
    remedy = "take it out: pods share nothing with the node"
    if spec.get("hostNetwork"):
        yield Finding("HostNetwork", f"{at}.hostNetwork", remedy)
    if spec.get("hostPID"):
        yield Finding("HostPID", f"{at}.hostPID", remedy)
    if spec.get("hostIPC"):
        yield Finding("HostIPC", f"{at}.hostIPC", remedy)
    if spec.get("nodeName"):
        yield Finding("NodeName", f"{at}.nodeName", "leave the node to each cluster's scheduler")
    if str(spec.get("priorityClassName") or "").startswith("system-"):
        path = f"{at}.priorityClassName"
        yield Finding("Priority", path, "system priorities are the cluster's own: use another")


def _volumes(spec: Mapping[str, Any], at: str) -> Iterator[Finding]:
    for number, volume in enumerate(items(spec.get("volumes"))):
        if "hostPath" in volume:
            path = f"{at}.volumes[{number}].hostPath"
            yield Finding("HostPath", path, "use an emptyDir or a PersistentVolumeClaim")


def _sysctls(spec: Mapping[str, Any], at: str) -> Iterator[Finding]:
    for number, entry in enumerate(items(mapping(spec.get("securityContext")).get("sysctls"))):
        if entry.get("name") not in SYSCTLS:
            path = f"{at}.securityContext.sysctls[{number}].name"
            yield Finding("Sysctls", path, "only the safe ones may be set")


def confines(annotation: str) -> bool:
    """True for an annotation by which older API servers confine, or free, a container."""
    return annotation.startswith((_APPARMOR_NOTE, *_SECCOMP_NOTES))


def _notes(template: PodTemplate) -> Iterator[Finding]:
    """What older API servers took from annotations, newer ones still pass on."""
    for name, value in template.annotations.items():
        path = f"{template.annotations_at}[{name}]"
        confined = str(value).startswith(("runtime/default", "docker/default", "localhost/"))
        if name.startswith(_APPARMOR_NOTE) and value and not confined:
            yield Finding("AppArmor", path, "use runtime/default")
        if name.startswith(_SECCOMP_NOTES) and value and not confined:
            yield Finding("Seccomp", path, "use runtime/default")


def _container(container: Mapping[str, Any], at: str) -> Iterator[Finding]:
    context = mapping(container.get("securityContext"))
    yield from _security(context, f"{at}.securityContext")
    if context.get("privileged"):
        yield Finding("Privileged", f"{at}.securityContext.privileged", "set it to false")
    if context.get("procMount") not in (None, "", "Default"):
        yield Finding("ProcMount", f"{at}.securityContext.procMount", "leave it out")
    yield from _capabilities(context, at)
    for number, port in enumerate(items(container.get("ports"))):
        if port.get("hostPort"):
            path = f"{at}.ports[{number}].hostPort"
            yield Finding("HostPort", path, "use a Service in front of the pods")
    yield from _probes(container, at)


def _capabilities(context: Mapping[str, Any], at: str) -> Iterator[Finding]:
    added = mapping(context.get("capabilities")).get("add")
    names = added if isinstance(added, list) else [added] if added else []
    for number, name in enumerate(names):
        if str(name).upper().removeprefix("CAP_") not in CAPABILITIES:
            path = f"{at}.securityContext.capabilities.add[{number}]"
            yield Finding("Capabilities", path, f"{name} is beyond the baseline: take it out")


def _security(context: Mapping[str, Any], at: str) -> Iterator[Finding]:
    """What pods and containers have in common."""
    for field, reason in (("seccompProfile", "Seccomp"), ("appArmorProfile", "AppArmor")):
        if str(mapping(context.get(field)).get("type") or "") not in _CONFINED:
            yield Finding(reason, f"{at}.{field}.type", "use RuntimeDefault")
    options = mapping(context.get("seLinuxOptions"))
    if str(options.get("type") or "") not in SELINUX_TYPES:
        yield Finding("SELinux", f"{at}.seLinuxOptions.type", "use container_t, or leave it out")
    for field in ("user", "role"):
        if options.get(field):
            yield Finding("SELinux", f"{at}.seLinuxOptions.{field}", "leave it out")
    if mapping(context.get("windowsOptions")).get("hostProcess"):
        yield Finding("HostProcess", f"{at}.windowsOptions.hostProcess", "set it to false")


def _probes(container: Mapping[str, Any], at: str) -> Iterator[Finding]:
    """A host in a probe makes the kubelet connect to any host the tenant names."""
    lifecycle = mapping(container.get("lifecycle"))
    asked = [(f"{at}.{name}", mapping(container.get(name))) for name in _PROBES]
    asked += [(f"{at}.lifecycle.{name}", mapping(lifecycle.get(name))) for name in _HOOKS]
    for path, action in asked:
        for way in ("httpGet", "tcpSocket"):
            if mapping(action.get(way)).get("host"):
                yield Finding("HostProbe", f"{path}.{way}.host", "leave it out: the pod is asked")


def token_findings(template: PodTemplate) -> Iterator[Finding]:
    """Yield how a pod would get credentials of its cluster; for the restricted profile."""
    spec, at = template.spec, template.spec_at
    for field in ("serviceAccountName", "serviceAccount"):
        if spec.get(field) not in (None, "", "default"):
            yield Finding("ServiceAccount", f"{at}.{field}", "leave it out: pods run as default")
    if spec.get("automountServiceAccountToken") is not False:  # unset means true
        yield Finding("AccountToken", f"{at}.automountServiceAccountToken", "set it to false")
    for number, volume in enumerate(items(spec.get("volumes"))):
        for inner, source in enumerate(items(mapping(volume.get("projected")).get("sources"))):
            if "serviceAccountToken" in source:
                path = f"{at}.volumes[{number}].projected.sources[{inner}].serviceAccountToken"
                yield Finding("AccountToken", path, "take it out")


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object, {} for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> Sequence[Mapping[str, Any]]:
    """Return the JSON objects of an array, () for anything else."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else ()
