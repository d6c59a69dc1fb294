"""Who owns which field: the managedFields of an object, through updates and applies.

An *update* takes over every field it changes. An *apply* states every field it wants: it conflicts
with other owners, shares fields with equal values, and gives up those it no longer states.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.fields.fieldsets import (
    Comparison,
    FieldSet,
    difference,
    intersection,
    paths,
    union,
)
from tmcconsole.sim.storage.status_errors import StatusCause, StatusError, apply_conflict

ManagerIdentity = tuple[
    str, str, str, str
]  # manager, operation, apiVersion of an update, subresource

APPLY: Final = "Apply"
UPDATE: Final = "Update"


@dataclass(frozen=True, slots=True)
class Manager:
    """One entry of managedFields."""

    name: str
    operation: str
    api_version: str
    subresource: str
    time: str  # RFC 3339; "" if it never changed anything
    fields: FieldSet

    @property
    def identity(self) -> ManagerIdentity:
        """What tells entries apart; an applier is the same whatever apiVersion it uses."""
        version = "" if self.operation == APPLY else self.api_version
        return (self.name, self.operation, version, self.subresource)

    def entry(self) -> Json:
        """Return the entry as it appears in an object."""
        entry = {
            "manager": self.name,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": self.fields,
            "subresource": self.subresource,
        }
        return {key: value for key, value in entry.items() if value != ""}


Managers = dict[ManagerIdentity, Manager]


@dataclass(frozen=True, slots=True)
class FieldWriter:
    """Who writes, how, and when."""

    name: str
    operation: str
    api_version: str
    subresource: str
    time: str
    force: bool = False

    @property
    def identity(self) -> ManagerIdentity:
        """The identity of this writer's entry."""
        return self.entry({}).identity

    def entry(self, fields: FieldSet) -> Manager:
        """Return the entry that says this writer owns ``fields``."""
        return Manager(
            name=self.name,
            operation=self.operation,
            api_version=self.api_version,
            subresource=self.subresource,
            time=self.time,
            fields=fields,
        )


def read(tree: Json) -> Managers:
    """Return the managers of an object."""
    entries = (tree.get("metadata") or {}).get("managedFields") or ()
    if not all(_is_field_set((entry or {}).get("fieldsV1") or {}) for entry in entries):
        return {}  # as a server treats a list it cannot read
    found = [_manager(entry) for entry in entries if isinstance(entry, dict) and entry]
    return {manager.identity: manager for manager in found}


def entries(managers: Managers) -> list[Json]:
    """Return managedFields in Kubernetes' order."""
    ordered = sorted(
        managers.values(),
        key=lambda m: (m.operation, m.time, m.name, m.api_version, m.subresource),
    )
    return [manager.entry() for manager in ordered]


def after_update(managers: Managers, writer: FieldWriter, change: Comparison) -> Managers:
    """Return the managers after an update: the writer now owns the changed fields."""
    taken = union(change.added, change.modified)
    rest = _without(managers, union(taken, change.removed))
    if taken is None:
        return rest
    before = rest.get(writer.identity)
    rest[writer.identity] = writer.entry(union(before.fields if before else None, taken) or {})
    return rest


def after_apply(
    managers: Managers,
    writer: FieldWriter,
    stated: FieldSet | None,
    change: Comparison,
    uncontested: FieldSet | None = None,
) -> Managers:
    """Return the managers after an apply that states ``stated`` and makes ``change``.

    Raises StatusError 409 if others own what it would change, unless it is forced or the fields
    are ``uncontested``.
    """
    changed = union(change.added, change.modified)
    others = {key: manager for key, manager in managers.items() if key != writer.identity}
    if not writer.force:
        _refuse_conflicts(others.values(), difference(changed, uncontested))
    rest = _without(others, union(changed, change.removed))
    if stated is not None:
        rest[writer.identity] = writer.entry(stated)
    return rest


def owned(managers: Iterable[Manager]) -> FieldSet | None:
    """Return all fields that anyone owns."""
    everything: FieldSet | None = None
    for manager in managers:
        everything = union(everything, manager.fields)
    return everything


def _without(managers: Managers, lost: FieldSet | None) -> Managers:
    if lost is None:
        return dict(managers)
    kept: Managers = {}
    for identity, manager in managers.items():
        rest = difference(manager.fields, lost)
        if rest is not None:
            kept[identity] = manager if rest == manager.fields else replace(manager, fields=rest)
    return kept


def _refuse_conflicts(others: Iterable[Manager], changed: FieldSet | None) -> None:
    conflicts: list[tuple[str, str]] = []
    for manager in others:
        shared = intersection(manager.fields, changed)
        if shared is not None:
            conflicts += [(_printed(manager), path) for path in paths(shared)]
    if conflicts:
        raise _conflict(sorted(conflicts, key=lambda conflict: conflict[0]))


def _conflict(conflicts: list[tuple[str, str]]) -> StatusError:
    causes = [
        StatusCause("FieldManagerConflict", f"conflict with {manager}", path)
        for manager, path in conflicts
    ]
    if len(conflicts) == 1:
        manager, path = conflicts[0]
        text = f"Apply failed with 1 conflict: conflict with {manager}: {path}"
        return apply_conflict(text, causes)
    lines: list[str] = []
    for manager in sorted({manager for manager, _ in conflicts}):
        lines.append(f"conflicts with {manager}:")
        lines += [f"- {path}" for owner, path in conflicts if owner == manager]
    text = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)
    return apply_conflict(text, causes)


def _printed(manager: Manager) -> str:
    text = f'"{manager.name}"'
    if manager.subresource:
        text += f' with subresource "{manager.subresource}"'
    return f"{text} using {manager.api_version}" if manager.operation == UPDATE else text


def _is_field_set(fields: Any) -> bool:
    """Whether something is a well-formed field set at every level."""
    return isinstance(fields, dict) and all(
        name[:2] in ("f:", "k:", "v:", "i:", ".") and _is_field_set(child)
        for name, child in fields.items()
    )


def _manager(entry: Json) -> Manager:
    return Manager(
        name=entry.get("manager") or "",
        operation=entry.get("operation") or UPDATE,
        api_version=entry.get("apiVersion") or "",
        subresource=entry.get("subresource") or "",
        time=entry.get("time") or "",
        fields=entry.get("fieldsV1") or {},
    )
