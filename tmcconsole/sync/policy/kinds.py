"""Which kinds may be written to a target at all, by profile and settings. Pure."""

from __future__ import annotations

from typing import Final

from tmcconsole.config.settings import SyncSettings
from tmcconsole.kube.objects import Kind
from tmcconsole.sync.policy.profiles import RESTRICTED, TRUSTED
from tmcconsole.sync.policy.refusal import Refusal, refuse

# Each API server creates these itself, or they are questions, not objects: no profile or setting
# allows them. CRDs are synced separately, by sync/crd_sync.py.
_NEVER: Final = frozenset(
    {
        "bindings",
        "componentstatuses",
        "controllerrevisions.apps",
        "csinodes.storage.k8s.io",
        "csistoragecapacities.storage.k8s.io",
        "endpoints",
        "endpointslices.discovery.k8s.io",
        "events",
        "events.events.k8s.io",
        "ipaddresses.networking.k8s.io",
        "leases.coordination.k8s.io",
        "namespaces",
        "nodes",
        "podcertificaterequests.certificates.k8s.io",
        "priorityclasses.scheduling.k8s.io",
        "runtimeclasses.node.k8s.io",
        "volumeattachments.storage.k8s.io",
    }
)
_NEVER_GROUPS: Final = frozenset(
    {
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apiresource.kcp.io",
        "apis.kcp.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "core.kcp.io",
        "custom.metrics.k8s.io",
        "external.metrics.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "metrics.k8s.io",
        "scheduling.kcp.io",
        "storagemigration.k8s.io",
        "tenancy.kcp.io",
        "topology.kcp.io",
        "workload.kcp.io",
    }
)
# These grant permissions, change other people's requests, or limit a namespace from outside.
SENSITIVE_KINDS: Final = frozenset(
    {"limitranges", "podtemplates", "resourcequotas", "serviceaccounts"}
)
_SENSITIVE_GROUPS: Final = frozenset(
    {
        "admissionregistration.k8s.io",
        "coordination.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
# Of those, what tenants who do not trust each other never get, even if named. A volume may be a
# directory of a node.
_GRANTING_GROUPS: Final = frozenset({"admissionregistration.k8s.io", "rbac.authorization.k8s.io"})
_GRANTING: Final = frozenset({"persistentvolumes"})
RESTRICTED_KINDS: Final = frozenset(
    {
        "configmaps",
        "cronjobs.batch",
        "deployments.apps",
        "horizontalpodautoscalers.autoscaling",
        "ingresses.networking.k8s.io",
        "jobs.batch",
        "persistentvolumeclaims",
        "poddisruptionbudgets.policy",
        "secrets",
        "services",
        "statefulsets.apps",
    }
)
# Built-in kinds that the baseline profile allows without being named.
BUILTIN_KINDS: Final = RESTRICTED_KINDS | {
    "daemonsets.apps",
    "networkpolicies.networking.k8s.io",
    "pods",
    "replicasets.apps",
    "replicationcontrollers",
}
# Kinds that a cluster turns into pods: not synced from a hub that does so itself.
POD_MAKERS: Final = frozenset(
    {
        "cronjobs.batch",
        "daemonsets.apps",
        "deployments.apps",
        "jobs.batch",
        "pods",
        "replicasets.apps",
        "replicationcontrollers",
        "statefulsets.apps",
    }
)
_NEEDED_VERBS: Final = frozenset({"get", "list", "watch", "patch", "delete"})


def judge_kind(kind: Kind, settings: SyncSettings, *, hub_runs_pods: bool) -> Refusal | None:
    """Return why no object of ``kind`` is synced, or None if they are.

    Scope is what discovery reports: call this once for the hub's kind and once for the target's.
    """
    found = _by_profile(kind, settings) or _by_lists(kind, settings)
    if found is not None:
        return found
    if not kind.verbs >= _NEEDED_VERBS:
        missing = ", ".join(sorted(_NEEDED_VERBS - kind.verbs))
        return refuse("VerbsMissing", f"{kind.id} does not offer {missing}")
    if hub_runs_pods and kind.id in POD_MAKERS and not settings.allow_workload_hub:
        return refuse(
            "HubRunsWorkloads",
            f"the hub itself runs {kind.id}: syncing would start them twice; use a hub without "
            "workload controllers, or set sync.allow_workload_hub = true",
        )
    return None


def judge_scope(hub: Kind, target: Kind) -> Refusal | None:
    """Return why a kind cannot be synced between two sides with different scopes, or None."""
    if hub.namespaced == target.namespaced:
        return None
    sides = ("namespaced", "cluster-scoped") if hub.namespaced else ("cluster-scoped", "namespaced")
    return refuse(
        "ScopeDiffers",
        f"{hub.id} is {sides[0]} in the hub and {sides[1]} on the target: install the same CRD",
    )


def _by_profile(kind: Kind, settings: SyncSettings) -> Refusal | None:
    profile, is_named = settings.profile, kind.id in settings.kinds_named
    if kind.id in _NEVER or kind.group in _NEVER_GROUPS:
        return refuse("KindNotAllowed", f"{kind.id} belongs to each cluster itself")
    grants = kind.group in _GRANTING_GROUPS or kind.id in _GRANTING
    if profile == RESTRICTED and grants:
        return refuse("KindNotAllowed", f"{kind.id} grants rights: the restricted profile has none")
    if is_named:
        return None
    if not kind.namespaced:
        return refuse(
            "ClusterScoped", f"{kind.id} is cluster-scoped; name it in sync.kinds_named if meant"
        )
    if profile == TRUSTED:
        return None
    if kind.id in SENSITIVE_KINDS or kind.group in _SENSITIVE_GROUPS:
        return refuse(
            "KindNotNamed",
            f"{kind.id} reaches beyond its namespace or grants rights: the {profile} profile takes "
            "it only where sync.kinds_named has it",
        )
    if profile == RESTRICTED and kind.id not in RESTRICTED_KINDS:
        return refuse(
            "KindNotNamed",
            f"{kind.id} is not among the kinds of the restricted profile; name it in "
            "sync.kinds_named if meant",
        )
    return None


def _by_lists(kind: Kind, settings: SyncSettings) -> Refusal | None:
    if kind.id in settings.kinds_deny:
        return refuse("KindDenied", f"{kind.id} is in sync.kinds_deny")
    if settings.kinds_allow and kind.id not in settings.kinds_allow:
        return refuse("KindNotListed", f"{kind.id} is not in sync.kinds_allow")
    return None
