"""Which host names an object claims externally, and whether they belong to its tenant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tmcconsole.sync.policy.pods import items, mapping

_ROUTES: Final = frozenset(
    {
        "grpcroutes.gateway.networking.k8s.io",
        "httproutes.gateway.networking.k8s.io",
        "tlsroutes.gateway.networking.k8s.io",
    }
)
_OPENSHIFT: Final = "routes.route.openshift.io"


def hosts_of(kind_id: str, tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (field path, host) of every claim; a host of "" claims all."""
    spec = mapping(tree.get("spec"))
    if kind_id == "ingresses.networking.k8s.io":
        yield from _ingress(spec)
    elif kind_id in _ROUTES:
        for number, host in enumerate(_texts(spec.get("hostnames")) or [""]):
            yield f"spec.hostnames[{number}]", host
    elif kind_id == _OPENSHIFT:
        yield "spec.host", str(spec.get("host") or "")


def _ingress(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if spec.get("defaultBackend"):
        yield "spec.defaultBackend", ""
    for number, rule in enumerate(items(spec.get("rules"))):
        yield f"spec.rules[{number}].host", str(rule.get("host") or "")
    for number, entry in enumerate(items(spec.get("tls"))):
        for inner, host in enumerate(_texts(entry.get("hosts"))):
            yield f"spec.tls[{number}].hosts[{inner}]", host


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def is_allowed_host(host: str, allowed: tuple[str, ...]) -> bool:
    """True if an entry is the host, or ``*.`` and a domain that contains it."""
    lower = host.lower().removesuffix(".")
    return any(
        lower == one or (one.startswith("*.") and lower.endswith(one[1:])) for one in allowed
    )
