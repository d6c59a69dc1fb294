"""Why a value is refused, in the fewest words: something is needed, wrong, or barred."""

from __future__ import annotations

from tmcconsole.sim.storage.status_errors import StatusCause


def needed(path: str, why: str = "") -> StatusCause:
    """Return that a field must be there."""
    return StatusCause("FieldValueRequired", f"Required value{': ' + why if why else ''}", path)


def wrong(path: str, why: str) -> StatusCause:
    """Return that a field has a value it must not have."""
    return StatusCause("FieldValueInvalid", f'Invalid value: "": {why}', path)


def barred(path: str, why: str) -> StatusCause:
    """Return that a field may not be set."""
    return StatusCause("FieldValueForbidden", f"Forbidden: {why}", path)
