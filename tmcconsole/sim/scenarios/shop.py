"""A small web shop: what the scenarios deploy."""

from __future__ import annotations

import base64
from typing import Final

from tmcconsole.kube.objects import NAMESPACES, Json, Kind
from tmcconsole.sim.scenarios.stage import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    PLACEMENTS,
    SECRETS,
    SERVICES,
    Stage,
)

NAMESPACE: Final = "shop"
_PARTS: Final = {"web": 3, "cart": 2, "catalog": 2, "payments": 1}  # Deployments, with replicas
_MAPS: Final = {
    "shop-settings": {"banner": "Welcome", "currency": "EUR"},
    "catalog-flags": {"search": "v1", "images": "small"},
    "cart-limits": {"items": "50"},
}


def objects() -> list[tuple[Kind, Json]]:
    """Return the shop's objects: four Deployments with Services, ConfigMaps, a Secret."""
    found: list[tuple[Kind, Json]] = []
    for name, data in _MAPS.items():
        found.append((CONFIG_MAPS, {"metadata": _meta(name), "data": data}))
    key = base64.b64encode(b"not a real key").decode()
    secret = {"metadata": _meta("payments-key"), "type": "Opaque", "data": {"key": key}}
    found.append((SECRETS, secret))
    for name, replicas in _PARTS.items():
        found.append((DEPLOYMENTS, deployment(name, replicas)))
        found.append((SERVICES, _service(name)))
    return found


def deployment(name: str, replicas: int) -> Json:
    """Return the Deployment of one part of the shop."""
    container = {
        "name": name,
        "image": f"registry.example.com/shop/{name}:1.0",
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
        "envFrom": [{"configMapRef": {"name": "shop-settings"}}],
    }
    labels = {"app": "shop", "part": name}
    return {
        "metadata": _meta(name),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


async def place(world: Stage) -> None:
    """Create the shop's namespace and a Placement that assigns it to every target."""
    labels = {"app": "shop"}
    await world.hub.apply(NAMESPACES, {"metadata": {"name": NAMESPACE, "labels": labels}})
    spec = {
        "namespaceSelector": {"matchLabels": labels},
        "locationSelectors": [{}],
        "strategy": "OneToMany",
    }
    await world.hub.apply(PLACEMENTS, {"metadata": {"name": "shop"}, "spec": spec})


async def fill(world: Stage) -> None:
    """Create the shop's objects in their initial state."""
    for kind, tree in objects():
        await world.hub.apply(kind, tree)


def _service(name: str) -> Json:
    ports = [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    spec = {"selector": {"app": "shop", "part": name}, "ports": ports}
    return {"metadata": _meta(name), "spec": spec}


def _meta(name: str) -> Json:
    return {"name": name, "namespace": NAMESPACE, "labels": {"app": "shop", "part": name}}
