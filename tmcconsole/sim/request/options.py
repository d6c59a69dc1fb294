"""Validation of a write's query options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tmcconsole.sim.storage.status_errors import StatusCause, bad_request, invalid

_OPTIONS: Final = {
    "create": "CreateOptions",
    "update": "UpdateOptions",
    "patch": "PatchOptions",
}
_VALIDATIONS: Final = ("", "Ignore", "Strict", "Warn")
_LONGEST_MANAGER: Final = 128  # bytes
_NUMBERS: Final = ("limit", "timeoutSeconds", "gracePeriodSeconds")
_APPLIES: Final = "application/apply-patch"


def check_options(verb: str, content_type: str, query: Mapping[str, str]) -> None:
    """Raise StatusError 400 or 422 for invalid options."""
    for name in _NUMBERS:
        check_number(name, query.get(name, ""))
    kind = _OPTIONS.get(verb)
    if kind is None:
        return
    causes = [*_of_write(query), *(_of_patch(content_type, query) if verb == "patch" else ())]
    if causes:
        raise invalid(kind, "meta.k8s.io", "", causes)


def check_number(name: str, text: str) -> None:
    """Raise StatusError 400 if a parameter is given and not a number."""
    if text and not text.removeprefix("-").isdigit():
        raise bad_request(f'{name}: strconv.ParseInt: parsing "{text}": invalid syntax')


def unsupported_dry_run(values: str) -> StatusCause:
    """Return the cause of refusing a dryRun other than All. ``values`` is a JSON list."""
    text = f'Unsupported value: {values}: supported values: "All"'
    return StatusCause("FieldValueNotSupported", text, "dryRun")


def _of_write(query: Mapping[str, str]) -> Iterator[StatusCause]:
    dry_run = query.get("dryRun")
    if dry_run is not None and dry_run != "All":
        yield unsupported_dry_run(f'["{dry_run}"]')
    if len(query.get("fieldManager", "").encode()) > _LONGEST_MANAGER:
        text = f"Too long: may not be more than {_LONGEST_MANAGER} bytes"
        yield StatusCause("FieldValueTooLong", text, "fieldManager")
    validation = query.get("fieldValidation", "")
    if validation not in _VALIDATIONS:
        supported = ", ".join(f'"{value}"' for value in _VALIDATIONS)
        text = f'Unsupported value: "{validation}": supported values: {supported}'
        yield StatusCause("FieldValueNotSupported", text, "fieldValidation")


def _of_patch(content_type: str, query: Mapping[str, str]) -> Iterator[StatusCause]:
    if content_type.startswith(_APPLIES):
        if not query.get("fieldManager"):
            text = "Required value: is required for apply patch"
            yield StatusCause("FieldValueRequired", text, "fieldManager")
    elif "force" in query:
        text = "Forbidden: may not be specified for non-apply patch"
        yield StatusCause("FieldValueForbidden", text, "force")
