"""Checks of a request against its path, the stored object, and the rules of its kind."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.sim.admission.metadata_rules import metadata_problems
from tmcconsole.sim.admission.validation import problems
from tmcconsole.sim.admission.warnings import of_change
from tmcconsole.sim.fields.fieldsets import doubled
from tmcconsole.sim.request.bodies import MAX_OBJECT, named_twice
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.rules.causes import barred, wrong_value
from tmcconsole.sim.rules.status_changes import status_problems
from tmcconsole.sim.schema.declared import mistyped, unknown
from tmcconsole.sim.schema.structural import violations
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import (
    StatusCause,
    StatusError,
    bad_request,
    conflict,
    invalid,
    untyped,
)
from tmcconsole.sim.storage.store import Stored


def check_type(asked: RequestInfo, tree: Json, *, apply: bool = False) -> None:
    """Check that the body's apiVersion and kind match the path or are absent."""
    kind, version, name = asked.kind, tree.get("apiVersion"), tree.get("kind")
    if apply and not (version and name):
        raise bad_request("Object 'Kind' is missing" if not name else "apiVersion must be set")
    if kind.is_custom and not (version and name):
        raise bad_request("Object 'Kind' is missing" if not name else "apiVersion is missing")
    wrong_version = bool(version) and version != kind.api_version
    if wrong_version or (name and name != kind.kind):
        raise _other_type(kind, tree, str(version or kind.api_version), str(name or kind.kind))
    tree["apiVersion"], tree["kind"] = kind.api_version, kind.kind


def _other_type(kind: SimKind, tree: Json, version: str, name: str) -> StatusError:
    if not kind.is_custom:
        short = version.rpartition("/")[2]
        return bad_request(
            f'{name} in version "{short}" cannot be handled as a {kind.kind}: no kind "{name}" is'
            f' registered for version "{version}" in scheme "pkg/runtime/scheme.go:111"'
        )
    if version != kind.api_version:
        return bad_request(
            f"the API version in the data ({version}) does not match the expected API version"
            f" ({kind.api_version})"
        )
    cause = wrong_value("kind", name, f"must be {kind.kind}")
    return invalid(name, kind.group, tree["metadata"].get("name") or "", [cause])


def place(server: Server, asked: RequestInfo, tree: Json) -> None:
    """Set the namespace and name of a new object, in place. Raises StatusError 400."""
    meta = tree["metadata"]
    if asked.kind.namespaced:
        if meta.get("namespace") not in (None, "", asked.namespace):
            raise _other_namespace()
        meta["namespace"] = asked.namespace
    else:
        meta.pop("namespace", None)
    if asked.name:
        _check_name(asked, meta)
        meta["name"] = asked.name
    elif not meta.get("name") and meta.get("generateName"):
        meta["name"] = meta["generateName"][:58] + server.name_suffix()


def check_place(asked: RequestInfo, new: Json) -> None:
    """Check that a change is to the object in the path. Raises StatusError 400."""
    meta = new["metadata"]
    _check_name(asked, meta)
    if asked.kind.namespaced and meta.get("namespace") not in (None, "", asked.namespace):
        raise _other_namespace()
    meta["name"] = asked.name
    if asked.kind.namespaced:
        meta["namespace"] = asked.namespace


def check_version(asked: RequestInfo, stored: Stored, meta: Json) -> None:
    """Check the resourceVersion of a change, if it names one. Raises StatusError 409."""
    version = meta.get("resourceVersion")
    if version and version != str(stored.version):
        raise conflict(asked.kind, asked.name)


def _check_name(asked: RequestInfo, meta: Json) -> None:
    name = meta.get("name")
    if name and name != asked.name:
        raise bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({asked.name})"
        )


def _other_namespace() -> StatusError:
    return bad_request(
        "the namespace of the provided object does not match the namespace sent on the request"
    )


