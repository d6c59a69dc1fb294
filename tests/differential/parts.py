"""What the fixed traces are made of."""

from __future__ import annotations

from typing import Any, Final

from tests.differential import widgets
from tests.differential.trace import APPLY, MERGE, Json, Step

CONFIG_MAPS: Final = "/api/v1/namespaces/{ns}/configmaps"
SECRETS: Final = "/api/v1/namespaces/{ns}/secrets"
DEPLOYMENTS: Final = "/apis/apps/v1/namespaces/{ns}/deployments"
BUDGETS: Final = "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets"
WIDGETS: Final = f"/apis/{widgets.GROUP}/v1/namespaces/{{ns}}/widgets"
GADGETS: Final = f"/apis/{widgets.GROUP}/v1/namespaces/{{ns}}/gadgets"
TIME: Final = "2026-01-02T03:04:05Z"
CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def config_map(name: str = "one", **parts: Any) -> Json:
    meta = {"name": name, **parts.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **parts}


def deployment(name: str, *containers: Json, **spec: Any) -> Json:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": list(containers)}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


def container(name: str, image: str = "registry.test/app:1", **more: Any) -> Json:
    return {"name": name, "image": image, **more}


def widget(name: str = "one", **spec: Any) -> Json:
    return {
        "apiVersion": f"{widgets.GROUP}/v1",
        "kind": "Widget",
        "metadata": {"name": name},
        "spec": {"color": "red", **spec},
    }


def apply(path: str, tree: Json, manager: str, *, force: bool = False, **query: str) -> Step:
    name = tree["metadata"]["name"]
    query |= {"fieldManager": manager} | ({"force": "true"} if force else {})
    return Step("PATCH", f"{path}/{name}", tree, APPLY, query)


def merge(path: str, patch: Any, manager: str = "bob", **query: str) -> Step:
    return Step("PATCH", path, patch, MERGE, query | {"fieldManager": manager})
