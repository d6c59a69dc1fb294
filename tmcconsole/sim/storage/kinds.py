"""The kinds an API server serves: built-in ones, and custom ones added at run time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.storage import shapes
from tmcconsole.sim.storage.shapes import ValueShape

ALL_VERBS: Final = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)


@dataclass(frozen=True, slots=True)
class PrinterColumn:
    """One table column. ``path`` is a JSONPath, or "" if code computes the cell."""

    name: str
    type: str = "string"
    path: str = ""
    priority: int = 0  # > 0 = only with -o wide
    format: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """The scale subresource's paths, like ``.spec.replicas``."""

    spec: str = ".spec.replicas"
    status: str = ".status.replicas"
    selector: str = ""


@dataclass(frozen=True, slots=True)
class SimKind:
    """One resource in one version."""

    group: str
    version: str
    resource: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    singular: str = ""
    verbs: tuple[str, ...] = ALL_VERBS
    has_status: bool = False
    scale: ScalePaths | None = None
    has_generation: bool = False
    needs_version: bool = False  # an update must carry a resourceVersion
    put_creates: bool = False  # a PUT of a missing object creates it
    returns_deleted: bool = False  # DELETE answers the object instead of a Status
    is_custom: bool = False  # comes from a CRD
    schema: Json | None = None  # only for custom resources
    deprecated: str = ""  # deprecation warning of a custom resource's version
    columns: tuple[PrinterColumn, ...] = ()
    shape: ValueShape = shapes.PLAIN

    @property
    def id(self) -> str:
        """``resource.group``, or ``resource`` in the core group: the same in every version."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def api_version(self) -> str:
        """``group/version``, or ``version`` in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def list_kind(self) -> str:
        """The Kind of a list of these."""
        return f"{self.kind}List"

    @property
    def head(self) -> bytes:
        """The start of an object's JSON: kind and apiVersion."""
        return f'{{"kind":"{self.kind}","apiVersion":"{self.api_version}",'.encode()


class Kinds:
    """All kinds currently served by one cluster. Only CRDs change it."""

    def __init__(self, kinds: Iterable[SimKind]) -> None:
        self._served: dict[tuple[str, str, str], SimKind] = {}
        for kind in kinds:
            self.add(kind)

    def add(self, kind: SimKind) -> None:
        """Serve a kind, replacing one of the same group, version and resource."""
        self._served[kind.group, kind.version, kind.resource] = kind

    def remove(self, kind: SimKind) -> None:
        """Stop serving a kind."""
        self._served.pop((kind.group, kind.version, kind.resource), None)

    def find(self, group: str, version: str, resource: str) -> SimKind | None:
        """Return the kind served there, if any."""
        return self._served.get((group, version, resource))

    def by_id(self, kind_id: str) -> SimKind | None:
        """Return the preferred version of ``resource.group``, if served."""
        versions = [kind for kind in self._served.values() if kind.id == kind_id]
        return min(versions, key=_preference, default=None)

    def by_kind(self, api_version: str, kind: str) -> SimKind | None:
        """Return the kind for an apiVersion and kind, in any served version of the group."""
        group = api_version.partition("/")[0] if "/" in api_version else ""
        found = [k for k in self._served.values() if k.group == group and k.kind == kind]
        return min(found, key=_preference, default=None)

    def in_version(self, group: str, version: str) -> list[SimKind]:
        """Return the kinds of a group version by resource name."""
        found = [k for k in self._served.values() if (k.group, k.version) == (group, version)]
        return sorted(found, key=lambda kind: kind.resource)

    def versions(self) -> dict[str, list[str]]:
        """Return each served group with its versions, preferred first; the core group is ""."""
        groups: dict[str, set[str]] = {}
        for kind in self._served.values():
            groups.setdefault(kind.group, set()).add(kind.version)
        return {group: sorted(groups[group], key=version_order) for group in sorted(groups)}

    def __iter__(self) -> Iterator[SimKind]:
        ordered = sorted(self._served.values(), key=lambda k: (k.group, k.version, k.resource))
        return iter(ordered)


def version_order(version: str) -> tuple[int, int, int, str]:
    """Return a sort key for Kubernetes' version priority: v2, v1, v2beta1, v1alpha1, other."""
    digits, _, rest = version.removeprefix("v").partition("beta")
    stage = 1 if "beta" in version else 0
    if "alpha" in version:
        digits, _, rest = version.removeprefix("v").partition("alpha")
        stage = 2
    if not version.startswith("v") or not digits.isdigit() or not (rest or "0").isdigit():
        return (3, 0, 0, version)
    return (stage, -int(digits), -int(rest or 0), version)


def _preference(kind: SimKind) -> tuple[int, int, int, str]:
    return version_order(kind.version)
