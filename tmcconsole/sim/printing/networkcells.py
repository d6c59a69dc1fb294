"""Table cells of Services, their endpoints and Ingresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tmcconsole.kube.objects import Json

_SHOWN: Final = 3  # entries of a list that are shown; the rest is counted


def external_address(tree: Json) -> str:
    """Return a Service's external addresses."""
    spec = tree.get("spec") or {}
    kind = spec.get("type")
    if kind == "ExternalName":
        return str(spec.get("externalName") or "")
    addresses = list(spec.get("externalIPs") or ())
    if kind == "LoadBalancer":
        balanced = balancers(tree)
        return ",".join([balanced] * bool(balanced) + addresses) or "<pending>"
    return ",".join(addresses) or "<none>"


def balancers(tree: Json) -> str:
    """Return the addresses of load balancers."""
    balancer = (tree.get("status") or {}).get("loadBalancer") or {}
    points = balancer.get("ingress") or ()
    return ",".join(sorted({p.get("ip") or p.get("hostname") or "" for p in points} - {""}))


def service_ports(tree: Json) -> str:
    """Return a Service's ports, node ports included."""
    ports = (tree.get("spec") or {}).get("ports") or ()
    return ",".join(_port(port) for port in ports) or "<none>"


def hosts(tree: Json) -> str:
    """Return the first three hosts of an Ingress."""
    rules = (tree.get("spec") or {}).get("rules") or ()
    shown = ",".join(rule["host"] for rule in rules[:_SHOWN] if rule.get("host"))
    more = f" + {len(rules) - _SHOWN} more..." if len(rules) > _SHOWN else ""
    return shown + more if shown else "*"


def slice_ports(tree: Json) -> str:
    """Return the ports of an EndpointSlice."""
    ports = tree.get("ports") or ()
    return _first([str(port.get("port", port.get("name", "*"))) for port in ports])


def slice_addresses(tree: Json) -> str:
    """Return the addresses of an EndpointSlice."""
    return _first([a for point in tree.get("endpoints") or () for a in point["addresses"] or ()])


def endpoints(tree: Json) -> str:
    """Return the addresses of Endpoints, each combined with each port."""
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in tree.get("subsets") or ()
        for port in subset.get("ports") or ()
        for address in subset.get("addresses") or ()
    ]
    return _first(found, "<none>") if not tree.get("subsets") else _first(found, "")


def _port(port: Json) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}"


def _first(texts: Sequence[str], nothing: str = "<unset>") -> str:
    shown = ",".join(texts[:_SHOWN])
    if len(texts) > _SHOWN:
        return f"{shown} + {len(texts) - _SHOWN} more..."
    return shown or nothing
