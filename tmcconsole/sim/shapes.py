"""How trees merge: which lists are keyed, which are sets, which maps are owned as a whole.

The rules are Kubernetes' ``listType``, ``listMapKey``, ``mapType`` and ``patchMergeKey`` markers,
by field. Where nothing is said, maps merge by key and lists are replaced whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of one value. The empty shape fits anything without special rules."""

    fields: Mapping[str, Shape] = field(default_factory=dict)
    each: Shape | None = None  # of list items, or of the values of an open map
    keys: tuple[str, ...] = ()  # identity of a list's items, for server-side apply
    key_defaults: Mapping[str, Any] = field(default_factory=dict)
    patch_key: str = ""  # identity of a list's items, for a strategic merge patch
    is_set: bool = False  # a list of distinct scalars
    is_atomic: bool = False  # owned and replaced as a whole
    is_open: bool = False  # a map whose keys are data: its entries are owned one by one

    def child(self, name: str) -> Shape:
        """Return the shape of a map's entry."""
        return self.fields.get(name) or self.each or DEFAULT

    @property
    def item(self) -> Shape:
        """The shape of a list's items."""
        return self.each or DEFAULT


DEFAULT: Final = Shape()
ATOMIC: Final = Shape(is_atomic=True)
OPEN: Final = Shape(is_open=True)
SET: Final = Shape(is_set=True)
# A value nothing is known of, in a custom resource: maps merge, their entries are owned.
DEDUCED: Final = Shape(is_open=True)


def keyed(*keys: str, patch_key: str = "", **fields: Shape) -> Shape:
    """Return the shape of a list whose items are known by ``keys``."""
    defaults = {"protocol": "TCP"} if "protocol" in keys else {}
    return Shape(
        each=Shape(fields=fields),
        keys=keys,
        key_defaults=defaults,
        patch_key=patch_key or keys[0],
    )


def _struct(**fields: Shape) -> Shape:
    return Shape(fields=fields)


METADATA: Final = _struct(
    labels=OPEN,
    annotations=OPEN,
    finalizers=SET,
    ownerReferences=Shape(each=ATOMIC, keys=("uid",), patch_key="uid"),
)
CONDITIONS: Final = keyed("type")
_KEY_REF: Final = _struct(
    configMapKeyRef=ATOMIC,
    secretKeyRef=ATOMIC,
    fieldRef=ATOMIC,
    resourceFieldRef=ATOMIC,
    fileKeyRef=ATOMIC,
)
_RESOURCES: Final = _struct(limits=OPEN, requests=OPEN, claims=keyed("name"))
_CONTAINERS: Final = keyed(
    "name",
    env=keyed("name", valueFrom=_KEY_REF),
    ports=keyed("containerPort", "protocol"),
    volumeMounts=keyed("mountPath"),
    volumeDevices=keyed("devicePath"),
    resources=_RESOURCES,
)
POD_SPEC: Final = _struct(
    containers=_CONTAINERS,
    initContainers=_CONTAINERS,
    ephemeralContainers=_CONTAINERS,
    volumes=keyed("name"),
    imagePullSecrets=Shape(each=ATOMIC, keys=("name",), patch_key="name"),
    hostAliases=keyed("ip"),
    topologySpreadConstraints=keyed("topologyKey", "whenUnsatisfiable", labelSelector=ATOMIC),
    schedulingGates=keyed("name"),
    resourceClaims=keyed("name"),
    nodeSelector=ATOMIC,
    overhead=OPEN,
)
POD_TEMPLATE: Final = _struct(metadata=METADATA, spec=POD_SPEC)
_WITH_CONDITIONS: Final = _struct(conditions=CONDITIONS)
_CLAIM_SPEC: Final = _struct(
    selector=ATOMIC, resources=_RESOURCES, dataSource=ATOMIC, volumeName=DEFAULT
)
_JOB_SPEC: Final = _struct(selector=ATOMIC, template=POD_TEMPLATE)