def check_declared(asked: RequestInfo, tree: Json) -> None:
    """Raise StatusError 500 for unknown fields in an apply, as the typed merge refuses them."""
    lines = [f".{name}: field not declared in schema" for name in unknown(asked.kind, tree)]
    lines += _wrong_types(asked.kind, tree) or doubled(tree, asked.kind.shape)
    if lines:
        text = lines[0] if len(lines) == 1 else "errors:\n" + "\n".join(f"  {x}" for x in lines)
        meta, kind = tree["metadata"], asked.kind
        place = f"{meta.get('namespace') or ''}/{meta.get('name') or ''}"
        what = f"({place}; {kind.api_version}, Kind={kind.kind})"
        raise untyped(f"failed to create typed patch object {what}: {text}")


def check_strict(asked: RequestInfo, tree: Json) -> None:
    """Warn about unknown or duplicate fields. Raises StatusError 400 for them if a client asks for
    strict validation, and for mistyped fields in any case; for a patch, 422.
    """
    wrong_field = mistyped(asked.kind, tree)
    if wrong_field:
        raise _undecodable(asked, wrong_field.why)
    validation = asked.query.get("fieldValidation") or "Warn"
    if validation == "Ignore":
        return
    strange = [f'duplicate field "{name}"' for name in named_twice(asked)]
    strange += [f'unknown field "{name}"' for name in unknown(asked.kind, tree)]
    if strange and validation == "Strict":
        raise _undecodable(asked, f"strict decoding error: {', '.join(strange)}")
    asked.warnings.extend(strange)


def _undecodable(asked: RequestInfo, why: str) -> StatusError:
    """If the result of a patch cannot be decoded, the invalid field is the patch itself."""
    kind = asked.kind
    if asked.verb == "patch":
        return invalid("", "", "", [wrong_value("patch", "", why)])
    what = kind.kind
    return bad_request(f'{what} in version "{kind.version}" cannot be handled as a {what}: {why}')


def _wrong_types(kind: SimKind, tree: Json) -> list[str]:
    wrong_field = mistyped(kind, tree)
    if wrong_field or not kind.is_custom:
        return [f".{wrong_field.path}: {wrong_field.why}"] if wrong_field else []
    causes = violations(tree, kind.schema or {})
    return [f".{c.field}: {c.message}" for c in causes if c.reason == "FieldValueTypeInvalid"]


def validate(
    kind: SimKind, asked: RequestInfo, new: Json, old: Json | None, *, uid: str = ""
) -> None:
    """Raise StatusError 413 or 422 if an object, or its change from ``old``, breaks a rule.

    ``uid`` is the one the writer named; it must match the stored one.
    """
    causes: list[StatusCause] = []
    if old is not None and old["metadata"].get("deletionTimestamp"):
        causes += _new_finalizers(new, old)
    if uid and uid != new["metadata"]["uid"]:
        # Twice: the server checks it once for all kinds and again for each kind.
        causes += [wrong_value("metadata.uid", uid, "field is immutable")] * 2
    if kind.is_custom and kind.schema:
        causes += _violations(kind.schema, asked, new)
    is_status = asked.subresource == "status"
    causes += metadata_problems(kind, new) if is_status else problems(kind, new, old)
    if is_status and old is not None:
        causes += status_problems(kind.id, new, old)
    if causes:
        raise invalid(kind.kind, kind.group, new["metadata"].get("name") or "", causes)
    if len(orjson.dumps(new)) > MAX_OBJECT:
        raise StatusError(413, "RequestEntityTooLarge", "etcdserver: request is too large")
    if asked.subresource != "status":
        asked.warnings.extend(of_change(kind, new, old))


def _violations(schema: Json, asked: RequestInfo, new: Json) -> Iterator[StatusCause]:
    """A write to the status is validated against the status schema only."""
    if asked.subresource != "status":
        yield from violations(new, schema)
        return
    status = (schema.get("properties") or {}).get("status") or {}
    for cause in violations(new.get("status") or {}, status):
        yield cause._replace(field=f"status.{cause.field}" if cause.field else "status")


def _new_finalizers(new: Json, old: Json) -> Iterator[StatusCause]:
    before = old["metadata"].get("finalizers") or ()
    added = [f for f in new["metadata"].get("finalizers") or () if f not in before]
    if added:
        shown = ", ".join(f'"{name}"' for name in added)
        text = (
            "no new finalizers can be added if the object is being deleted, found new finalizers"
            f" []string{{{shown}}}"
        )
        yield barred("metadata.finalizers", text)
