"""What one object may request of a target, by profile. Pure.

It judges what is about to be written, whatever its source: the hub's object or a transform.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from tmcconsole.config.settings import SyncSettings
from tmcconsole.kube.objects import Kind, annotations_of
from tmcconsole.sync.policy.hosts import hosts_of, is_allowed_host
from tmcconsole.sync.policy.pods import findings, items, mapping, templates, token_findings
from tmcconsole.sync.policy.profiles import RESTRICTED, TRUSTED
from tmcconsole.sync.policy.refusal import Refusal, refuse
from tmcconsole.sync.policy.tenant import Tenant

ROOT_CA: Final = "kube-root-ca.crt"
_TOKEN_TYPES: Final = frozenset(
    {"kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"}
)
_SECRET_TYPES: Final = frozenset(
    {
        "",
        "Opaque",
        "kubernetes.io/dockercfg",
        "kubernetes.io/dockerconfigjson",
        "kubernetes.io/tls",
    }
)
_SERVICE_TYPES: Final = frozenset({"", "ClusterIP", "NodePort"})
_SNIPPETS: Final = ("snippet", "config-backend", "config-frontend", "config-global")


def judge_object(
    kind: Kind, tree: Mapping[str, Any], tenant: Tenant, settings: SyncSettings
) -> Refusal | None:
    """Return why this tree is not written for ``tenant``, or None. The first reason counts."""
    always = _judge_place(kind, tree, settings) or _judge_always(kind, tree)
    if always is not None or settings.profile == TRUSTED:
        return always or next(_judge_hosts(kind, tree, tenant, settings), None)
    found = list(_judge_pods(kind, tree, settings))
    found += _judge_content(kind, tree, settings)
    found += _judge_hosts(kind, tree, tenant, settings)
    if len(found) < 2:
        return found[0] if found else None
    return refuse(found[0].reason, f"{found[0].message} (and {len(found) - 1} more)")


def judge_source(tree: Mapping[str, Any]) -> Refusal | None:
    """Return why a hub object is not synced in any form, or None."""
    owner = _controller_of(tree)
    if owner is None:
        return None
    return refuse("Owned", f"made by {owner} in the hub; the owner is synced instead")


def is_protected(namespace: str, settings: SyncSettings | None = None) -> bool:
    """True for the clusters' own namespaces: nothing is ever written there."""
    if namespace.startswith(("kube-", "openshift-", "kcp-syncer-")):
        return True
    if namespace in ("openshift", "kcp-system", "tmc-console"):
        return True
    if settings is None:
        return False
    if settings.profile == RESTRICTED and namespace == "default":
        return True
    return any(_matches(namespace, one) for one in settings.protected_namespaces)


def _matches(namespace: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return namespace.startswith(pattern[:-1])
    return namespace == pattern


def _judge_place(kind: Kind, tree: Mapping[str, Any], settings: SyncSettings) -> Refusal | None:
    """Scope is what the target's discovery reports, never whether metadata has a namespace."""
    namespace = str(tree["metadata"].get("namespace") or "")
    if kind.namespaced != bool(namespace):
        says = "namespaced" if kind.namespaced else "cluster-scoped"
        return refuse("ScopeDiffers", f"metadata.namespace: {kind.id} is {says} on the target")
    if namespace and is_protected(namespace, settings):
        return refuse(
            "ProtectedNamespace",
            f"namespace {namespace} belongs to the cluster; move the object to another",
        )
    return None


def _judge_always(kind: Kind, tree: Mapping[str, Any]) -> Refusal | None:
    if kind.id == "secrets" and tree.get("type") in _TOKEN_TYPES:
        return refuse(
            "TokenSecret", "type: tokens are valid in their own cluster only; use another type"
        )
    if kind.id == "configmaps" and tree["metadata"]["name"] == ROOT_CA:
        return refuse("RootCA", f"{ROOT_CA} is published by each cluster itself")
    return None


def _judge_pods(kind: Kind, tree: Mapping[str, Any], settings: SyncSettings) -> Iterator[Refusal]:
    for template in templates(kind.id, tree):
        found = list(findings(template))
        if settings.profile == RESTRICTED:
            found += token_findings(template)
        for reason, path, remedy in found:
            yield _against(settings, reason, path, remedy)


def _judge_content(
    kind: Kind, tree: Mapping[str, Any], settings: SyncSettings
) -> Iterator[Refusal]:
    if kind.id == "services":
        yield from _judge_service(mapping(tree.get("spec")), settings)
    if kind.id == "secrets" and settings.profile == RESTRICTED:
        type_ = str(tree.get("type") or "")
        if type_ not in _SECRET_TYPES:
            yield _against(settings, "SecretType", "type", "use Opaque, TLS or dockerconfigjson")
    for name in sorted(annotations_of(tree)):
        if is_snippet(name):
            path = f"metadata.annotations[{name}]"
            yield _against(settings, "Snippet", path, "it is run by a controller others share")


@lru_cache(maxsize=1024)
def is_snippet(annotation: str) -> bool:
    """True for an annotation that configures a controller shared with others."""
    return any(word in annotation.rpartition("/")[2].lower() for word in _SNIPPETS)


def _judge_service(spec: Mapping[str, Any], settings: SyncSettings) -> Iterator[Refusal]:
    if spec.get("externalIPs"):
        remedy = "take it out: it can catch traffic of others"
        yield _against(settings, "ExternalIPs", "spec.externalIPs", remedy)
    type_ = str(spec.get("type") or "")
    is_open = settings.profile != RESTRICTED or type_ in settings.service_types
    if not is_open and type_ not in _SERVICE_TYPES:
        remedy = f"name {type_} in sync.service_types if meant"
        yield _against(settings, "ServiceType", "spec.type", remedy)


def _judge_hosts(
    kind: Kind, tree: Mapping[str, Any], tenant: Tenant, settings: SyncSettings
) -> Iterator[Refusal]:
    """If the config lists hosts, they apply to every profile; restricted allows none by default."""
    if not settings.ingress_hosts and settings.profile != RESTRICTED:
        return
    allowed = tuple(tenant.fill(one) for one in settings.ingress_hosts)
    for path, host in hosts_of(kind.id, tree):
        if not is_allowed_host(host, allowed):
            shown = host or "every host"
            yield refuse("Host", f"{path}: {shown} is not the tenant's; see sync.ingress_hosts")


def _against(settings: SyncSettings, reason: str, path: str, remedy: str) -> Refusal:
    return refuse(reason, f"{path} is refused by the {settings.profile} profile: {remedy}")


def _controller_of(tree: Mapping[str, Any]) -> str | None:
    for reference in items(tree["metadata"].get("ownerReferences")):
        if reference.get("controller"):
            return f"{reference.get('kind')}/{reference.get('name')}"
    return None
