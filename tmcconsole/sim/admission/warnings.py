"""Warnings about requests that are still carried out, in kube-apiserver's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.sim.storage.kinds import SimKind

JOB_KEEPS_PODS: Final = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to"
    " remove them or set propagationPolicy=Orphan to suppress this warning"
)
_EXTERNAL: Final = (
    "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
)
_DEPRECATED: Final = {
    "endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
}
_NAMES_PODS: Final = ("deployments.apps", "replicasets.apps")
_TEMPLATES: Final = (
    "deployments.apps",
    "replicasets.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "jobs.batch",
    "replicationcontrollers",
)


def deprecation(kind: SimKind) -> list[str]:
    """Return the warnings for every request to a deprecated kind."""
    if kind.is_custom:
        return [kind.deprecated] if kind.deprecated else []
    return [_DEPRECATED[kind.id]] if kind.id in _DEPRECATED else []


def of_change(kind: SimKind, new: Json, old: Json | None) -> Iterator[str]:
    """Yield the warnings for a valid object, or for its change from ``old``."""
    if kind.is_custom:
        yield from _short_finalizers(new, old)
    if kind.id == "services" and (new.get("spec") or {}).get("externalIPs"):
        yield _EXTERNAL
    if kind.id in _NAMES_PODS and old is None:
        yield from _name_for_pods(new["metadata"]["name"])
    if kind.id in _TEMPLATES and (old is None or _generation(new) != _generation(old)):
        yield from _shared_ports(new)


def header(texts: list[str]) -> dict[str, str]:
    """Return the header that carries the warnings, without duplicates."""
    if not texts:
        return {}
    return {"warning": ", ".join(f"299 - {orjson.dumps(t).decode()}" for t in dict.fromkeys(texts))}


def _short_finalizers(new: Json, old: Json | None) -> Iterator[str]:
    known = ((old or {}).get("metadata") or {}).get("finalizers") or ()
    for name in new["metadata"].get("finalizers") or ():
        if "/" not in name and name not in known and name not in ("orphan", "foregroundDeletion"):
            yield (
                f'metadata.finalizers: "{name}": prefer a domain-qualified finalizer name to avoid'
                " accidental conflicts with other finalizer writers"
            )


def _name_for_pods(name: str) -> Iterator[str]:
    wrong = ["must be no more than 63 characters"] if len(name) > 63 else []
    wrong += ["must not contain dots"] if "." in name else []
    if wrong:
        yield (
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising"
            f" behavior; a DNS label is recommended: [{' '.join(wrong)}]"
        )


def _generation(tree: Json) -> int:
    return tree["metadata"].get("generation") or 0


def _shared_ports(tree: Json) -> Iterator[str]:
    """Yield a warning for each port, or port name, that repeats an earlier one."""
    ports: dict[tuple[Any, ...], str] = {}
    names: dict[str, str] = {}
    for place, port in _ports((tree["spec"].get("template") or {}).get("spec") or {}):
        same = tuple(port.get(key) for key in ("containerPort", "protocol", "hostIP", "hostPort"))
        first = ports.setdefault(same, place)
        if first != place:
            yield f"{place}: duplicate port definition with {first}"
        name = port.get("name")
        named = names.setdefault(name, place) if name else place
        if named != place:
            yield (
                f'{place}: duplicate port name "{name}" with {named}, services and probes that'
                f" select ports by name will use {named}"
            )


def _ports(spec: Json) -> Iterator[tuple[str, Json]]:
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field) or ()):
            for number, port in enumerate(container.get("ports") or ()):
                yield f"spec.template.spec.{field}[{index}].ports[{number}]", port
