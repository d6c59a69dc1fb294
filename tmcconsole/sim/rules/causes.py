"""Short constructors for causes of a refusal: required, invalid or forbidden."""

from __future__ import annotations

from typing import Any

import orjson

from tmcconsole.sim.storage.status_errors import StatusCause


def needed(path: str, why: str = "") -> StatusCause:
    """Return the cause for a missing field."""
    return StatusCause("FieldValueRequired", f"Required value{': ' + why if why else ''}", path)


def wrong(path: str, why: str) -> StatusCause:
    """Return the cause for an invalid value."""
    return StatusCause("FieldValueInvalid", f'Invalid value: "": {why}', path)


def wrong_value(path: str, value: Any, why: str) -> StatusCause:
    """Return the cause for a field with an invalid value, which is shown."""
    return StatusCause(
        "FieldValueInvalid", f"Invalid value: {orjson.dumps(value).decode()}: {why}", path
    )


def barred(path: str, why: str) -> StatusCause:
    """Return the cause for a field that must not be set."""
    return StatusCause("FieldValueForbidden", f"Forbidden: {why}", path)
