"""Where kinds keep the spec of the pods they create. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tmcconsole.kube.objects import Json

_IN_TEMPLATE: Final = ("spec", "template", "spec")
_POD_SPECS: Final = {
    "pods": ("spec",),
    "replicationcontrollers": _IN_TEMPLATE,
    "deployments.apps": _IN_TEMPLATE,
    "replicasets.apps": _IN_TEMPLATE,
    "statefulsets.apps": _IN_TEMPLATE,
    "daemonsets.apps": _IN_TEMPLATE,
    "jobs.batch": _IN_TEMPLATE,
    "cronjobs.batch": ("spec", "jobTemplate", *_IN_TEMPLATE),
}
CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")


def pod_spec(kind: str, tree: Json) -> Json:
    """Return the pod spec of an object; {} if its kind creates no pods."""
    path = _POD_SPECS.get(kind)
    return _at(tree, path) if path else {}


def pod_labels(kind: str, tree: Json) -> dict[str, Any]:
    """Return the labels of the pods an object creates; {} if its kind creates none."""
    path = _POD_SPECS.get(kind)
    return _at(tree, (*path[:-1], "metadata", "labels")) if path else {}


def containers(spec: Json) -> Iterator[Json]:
    """Yield every container of a pod: init, ordinary and ephemeral ones."""
    for field in CONTAINERS:
        yield from entries(spec, field)


def entries(tree: Json, field: str) -> Iterator[Json]:
    """Yield the objects of a list; anything else is skipped."""
    found = tree.get(field)
    yield from (
        (entry for entry in found if isinstance(entry, dict)) if isinstance(found, list) else ()
    )


def part(tree: Json, *path: str) -> Json:
    """Return the object at a path; {} if there is none."""
    return _at(tree, path)


def _at(tree: Json, path: tuple[str, ...]) -> Json:
    found: Any = tree
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
