"""Which labels and annotations are synced, and what a profile removes. Pure.

Dropping metadata is not a refusal: the object syncs without it, and ``why`` lists it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from tmcconsole.config.settings import SyncSettings
from tmcconsole.kube.objects import Json, Kind, annotations_of, labels_of
from tmcconsole.sync.policy.objects import is_snippet
from tmcconsole.sync.policy.pods import confines, place_of
from tmcconsole.sync.policy.profiles import RESTRICTED, TRUSTED

# Domains whose keys control a cluster, not the application. A domain includes its subdomains.
_ALWAYS: Final = ("pod-security.kubernetes.io",)
# Another deployer's claim to an object: on the cluster it would take, or remove, our copy.
_OTHER_OWNERS: Final = (
    "applyset.kubernetes.io",
    "argocd.argoproj.io",
    "fleet.cattle.io",
    "kapp.k14s.io",
    "kustomize.toolkit.fluxcd.io",
    "helm.toolkit.fluxcd.io",
    "meta.helm.sh",
    "objectset.rio.cattle.io",
    "work.karmada.io",
)
_OTHER_OWNER_KEYS: Final = frozenset({"config.k8s.io/owning-inventory"})
# restricted: keys without a domain, and these. Cloud, load balancer, DNS, certificate and mesh
# controllers act on annotations with their own permissions.
_DESCRIBING: Final = ("app.kubernetes.io", "helm.sh")
_DESCRIBING_KEYS: Final = frozenset({"kubernetes.io/description", "kubernetes.io/change-cause"})
# Labels of pod templates are matched by Services and selectors: only these are removed there.
_MESH: Final = (
    "istio.io",
    "linkerd.io",
    "kuma.io",
    "consul.hashicorp.com",
    "dapr.io",
)


class Trimmed(NamedTuple):
    """An object with the metadata that is synced, and the paths of what was left out."""

    tree: Mapping[str, Any]
    left_out: tuple[str, ...]


def trim(kind: Kind, source: Mapping[str, Any], settings: SyncSettings) -> Trimmed:
    """Return the hub object without the metadata that the profile excludes.

    ``source`` is not changed; if nothing is left out or set, it is returned itself.
    """
    left_out = _not_travelling(source, settings, "metadata")
    template = _template_of(kind, source)
    inner = ".".join((*(place_of(kind.id) or ()), "metadata"))
    if template is not None and template is not source and settings.profile == RESTRICTED:
        left_out += _not_travelling(template, settings, inner, is_template=True)
    sets_token = settings.profile == RESTRICTED and _is_silent_on_tokens(template)
    if not left_out and not sets_token:
        return Trimmed(source, ())
    tree: Json = orjson.loads(orjson.dumps(source))
    _remove(tree, left_out, "metadata")
    template = _template_of(kind, tree)
    if template is not None:
        _remove(template, left_out, inner)
        if sets_token:
            template["spec"]["automountServiceAccountToken"] = False
    return Trimmed(tree, left_out)


def _template_of(kind: Kind, tree: Mapping[str, Any]) -> Any:
    """Return the pod template of a kind that has one at a fixed place."""
    place = place_of(kind.id)
    if place is None:
        return None
    found: Any = tree
    for name in place:
        found = found.get(name)
        if not isinstance(found, dict):
            return None
    return found


def _is_silent_on_tokens(template: Any) -> bool:
    spec = template.get("spec") if template is not None else None
    return isinstance(spec, dict) and spec.get("automountServiceAccountToken") is None


def _not_travelling(
    tree: Mapping[str, Any], settings: SyncSettings, at: str, *, is_template: bool = False
) -> tuple[str, ...]:
    found = []
    for field, names in (("labels", labels_of(tree)), ("annotations", annotations_of(tree))):
        only_mesh = is_template and field == "labels"
        travels = _is_no_mesh if only_mesh else _travels
        found += [f"{at}.{field}[{name}]" for name in sorted(names) if not travels(name, settings)]
    return tuple(found)


def _remove(tree: Json, paths: tuple[str, ...], at: str) -> None:
    left_out = frozenset(paths)
    for field in ("labels", "annotations"):
        kept: Json = (tree.get("metadata") or {}).get(field) or {}
        for name in list(kept):
            if f"{at}.{field}[{name}]" in left_out:
                del kept[name]


def _travels(name: str, settings: SyncSettings) -> bool:
    domain = name.rpartition("/")[0]
    if _is_within(domain, _ALWAYS) or _begins(name, settings.metadata_drop):
        return False
    if _begins(name, settings.metadata_keep) or settings.profile == TRUSTED:
        return True
    if _is_within(domain, _OTHER_OWNERS) or name in _OTHER_OWNER_KEYS:
        return False
    if settings.profile != RESTRICTED:
        return True
    if is_snippet(name) or confines(name):
        return True  # to be judged: without it the object would be another
    if name in _DESCRIBING_KEYS or _is_ours(domain):
        return True  # ours is removed with the desired state, and not worth reporting
    return not domain or _is_within(domain, _DESCRIBING)


def _is_no_mesh(name: str, settings: SyncSettings) -> bool:
    domain = name.rpartition("/")[0]
    is_kept = _begins(name, settings.metadata_keep)
    return is_kept or not _is_within(domain, (*_MESH, *_ALWAYS))


def _is_ours(domain: str) -> bool:
    return _is_within(domain, ("kcp.io", "kubectl.kubernetes.io"))


@lru_cache(maxsize=1024)
def _is_within(domain: str, domains: tuple[str, ...]) -> bool:
    return any(domain == one or domain.endswith(f".{one}") for one in domains)


def _begins(name: str, prefixes: tuple[str, ...]) -> bool:
    return name.startswith(prefixes) if prefixes else False
