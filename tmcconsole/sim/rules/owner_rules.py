"""Rules for owner references, in every kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tmcconsole.kube.objects import Json
from tmcconsole.sim.rules.causes import wrong
from tmcconsole.sim.storage.status_errors import StatusCause


def owner_problems(owners: Sequence[Json]) -> Iterator[StatusCause]:
    """Yield what is wrong with the owner references of an object."""
    for index, owner in enumerate(owners):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                text = f'Invalid value: "": {field} must not be empty'
                yield StatusCause(
                    "FieldValueInvalid", text, f"metadata.ownerReferences[{index}].{field}"
                )
    controllers = [owner for owner in owners if owner.get("controller")]
    if len(controllers) > 1:
        why = "Only one reference can have Controller set to true"
        yield wrong("metadata.ownerReferences", why)