def _top(**fields: Shape) -> Shape:
    return Shape(fields={"metadata": METADATA, "status": _WITH_CONDITIONS} | fields)


def _workload(**fields: Shape) -> Shape:
    return _top(spec=_struct(selector=ATOMIC, template=POD_TEMPLATE, **fields))


BUILT_IN: Final[Mapping[str, Shape]] = {
    "configmaps": _top(data=OPEN, binaryData=OPEN),
    "secrets": _top(data=OPEN, stringData=OPEN),
    "pods": _top(
        spec=POD_SPEC,
        status=_struct(conditions=CONDITIONS, podIPs=Shape(keys=("ip",), patch_key="ip")),
    ),
    "nodes": _top(
        spec=_struct(podCIDRs=SET),
        status=_struct(
            conditions=CONDITIONS, addresses=keyed("type"), capacity=OPEN, allocatable=OPEN
        ),
    ),
    "services": _top(
        spec=_struct(ports=keyed("port", "protocol"), selector=ATOMIC),
        status=_struct(conditions=CONDITIONS),
    ),
    "serviceaccounts": _top(secrets=keyed("name")),
    "persistentvolumes": _top(spec=_struct(capacity=OPEN, claimRef=ATOMIC)),
    "persistentvolumeclaims": _top(
        spec=_CLAIM_SPEC, status=_struct(conditions=CONDITIONS, capacity=OPEN)
    ),
    "resourcequotas": _top(spec=_struct(hard=OPEN), status=_struct(hard=OPEN, used=OPEN)),
    "deployments.apps": _workload(),
    "replicasets.apps": _workload(),
    "statefulsets.apps": _workload(),
    "daemonsets.apps": _workload(),
    "jobs.batch": _top(spec=_JOB_SPEC),
    "cronjobs.batch": _top(
        spec=_struct(jobTemplate=_struct(metadata=METADATA, spec=_JOB_SPEC)),
    ),
    "poddisruptionbudgets.policy": _top(spec=_struct(selector=ATOMIC)),
    "networkpolicies.networking.k8s.io": _top(spec=_struct(podSelector=ATOMIC)),
    "endpointslices.discovery.k8s.io": _top(endpoints=ATOMIC, ports=ATOMIC),
    "rolebindings.rbac.authorization.k8s.io": _top(roleRef=ATOMIC),
    "clusterrolebindings.rbac.authorization.k8s.io": _top(roleRef=ATOMIC),
}
PLAIN: Final = _top()


def of_schema(schema: Mapping[str, Any]) -> Shape:
    """Return the shape that a CRD's structural schema describes, of a whole object."""
    top = _shape_of(schema)
    return replace(top, fields=dict(top.fields) | {"metadata": METADATA}, is_atomic=False)


def _shape_of(schema: Mapping[str, Any]) -> Shape:
    if schema.get("type") == "array":
        return _list_shape(schema)
    properties = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    return Shape(
        fields={name: _shape_of(child) for name, child in properties.items()},
        each=_shape_of(extra) if isinstance(extra, dict) else DEDUCED,
        is_open=True,
        is_atomic=schema.get("x-kubernetes-map-type") == "atomic",
    )


def _list_shape(schema: Mapping[str, Any]) -> Shape:
    items = schema.get("items") or {}
    kind = schema.get("x-kubernetes-list-type", "atomic")
    if kind == "set":
        return SET
    if kind != "map":
        return Shape(each=_shape_of(items), is_atomic=True)
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
    properties = items.get("properties") or {}
    defaults = {key: properties[key]["default"] for key in keys if _has_default(properties, key)}
    return Shape(each=_shape_of(items), keys=keys, key_defaults=defaults, patch_key=keys[0])


def _has_default(properties: Mapping[str, Any], key: str) -> bool:
    return "default" in (properties.get(key) or {})
