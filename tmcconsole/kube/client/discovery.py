"""Which kinds an API server serves: two requests, or one per group on an old server.

A group version that answers with an error is reported and does not hide the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.client.reader import Reader
from tmcconsole.kube.errors import BadAnswer, BadRequest, KubeError, NotFound, Unreachable
from tmcconsole.kube.objects import Json, Kind

_AGGREGATED: Final = ",".join(
    (
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        "application/json",
    )
)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found. ``kinds`` is sorted by group and resource, preferred version first."""

    kinds: tuple[Kind, ...]
    failed: tuple[tuple[str, str], ...] = ()  # (group/version, why it is unknown)
    names: tuple[tuple[str, str], ...] = ()  # (short or singular name, Kind.id), sorted

    def preferred(self) -> tuple[Kind, ...]:
        """Return each resource once, in the version that the server prefers."""
        first: dict[str, Kind] = {}
        for kind in self.kinds:
            first.setdefault(kind.id, kind)
        return tuple(first.values())

    def by_id(self) -> dict[str, tuple[Kind, ...]]:
        """Return the versions of each resource, the preferred one first."""
        found: dict[str, tuple[Kind, ...]] = {}
        for kind in self.kinds:
            found[kind.id] = (*found.get(kind.id, ()), kind)
        return found

    def find(self, kind_id: str, version: str = "") -> Kind | None:
        """Return ``resource.group`` in that version, or in the preferred one."""
        for kind in self.kinds:
            if kind.id == kind_id and version in ("", kind.version):
                return kind
        return None


class _GroupVersionKind(msgspec.Struct):
    kind: str = ""


class _Subresource(msgspec.Struct):
    subresource: str


class _Resource(msgspec.Struct, rename="camel"):
    resource: str
    response_kind: _GroupVersionKind | None = None
    scope: str = "Namespaced"
    verbs: tuple[str, ...] | None = ()
    subresources: tuple[_Subresource, ...] | None = ()
    singular_resource: str | None = ""
    short_names: tuple[str, ...] | None = ()


class _Version(msgspec.Struct):
    version: str
    resources: tuple[_Resource, ...] | None = ()
    freshness: str = "Current"


class _LegacyResource(msgspec.Struct):
    name: str
    kind: str
    namespaced: bool = False
    verbs: tuple[str, ...] | None = ()
    singular_name: str | None = msgspec.field(name="singularName", default="")
    short_names: tuple[str, ...] | None = msgspec.field(name="shortNames", default=())


@dataclass(slots=True)
class _Found:
    """What has been collected so far; ranks order the versions of one group."""

    kinds: list[tuple[int, Kind]]
    failed: dict[str, str]
    names: set[tuple[str, str]]

    def call(self, group: str, resource: str, names: Iterable[str | None]) -> None:
        """Note by which other names a resource goes."""
        id = f"{resource}.{group}" if group else resource
        self.names |= {(name.lower(), id) for name in names if name}

    def discovery(self) -> Discovery:
        ordered = sorted(
            self.kinds, key=lambda found: (found[1].group, found[1].resource, found[0])
        )
        failed = sorted(self.failed.items())
        return Discovery(
            tuple(kind for _, kind in ordered), tuple(failed), tuple(sorted(self.names))
        )


async def discover(client: Reader) -> Discovery:
    """Ask the server what it serves. Raises ``KubeError`` if it does not answer at all."""
    found = _Found([], {}, set())
    for root in ("/api", "/apis"):
        await _discover_root(client, root, found)
    return found.discovery()


async def _discover_root(client: Reader, root: str, found: _Found) -> None:
    try:
        document = await client.get_json(root, accept=_AGGREGATED)
    except (BadRequest, BadAnswer):  # 406, or a content type we cannot read
        document = await client.get_json(root)
    except NotFound:
        return
    if document.get("kind") == "APIGroupDiscoveryList":
        for group in _entries(document.get("items")):
            _take_group(group, found)
        return
    if document.get("kind") not in ("APIVersions", "APIGroupList"):
        raise BadAnswer(f"{root} is answered by something that is no API server's discovery")
    for name, versions in _legacy_groups(document):
        for rank, version in enumerate(versions):
            await _ask_version(client, name, version, rank, found)


def _take_group(group: Json, found: _Found) -> None:
    name = str((group.get("metadata") or {}).get("name") or "")
    for rank, entry in enumerate(_entries(group.get("versions"))):
        label = _group_version(name, str(entry.get("version")))
        try:
            version = msgspec.convert(entry, _Version)
        except msgspec.ValidationError as error:
            found.failed[label] = SafeText(f"unreadable discovery: {error}")
            continue
        if version.freshness == "Stale":
            found.failed[label] = "the server behind it does not respond; its kinds may be outdated"
        found.kinds += ((rank, kind) for kind in _kinds_of(name, version))
        for one in version.resources or ():
            found.call(name, one.resource, (one.singular_resource, *(one.short_names or ())))


def _kinds_of(group: str, version: _Version) -> Iterable[Kind]:
    for entry in version.resources or ():
        if entry.response_kind is None or not entry.response_kind.kind:
            continue  # only its subresources exist
        yield Kind(
            group=group,
            version=version.version,
            resource=entry.resource,
            kind=entry.response_kind.kind,
            namespaced=entry.scope == "Namespaced",
            verbs=frozenset(entry.verbs or ()),
            subresources=frozenset(sub.subresource for sub in entry.subresources or ()),
        )


def _legacy_groups(document: Json) -> Iterable[tuple[str, list[str]]]:
    if document.get("kind") == "APIVersions":
        yield "", [str(version) for version in document.get("versions") or ()]
        return
    for group in _entries(document.get("groups")):
        versions = [str(entry.get("version")) for entry in _entries(group.get("versions"))]
        preferred = (group.get("preferredVersion") or {}).get("version")
        versions.sort(key=lambda version: version != preferred)
        yield str(group.get("name")), versions


async def _ask_version(client: Reader, group: str, version: str, rank: int, found: _Found) -> None:
    path = f"/apis/{group}/{version}" if group else f"/api/{version}"
    try:
        document = await client.get_json(path)
        if document.get("kind") != "APIResourceList":
            raise BadAnswer("answered by something that is no API server's discovery")
        resources = msgspec.convert(document.get("resources") or [], list[_LegacyResource])
    except Unreachable as error:
        if error.reason != "Timeout":  # one hanging group does not affect the others
            raise
        found.failed[_group_version(group, version)] = str(error)
    except (KubeError, msgspec.ValidationError) as error:
        found.failed[_group_version(group, version)] = SafeText(error)
    else:
        found.kinds += ((rank, kind) for kind in _legacy_kinds(group, version, resources))
        for one in resources:
            if "/" not in one.name:
                found.call(group, one.name, (one.singular_name, *(one.short_names or ())))


def _legacy_kinds(group: str, version: str, resources: list[_LegacyResource]) -> Iterable[Kind]:
    subresources: dict[str, set[str]] = {}
    for entry in resources:
        name, _, sub = entry.name.partition("/")
        if sub:
            subresources.setdefault(name, set()).add(sub)
    for entry in resources:
        if "/" not in entry.name:
            yield Kind(
                group=group,
                version=version,
                resource=entry.name,
                kind=entry.kind,
                namespaced=entry.namespaced,
                verbs=frozenset(entry.verbs or ()),
                subresources=frozenset(subresources.get(entry.name, ())),
            )


def _group_version(group: str, version: str) -> str:
    return SafeText(f"{group}/{version}" if group else version)


def _entries(value: Any) -> list[Json]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
