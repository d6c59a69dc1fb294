"""A custom kind for the tests, and CustomResourceDefinitions that serve it."""

from __future__ import annotations

from typing import Any

from tmcconsole.kube.objects import Json, Kind

WIDGETS = Kind("example.com", "v1", "widgets", "Widget")
WIDGETS_V2 = Kind("example.com", "v2", "widgets", "Widget")
TEXT = {"type": "string"}
WHOLE = {"type": "integer"}


def define(*versions: str, **fields: Any) -> Json:
    """Return a definition of widgets: the first version is stored, all are served."""
    spec = {"type": "object", "properties": fields or {"size": WHOLE}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    return {
        "metadata": {"name": WIDGETS.id},
        "spec": {
            "group": WIDGETS.group,
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [
                {"name": name, "served": True, "storage": number == 0, "schema": schema}
                for number, name in enumerate(versions or ("v1",))
            ],
        },
    }


def make_widget(name: str = "one", size: Any = 3, namespace: str = "shop") -> Json:
    """Return a widget."""
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"size": size}}


def define_reporting(*, subresource: bool = True) -> Json:
    """Return a definition of widgets that take any status."""
    defined = define(size=WHOLE)
    for version in defined["spec"]["versions"]:
        fields = version["schema"]["openAPIV3Schema"]["properties"]
        fields["status"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        if subresource:
            version["subresources"] = {"status": {}}
    return defined
