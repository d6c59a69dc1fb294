"""Rules about combinations of fields: exactly one of several, one required by another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.rules.causes import barred, needed, wrong
from tmcconsole.sim.rules.pod_unions import POD_HOOKS, Hook, any_source, one_of
from tmcconsole.sim.rules.text_forms import fits
from tmcconsole.sim.schema.quantities import amount
from tmcconsole.sim.storage.status_errors import StatusCause

_SOURCES_OF_METRICS: Final = {
    "Resource": "resource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
    "ContainerResource": "containerResource",
}
_OF_VOLUMES: Final = (  # fields besides the source
    "capacity",
    "accessModes",
    "claimRef",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "mountOptions",
    "volumeMode",
    "nodeAffinity",
    "volumeAttributesClassName",
)


def _service(value: Json, path: str) -> Iterator[StatusCause]:
    ports = value.get("ports") or []
    seen: dict[Any, int] = {}
    names: set[str] = set()
    for index, port in enumerate(ports):
        place, name = f"{path}ports[{index}]", port.get("name") or ""
        if len(ports) > 1 and not name:
            yield needed(f"{place}.name")
        if name and name in names:
            text = f'Duplicate value: "{name}"'
            yield StatusCause("FieldValueDuplicate", text, f"{place}.name")
        names.add(name)
        same = (port.get("port"), port.get("protocol"))
        if same in seen:
            shown = f'{{"protocol":"{same[1]}","port":{same[0]}}}'
            yield StatusCause("FieldValueDuplicate", f"Duplicate value: {shown}", place)
        seen[same] = index
    has_node_ports = value.get("type") in ("NodePort", "LoadBalancer")
    if value.get("externalTrafficPolicy") and not (has_node_ports or value.get("externalIPs")):
        why = "may only be set for externally-accessible services"
        yield wrong(f"{path}externalTrafficPolicy", why)
    for index, port in enumerate(ports):
        if port.get("nodePort") and not has_node_ports:
            why = "may not be used when `type` is 'ClusterIP'"
            yield barred(f"{path}ports[{index}].nodePort", why)


def _ingress(value: Json, path: str) -> Iterator[StatusCause]:
    if not value.get("rules") and not value.get("defaultBackend"):
        yield wrong(path.rstrip("."), "either `defaultBackend` or `rules` must be specified")


def _ingress_object(value: Json, path: str) -> Iterator[StatusCause]:
    if not value.get("spec"):
        yield wrong(f"{path}spec", "either `defaultBackend` or `rules` must be specified")


def _backend_port(value: Json, path: str) -> Iterator[StatusCause]:
    name, number = value.get("name"), value.get("number") or 0
    if bool(name) == bool(number):
        yield needed(path.rstrip("."), "port name or number is required")
    elif not name and not 1 <= number <= 65535:
        yield wrong(f"{path}number", "must be between 1 and 65535, inclusive")


def _ingress_service(value: Json, path: str) -> Iterator[StatusCause]:
    if not value.get("port"):
        yield needed(f"{path}port", "port name or number is required")


def _ingress_path(value: Json, path: str) -> Iterator[StatusCause]:
    text, kind = value.get("path") or "", value.get("pathType")
    if kind in ("Exact", "Prefix") and not text.startswith("/"):
        yield wrong(f"{path}path", "must be an absolute path")
    elif kind in ("Exact", "Prefix") and any(s in text for s in ("//", "/./", "/../", "%2f")):
        yield wrong(f"{path}path", "must not contain it")
    if not value.get("backend"):
        yield needed(f"{path}backend")


def _policy_port(value: Json, path: str) -> Iterator[StatusCause]:
    last, first = value.get("endPort"), value.get("port")
    if last is None:
        return
    if first is None:
        yield needed(f"{path}port", "must be specified when endPort is used")
    elif isinstance(first, str) or last < first:
        yield wrong(f"{path}endPort", "must be greater than or equal to `port`")


def _peer(value: Json, path: str) -> Iterator[StatusCause]:
    selectors = [n for n in ("podSelector", "namespaceSelector") if value.get(n) is not None]
    block = value.get("ipBlock")
    if block is None and not selectors:
        yield needed(path.rstrip("."), "must specify a peer")
    if block is not None and selectors:
        yield barred(path.rstrip("."), "may not specify both ipBlock and another peer")


def _network_policy(value: Json, path: str) -> Iterator[StatusCause]:
    kinds = value.get("policyTypes") or []
    if len(kinds) != len(set(kinds)):
        yield barred(f"{path}policyTypes", "may not specify more than two policyTypes")


def _autoscaler(value: Json, path: str) -> Iterator[StatusCause]:
    least, most = value.get("minReplicas") or 1, value.get("maxReplicas") or 0
    if 0 < most < least:
        yield wrong(f"{path}maxReplicas", "must be greater than or equal to `minReplicas`")
    target = value.get("scaleTargetRef") or {}
    is_core = target.get("apiVersion") == "v1" and target.get("kind") == "ReplicationController"
    if "/" not in (target.get("apiVersion") or "") and not is_core:
        yield wrong(f"{path}scaleTargetRef.apiVersion", "must specify a group")


def _metric(value: Json, path: str) -> Iterator[StatusCause]:
    wanted = _SOURCES_OF_METRICS.get(value.get("type") or "")
    for name in _SOURCES_OF_METRICS.values():
        if (name == wanted) and not value.get(name):
            yield needed(f"{path}{name}", "must populate information for the given metric source")
        if wanted and name != wanted and value.get(name):
            yield barred(f"{path}{name}", "must populate the given metric source only")
    if wanted in ("resource", "pods"):
        target = (value.get(wanted) or {}).get("target") or {}
        aims = [n for n in ("averageUtilization", "averageValue", "value") if target.get(n)]
        if len(aims) != 1:
            yield needed(f"{path}{wanted}.target", "must set either a utilization or a value")
    if wanted == "pods" and not ((value.get("pods") or {}).get("metric")):
        yield needed(f"{path}pods.metric.name")


def _limits(value: Json, path: str) -> Iterator[StatusCause]:
    for name in {n for f in ("max", "min", "default") for n in value.get(f) or {}}:
        low, most = (value.get("min") or {}).get(name), (value.get("max") or {}).get(name)
        usual = (value.get("default") or {}).get(name)
        asked = (value.get("defaultRequest") or {}).get(name)
        rising = [amount(one) for one in (low, asked, usual, most) if one is not None]
        if rising != sorted(rising):
            yield wrong(f"{path}default[{name}]", "min, request, default and max do not rise")
        ratio = (value.get("maxLimitRequestRatio") or {}).get(name)
        if ratio is not None and amount(ratio) < 1:
            yield wrong(f"{path}maxLimitRequestRatio[{name}]", "ratio is less than 1")
    if value.get("type") == "Pod" and (value.get("default") or value.get("defaultRequest")):
        yield barred(f"{path}default", "may not be specified when `type` is 'Pod'")


def _claim(value: Json, path: str) -> Iterator[StatusCause]:
    requests = (value.get("resources") or {}).get("requests") or {}
    if "storage" not in requests:
        yield needed(f"{path}resources[storage]")
    elif amount(requests["storage"]) <= 0:
        yield wrong(f"{path}resources[storage]", "must be greater than zero")


def _volume(value: Json, path: str) -> Iterator[StatusCause]:
    yield from any_source(*_OF_VOLUMES)(value, path)
    capacity = value.get("capacity") or {}
    if capacity and set(capacity) != {"storage"}:
        yield wrong(f"{path}capacity", "only storage is expected")
    elif capacity and amount(capacity["storage"]) <= 0:
        yield wrong(f"{path}capacity[storage]", "must be greater than zero")


def _rule_of_role(value: Json, path: str) -> Iterator[StatusCause]:
    if value.get("nonResourceURLs"):
        if value.get("apiGroups") or value.get("resources"):
            yield wrong(f"{path}nonResourceURLs", "rules cannot apply to both")
        return
    for field in ("apiGroups", "resources"):
        if not value.get(field):
            yield needed(f"{path}{field}")


def _role_reference(value: Json, path: str) -> Iterator[StatusCause]:
    if value.get("apiGroup") not in ("", None, "rbac.authorization.k8s.io"):
        yield wrong(f"{path}apiGroup", 'supported values: "rbac.authorization.k8s.io"')
    if value.get("kind") not in ("Role", "ClusterRole", None, ""):
        yield wrong(f"{path}kind", 'supported values: "Role", "ClusterRole"')


def _cluster_binding(value: Json, path: str) -> Iterator[StatusCause]:
    if (value.get("roleRef") or {}).get("kind") == "Role":
        yield wrong(f"{path}roleRef.kind", 'supported values: "ClusterRole"')
    if not value.get("roleRef"):
        yield needed(f"{path}roleRef.name")


def _subject(value: Json, path: str) -> Iterator[StatusCause]:
    kind, group = value.get("kind"), value.get("apiGroup") or ""
    if kind == "ServiceAccount":
        if value.get("name") and not fits("subdomain", value["name"]):
            yield wrong(f"{path}name", "must be a valid subdomain")
        if group:
            yield wrong(f"{path}apiGroup", 'supported values: ""')
    elif kind in ("User", "Group") and group != "rbac.authorization.k8s.io":
        yield wrong(f"{path}apiGroup", 'supported values: "rbac.authorization.k8s.io"')


def _endpoints(value: Json, path: str) -> Iterator[StatusCause]:
    kind = value.get("addressType")
    for index, point in enumerate(value.get("endpoints") or ()):
        for number, address in enumerate(point.get("addresses") or ()):
            if kind in ("IPv4", "IPv6") and not fits("ip", address):
                yield wrong(f"{path}endpoints[{index}].addresses[{number}]", "must be an address")


def _needs(*fields: str) -> Hook:
    def hook(value: Json, path: str) -> Iterator[StatusCause]:
        for field in fields:
            if not value.get(field):
                yield needed(f"{path}{field}")

    return hook


HOOKS: Final[dict[str, Hook]] = {
    **POD_HOOKS,
    "core.v1.ServiceSpec": _service,
    "core.v1.LimitRangeItem": _limits,
    "core.v1.PersistentVolumeClaim": _needs("spec"),
    "core.v1.PersistentVolumeClaimSpec": _claim,
    "core.v1.PersistentVolume": _needs("spec"),
    "core.v1.PersistentVolumeSpec": _volume,
    "core.v1.PodTemplate": _needs("template"),
    "networking.v1.Ingress": _ingress_object,
    "networking.v1.IngressSpec": _ingress,
    "networking.v1.IngressBackend": one_of("service", "resource", why="or a resource is needed"),
    "networking.v1.IngressServiceBackend": _ingress_service,
    "networking.v1.ServiceBackendPort": _backend_port,
    "networking.v1.HTTPIngressPath": _ingress_path,
    "networking.v1.IngressRule": lambda value, path: (
        iter((needed(f"{path}http.paths"),)) if value.get("http") == {} else iter(())
    ),
    "networking.v1.NetworkPolicySpec": _network_policy,
    "networking.v1.NetworkPolicyPort": _policy_port,
    "networking.v1.NetworkPolicyPeer": _peer,
    "autoscaling.v2.HorizontalPodAutoscaler": _needs("spec"),
    "autoscaling.v2.HorizontalPodAutoscalerSpec": _autoscaler,
    "autoscaling.v2.MetricSpec": _metric,
    "rbac.v1.PolicyRule": _rule_of_role,
    "rbac.v1.RoleRef": _role_reference,
    "rbac.v1.RoleBinding": _needs("roleRef"),
    "rbac.v1.ClusterRoleBinding": _cluster_binding,
    "rbac.v1.Subject": _subject,
    "discovery.v1.EndpointSlice": _endpoints,
}
