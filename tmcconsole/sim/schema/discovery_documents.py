"""Discovery of the served kinds, as legacy documents and as the aggregated one."""

from __future__ import annotations

from typing import Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Response
from tmcconsole.sim.storage.kinds import Kinds, SimKind
from tmcconsole.sim.storage.status_errors import JSON_HEADERS, path_not_found

AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_EVICTION: Final = {"group": "policy", "version": "v1", "kind": "Eviction"}
_SCALE: Final = {"group": "autoscaling", "version": "v1", "kind": "Scale"}


def answer(path: str, accept: str, kinds: Kinds) -> Response | None:
    """Return the discovery document at a path, or None if there is none."""
    parts = path.strip("/").split("/")
    match parts:
        case ["api"] | ["apis"] if _wants_aggregated(accept):
            return _aggregated(kinds, core=parts[0] == "api")
        case ["api"]:
            return _json(_core_versions())
        case ["apis"]:
            return _json(_groups(kinds))
        case ["api", version]:
            return _resources("", version, kinds)
        case ["apis", group]:
            return _group_answer(group, kinds)
        case ["apis", group, version]:
            return _resources(group, version, kinds)
    return None


def _wants_aggregated(accept: str) -> bool:
    for offer in accept.split(","):
        parts = {part.strip() for part in offer.split(";")}
        if {"g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList"} <= parts:
            return True
    return False


def _core_versions() -> Json:
    address = {"clientCIDR": "0.0.0.0/0", "serverAddress": ""}
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [address]}


def _groups(kinds: Kinds) -> Json:
    groups = [_group(group, versions) for group, versions in kinds.versions().items() if group]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _group(group: str, versions: list[str]) -> Json:
    served = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": served, "preferredVersion": served[0]}


def _group_answer(group: str, kinds: Kinds) -> Response:
    versions = kinds.versions().get(group)
    if not group or versions is None:
        return path_not_found()
    return _json({"kind": "APIGroup", "apiVersion": "v1", **_group(group, versions)})


def _resources(group: str, version: str, kinds: Kinds) -> Response:
    found = kinds.in_version(group, version)
    if not found:
        return path_not_found()
    resources = [entry for kind in found for entry in _legacy(kind)]
    name = f"{group}/{version}" if group else version
    body = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name}
    return _json(body | {"resources": resources})


def _legacy(kind: SimKind) -> list[Json]:
    entry: Json = {
        "name": kind.resource,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    entries = [entry]
    if kind.id == "pods":
        entries.append(_legacy_subresource(kind, "eviction", _EVICTION) | {"verbs": ["create"]})
    if kind.scale:
        entries.append(_legacy_subresource(kind, "scale", _SCALE))
    if kind.has_status:
        entries.append(_legacy_subresource(kind, "status", {"kind": kind.kind}))
    return entries


def _legacy_subresource(kind: SimKind, name: str, what: Json) -> Json:
    return {
        "name": f"{kind.resource}/{name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        **what,
        "verbs": ["get", "patch", "update"],
    }


def _aggregated(kinds: Kinds, *, core: bool) -> Response:
    items = [
        {
            "metadata": {"name": group, "creationTimestamp": None} if group else {},
            "versions": [_version(kinds, group, version) for version in versions],
        }
        for group, versions in kinds.versions().items()
        if bool(group) != core
    ]
    body = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2"}
    return Response(
        200, {"content-type": AGGREGATED}, orjson.dumps(body | {"metadata": {}, "items": items})
    )


def _version(kinds: Kinds, group: str, version: str) -> Json:
    resources = [_resource(kind) for kind in kinds.in_version(group, version)]
    return {"version": version, "resources": resources, "freshness": "Current"}


def _resource(kind: SimKind) -> Json:
    entry: Json = {
        "resource": kind.resource,
        "responseKind": _kind(kind),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    subresources = []
    if kind.id == "pods":
        subresources.append(_subresource("eviction", _EVICTION) | {"verbs": ["create"]})
    if kind.scale:
        subresources.append(_subresource("scale", _SCALE))
    if kind.has_status:
        subresources.append(_subresource("status", _kind(kind)))
    return entry | ({"subresources": subresources} if subresources else {})


def _subresource(name: str, response_kind: Json) -> Json:
    verbs = ["get", "patch", "update"]
    return {"subresource": name, "responseKind": response_kind, "verbs": verbs}


def _kind(kind: SimKind) -> Json:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _json(body: Json) -> Response:
    return Response(200, dict(JSON_HEADERS), orjson.dumps(body))
