"""The built-in kinds, and which of them each flavour of server serves."""

from __future__ import annotations

from typing import Final

from tmcconsole.sim.schema.structshapes import shape_of_kind
from tmcconsole.sim.storage import shapes
from tmcconsole.sim.storage.kinds import ALL_VERBS, ScalePaths, SimKind

_SCALE: Final = ScalePaths(selector=".status.selector")

# group version | resource Kind | short names | flags
#   c cluster-scoped        s status subresource     S scale subresource    g has a generation
#   v update needs a version    p PUT creates        d DELETE answers the object
#   r create only (a review)
_TABLE: Final = """
|v1|bindings|Binding||r
|v1|configmaps|ConfigMap|cm|
|v1|endpoints|Endpoints|ep|p
|v1|events|Event|ev|p
|v1|limitranges|LimitRange|limits|p
|v1|namespaces|Namespace|ns|csd
|v1|nodes|Node|no|cs
|v1|persistentvolumeclaims|PersistentVolumeClaim|pvc|sd
|v1|persistentvolumes|PersistentVolume|pv|csd
|v1|pods|Pod|po|sgd
|v1|podtemplates|PodTemplate||gd
|v1|replicationcontrollers|ReplicationController|rc|sSg
|v1|resourcequotas|ResourceQuota|quota|sd
|v1|secrets|Secret||
|v1|serviceaccounts|ServiceAccount|sa|d
|v1|services|Service|svc|spd
apps|v1|controllerrevisions|ControllerRevision||
apps|v1|daemonsets|DaemonSet|ds|sg
apps|v1|deployments|Deployment|deploy|sSg
apps|v1|replicasets|ReplicaSet|rs|sSg
apps|v1|statefulsets|StatefulSet|sts|sSg
batch|v1|cronjobs|CronJob|cj|sg
batch|v1|jobs|Job||sg
autoscaling|v2|horizontalpodautoscalers|HorizontalPodAutoscaler|hpa|s
networking.k8s.io|v1|ingresses|Ingress|ing|sg
networking.k8s.io|v1|ingressclasses|IngressClass||cg
networking.k8s.io|v1|networkpolicies|NetworkPolicy|netpol|g
policy|v1|poddisruptionbudgets|PodDisruptionBudget|pdb|sgv
coordination.k8s.io|v1|leases|Lease||vp
discovery.k8s.io|v1|endpointslices|EndpointSlice||g
events.k8s.io|v1|events|Event|ev|p
rbac.authorization.k8s.io|v1|clusterrolebindings|ClusterRoleBinding||cp
rbac.authorization.k8s.io|v1|clusterroles|ClusterRole||cp
rbac.authorization.k8s.io|v1|rolebindings|RoleBinding||p
rbac.authorization.k8s.io|v1|roles|Role||p
storage.k8s.io|v1|storageclasses|StorageClass|sc|cd
scheduling.k8s.io|v1|priorityclasses|PriorityClass|pc|cg
node.k8s.io|v1|runtimeclasses|RuntimeClass||cvp
certificates.k8s.io|v1|certificatesigningrequests|CertificateSigningRequest|csr|cs
admissionregistration.k8s.io|v1|mutatingwebhookconfigurations|MutatingWebhookConfiguration||cgv
admissionregistration.k8s.io|v1|validatingwebhookconfigurations|ValidatingWebhookConfiguration||cgv
apiextensions.k8s.io|v1|customresourcedefinitions|CustomResourceDefinition|crd,crds|csgv
apiregistration.k8s.io|v1|apiservices|APIService||csv
authentication.k8s.io|v1|selfsubjectreviews|SelfSubjectReview||cr
authentication.k8s.io|v1|tokenreviews|TokenReview||cr
authorization.k8s.io|v1|localsubjectaccessreviews|LocalSubjectAccessReview||r
authorization.k8s.io|v1|selfsubjectaccessreviews|SelfSubjectAccessReview||cr
authorization.k8s.io|v1|selfsubjectrulesreviews|SelfSubjectRulesReview||cr
authorization.k8s.io|v1|subjectaccessreviews|SubjectAccessReview||cr
"""

# In kubectl's category "all".
_ALL: Final = {
    "pods",
    "replicationcontrollers",
    "services",
    "daemonsets.apps",
    "deployments.apps",
    "replicasets.apps",
    "statefulsets.apps",
    "cronjobs.batch",
    "jobs.batch",
    "horizontalpodautoscalers.autoscaling",
}

# Kinds that a kcp workspace lacks until a CRD or an APIBinding adds them.
_ABSENT_IN_KCP: Final = {
    "bindings",
    "endpoints",
    "nodes",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "podtemplates",
    "replicationcontrollers",
    "services",
}
_ABSENT_GROUPS_IN_KCP: Final = {
    "apps",
    "batch",
    "autoscaling",
    "networking.k8s.io",
    "policy",
    "discovery.k8s.io",
    "storage.k8s.io",
    "scheduling.k8s.io",
    "node.k8s.io",
    "apiregistration.k8s.io",
}

LOGICAL_CLUSTERS: Final = SimKind(
    group="core.kcp.io",
    version="v1alpha1",
    resource="logicalclusters",
    kind="LogicalCluster",
    namespaced=False,
    has_status=True,
    has_generation=True,
    is_custom=True,
    needs_version=True,
    shape=shapes.of_schema({}),
)


def built_in(flavour: str) -> list[SimKind]:
    """Return the kinds that a server of this flavour serves from the start."""
    kinds = [_parse(line) for line in _TABLE.strip().splitlines()]
    if flavour != "kcp":
        return kinds
    kept = [k for k in kinds if k.id not in _ABSENT_IN_KCP and k.group not in _ABSENT_GROUPS_IN_KCP]
    return [*kept, LOGICAL_CLUSTERS]


def _parse(line: str) -> SimKind:
    group, version, resource, kind, short, flags = line.split("|")
    kind_id = f"{resource}.{group}" if group else resource
    return SimKind(
        group=group,
        version=version,
        resource=resource,
        kind=kind,
        singular=kind.lower(),
        namespaced="c" not in flags,
        short_names=tuple(name for name in short.split(",") if name),
        categories=_categories(kind_id),
        verbs=("create",) if "r" in flags else ALL_VERBS,
        has_status="s" in flags,
        scale=_SCALE if "S" in flags else None,
        has_generation="g" in flags,
        needs_version="v" in flags,
        put_creates="p" in flags,
        returns_deleted="d" in flags,
        shape=shape_of_kind(group, version, kind),
    )


def _categories(kind_id: str) -> tuple[str, ...]:
    if kind_id in _ALL:
        return ("all",)
    return ("api-extensions",) if "admissionregistration" in kind_id else ()
