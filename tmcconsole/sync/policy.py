"""The one policy point: what may be written to a target at all, and why not.

Every downstream write passes ``judge_kind`` (once per kind) and ``judge`` (once per object).
This is the ``baseline`` profile: workloads, configuration and custom resources pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tmcconsole.config.settings import SyncSettings
from tmcconsole.contract.text import SafeText
from tmcconsole.kube.objects import Kind


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not written: one word, and one sentence with the remedy."""

    reason: str
    message: SafeText


# Kinds each API server makes for itself, or that grant rights; copying them is never right.
_NEVER: Final = frozenset(
    {
        "bindings",
        "componentstatuses",
        "endpoints",
        "endpointslices.discovery.k8s.io",
        "events",
        "events.events.k8s.io",
        "controllerrevisions.apps",
        "leases.coordination.k8s.io",
        "limitranges",
        "namespaces",
        "nodes",
        "persistentvolumes",
        "podtemplates",
        "resourcequotas",
        "serviceaccounts",
        "csistoragecapacities.storage.k8s.io",
        "localsubjectaccessreviews.authorization.k8s.io",
    }
)
_NEVER_GROUPS: Final = frozenset(
    {
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apiresource.kcp.io",
        "apis.kcp.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "core.kcp.io",
        "flowcontrol.apiserver.k8s.io",
        "metrics.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "scheduling.kcp.io",
        "storage.k8s.io",
        "tenancy.kcp.io",
        "topology.kcp.io",
        "workload.kcp.io",
    }
)
# Kinds that a cluster turns into pods: not to be taken from a hub that does so itself.
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
_TOKEN_SECRET: Final = "kubernetes.io/service-account-token"
ROOT_CA: Final = "kube-root-ca.crt"


def judge_kind(kind: Kind, settings: SyncSettings, *, hub_runs_pods: bool) -> Refusal | None:
    """Return why no object of ``kind`` is synced, or None where they are."""
    if not kind.namespaced:
        return _refuse("ClusterScoped", f"{kind.id} is cluster-scoped; only namespaced kinds sync")
    if kind.id in _NEVER or kind.group in _NEVER_GROUPS:
        return _refuse("KindNotAllowed", f"{kind.id} belongs to each cluster itself")
    if kind.id in settings.kinds_deny:
        return _refuse("KindDenied", f"{kind.id} is in sync.kinds_deny")
    if settings.kinds_allow and kind.id not in settings.kinds_allow:
        return _refuse("KindNotListed", f"{kind.id} is not in sync.kinds_allow")
    if not kind.verbs >= _NEEDED_VERBS:
        missing = ", ".join(sorted(_NEEDED_VERBS - kind.verbs))
        return _refuse("VerbsMissing", f"{kind.id} does not offer {missing}")
    if hub_runs_pods and kind.id in POD_MAKERS and not settings.allow_workload_hub:
        return _refuse(
            "HubRunsWorkloads",
            f"the hub itself runs {kind.id}: syncing would start them twice; use a hub without "
            "workload controllers, or set sync.allow_workload_hub = true",
        )
    return None


def judge(kind: Kind, tree: Mapping[str, Any], target_namespace: str) -> Refusal | None:
    """Return why this object is not written to ``target_namespace``, or None."""
    if is_protected(target_namespace):
        return _refuse(
            "ProtectedNamespace",
            f"namespace {target_namespace} belongs to the cluster; move the object to another",
        )
    if kind.id == "secrets" and tree.get("type") == _TOKEN_SECRET:
        return _refuse("TokenSecret", "service account tokens are valid in their own cluster only")
    if kind.id == "configmaps" and tree["metadata"]["name"] == ROOT_CA:
        return _refuse("RootCA", f"{ROOT_CA} is published by each cluster itself")
    owner = _controller_of(tree)
    if owner is not None:
        return _refuse("Owned", f"made by {owner} in the hub; the owner is synced instead")
    return None


def is_protected(namespace: str) -> bool:
    """True for namespaces of the clusters' own: nothing is ever written there."""
    return namespace.startswith(("kube-", "openshift-")) or namespace in ("openshift", "kcp-system")


def _controller_of(tree: Mapping[str, Any]) -> str | None:
    for reference in tree["metadata"].get("ownerReferences") or ():
        if isinstance(reference, dict) and reference.get("controller"):
            return f"{reference.get('kind')}/{reference.get('name')}"
    return None


def _refuse(reason: str, message: str) -> Refusal:
    return Refusal(reason, SafeText(message))
