"""Which CustomResourceDefinitions may be synced to a target. Pure.

Never with a conversion webhook: it would be called with the target's rights, at an address of the
hub's. Never in a group of Kubernetes' or kcp's own: what is missing there is missing on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tmcconsole.config.settings import SyncSettings
from tmcconsole.kube.objects import Kind
from tmcconsole.sync.policy.kinds import judge_kind
from tmcconsole.sync.policy.pods import items, mapping
from tmcconsole.sync.policy.profiles import RESTRICTED
from tmcconsole.sync.policy.refusal import Refusal, refuse

FOLLOW: Final = "follow"
_OWN: Final = ("k8s.io", "kubernetes.io", "kcp.io", "openshift.io", "cattle.io")
_VERBS: Final = frozenset({"get", "list", "watch", "create", "patch", "delete"})


def judge_definition(tree: Mapping[str, Any], settings: SyncSettings) -> Refusal | None:
    """Return why this CRD is not synced with its objects, or None."""
    if settings.crds != FOLLOW or settings.profile == RESTRICTED:
        return refuse(
            "DefinitionsStay",
            "the kind is not served there, and definitions do not follow: install it there, or "
            'set sync.crds = "follow" (not under the restricted profile)',
        )
    spec = mapping(tree.get("spec"))
    group = str(spec.get("group") or "")
    if any(group == one or group.endswith(f".{one}") for one in _OWN) or "." not in group:
        return refuse("GroupProtected", f"spec.group: {group} is not a tenant's: install it there")
    conversion = mapping(spec.get("conversion"))
    if conversion.get("strategy") not in (None, "None") or conversion.get("webhook"):
        return refuse(
            "ConversionWebhook",
            "spec.conversion: a webhook of the hub's is not called from there; install it there",
        )
    return judge_kind(kind_defined(tree), settings, hub_runs_pods=False)


def kind_defined(tree: Mapping[str, Any]) -> Kind:
    """Return the kind that a CRD defines, in the first version it serves."""
    spec = mapping(tree.get("spec"))
    names = mapping(spec.get("names"))
    served = [str(one.get("name")) for one in items(spec.get("versions")) if one.get("served")]
    return Kind(
        group=str(spec.get("group") or ""),
        version=served[0] if served else "",
        resource=str(names.get("plural") or ""),
        kind=str(names.get("kind") or ""),
        namespaced=spec.get("scope") == "Namespaced",
        verbs=_VERBS,
    )
