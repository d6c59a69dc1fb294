"""What a refused field is told: missing, invalid, or not to be set."""

from __future__ import annotations

from typing import Any

import orjson

from tmcconsole.sim.storage.status_errors import StatusCause


def required(field: str, why: str = "") -> StatusCause:
    """Return the cause for a missing required field."""
    return StatusCause("FieldValueRequired", f"Required value{': ' + why if why else ''}", field)


def wrong(field: str, value: Any, why: str) -> StatusCause:
    """Return the cause for a field with an invalid value."""
    shown = orjson.dumps(value).decode()
    return StatusCause("FieldValueInvalid", f"Invalid value: {shown}: {why}", field)


def forbidden_field(field: str, why: str) -> StatusCause:
    """Return the cause for a field that may not be set or changed."""
    return StatusCause("FieldValueForbidden", f"Forbidden: {why}", field)
