"""Get and list."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Response
from tmcconsole.sim.printing.forms import form_of
from tmcconsole.sim.request.request_info import RequestInfo, version_number
from tmcconsole.sim.storage import paging
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.list_selectors import (
    FieldTest,
    LabelTest,
    field_selector,
    label_selector,
)
from tmcconsole.sim.storage.paging import ListPosition, Pages
from tmcconsole.sim.storage.status_errors import (
    JSON_HEADERS,
    StatusCause,
    expired,
    invalid,
    not_found,
    too_large_version,
)
from tmcconsole.sim.storage.store import Snapshot, Store, Stored

_MORE_FIELDS: Final[dict[str, frozenset[str]]] = {
    "pods": frozenset(
        {
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        }
    ),
    "events": frozenset(
        {
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        }
    ),
    "secrets": frozenset({"type"}),
    "namespaces": frozenset({"status.phase"}),
    "nodes": frozenset({"spec.unschedulable"}),
    "services": frozenset({"spec.clusterIP", "spec.type"}),
    "replicasets.apps": frozenset({"status.replicas"}),
    "jobs.batch": frozenset({"status.successful"}),
    "events.events.k8s.io": frozenset({"reason", "type", "regarding.name", "regarding.kind"}),
}


@dataclass(frozen=True, slots=True)
class ListSelection:
    """Which objects of a kind a request selects."""

    kind: SimKind
    namespace: str
    name: str
    by_labels: LabelTest | None
    by_fields: FieldTest | None

    @property
    def is_everything(self) -> bool:
        """Whether every object of the namespace is selected."""
        return not (self.name or self.by_labels or self.by_fields)

    def takes(self, stored: Stored) -> bool:
        """Return whether an object is selected."""
        if self.namespace and stored.key.namespace != self.namespace:
            return False
        if self.name and stored.key.name != self.name:
            return False
        if self.by_labels and not self.by_labels(stored.labels):
            return False
        return self.by_fields is None or self.by_fields(stored.tree())


def selection(asked: RequestInfo) -> ListSelection:
    """Return the objects that a list or watch selects. Raises StatusError 400 for bad selectors."""
    more = _MORE_FIELDS.get(asked.kind.id, frozenset() if asked.kind.is_custom else None)
    return ListSelection(
        kind=asked.kind,
        namespace=asked.namespace,
        name=asked.name,
        by_labels=label_selector(asked.query.get("labelSelector", "")),
        by_fields=field_selector(asked.query.get("fieldSelector", ""), more),
    )


def get(store: Store, asked: RequestInfo, now: float) -> Response:
    """Answer one object. Raises StatusError 404."""
    stored = store.find(asked.kind.id, asked.key)
    if stored is None:
        raise not_found(asked.kind, asked.name)
    form = form_of(asked)
    return _answer(stored.raw(asked.kind) if form.is_plain else form.one(stored, now))


def list_objects(
    source: Store | Snapshot, version: int, asked: RequestInfo, pages: Pages, now: float
) -> Response:
    """Answer a list, or a page of one, from ``source`` at ``version``.

    Raises StatusError 400 for bad parameters, 410 for an expired continue token and 504 for a
    resourceVersion not yet reached.
    """
    _check_version(asked, version)
    selected = selection(asked)
    go_on = asked.query.get("continue", "")
    start = paging.position(go_on) if go_on else None
    if start and start.version >= 0:
        source = _old_page(pages, start)
        version = start.version
    elif asked.query.get("resourceVersionMatch") == "Exact":
        source = _as_it_was(source, asked)
        version = source.version
    left = source.items(asked.kind.id, asked.namespace)
    if start:
        left = left[bisect_right(left, start.after, key=lambda s: s.key) :]
    page, rest = _page(left, selected, int(asked.query.get("limit") or 0))
    meta: Json = {"resourceVersion": str(version)}
    if asked.kind.is_custom and form_of(asked).is_plain:
        meta["continue"] = ""  # untyped lists always carry it
    if rest:
        pages.keep(source if isinstance(source, Snapshot) else source.snapshot())
        meta["continue"] = paging.token(ListPosition(version, page[-1].key))
        if not (selected.by_labels or selected.by_fields):
            meta["remainingItemCount"] = rest
    return _answer(_list_body(asked, page, meta, now))


def _page(
    left: Sequence[Stored], selected: ListSelection, limit: int
) -> tuple[Sequence[Stored], int]:
    """Return a page's objects, and how many come after the last one, selected or not."""
    if limit <= 0:
        limit = len(left)
    if selected.is_everything:
        return left[:limit], len(left) - len(left[:limit])
    page: list[Stored] = []
    for index, stored in enumerate(left):
        if selected.takes(stored):
            page.append(stored)
            if len(page) == limit:
                return page, len(left) - index - 1
    return page, 0


def _list_body(asked: RequestInfo, page: Sequence[Stored], meta: Json, now: float) -> bytes:
    form = form_of(asked)
    if not form.is_plain:
        return form.many(page, meta, now)
    kind = asked.kind
    # Items of built-in lists come without kind and apiVersion, as typed servers encode them.
    items = b",".join(s.raw(kind) if kind.is_custom else s.body for s in page)
    head = f'{{"kind":"{kind.list_kind}","apiVersion":"{kind.api_version}","metadata":'
    return head.encode() + orjson.dumps(meta) + b',"items":[' + items + b"]}"


def _check_version(asked: RequestInfo, current: int) -> None:
    text = asked.query.get("resourceVersion", "")
    match = asked.query.get("resourceVersionMatch", "")
    causes = [*_wrong_stream(asked), *_wrong_match(text, match)]
    if asked.query.get("continue") and text not in ("", "0"):
        causes.append(_forbidden("resourceVersion is forbidden with continue"))
    if causes:
        raise invalid("ListOptions", "meta.k8s.io", "", causes)
    wanted = version_number(text)
    if wanted > current:
        raise too_large_version(wanted, current)


def _as_it_was(source: Store | Snapshot, asked: RequestInfo) -> Snapshot:
    """Return the kind's objects at exactly the version asked for. Raises StatusError 410."""
    wanted = version_number(asked.query["resourceVersion"])
    found = source.at(asked.kind.id, wanted)
    if found is None:
        raise expired(f"The resourceVersion for the provided list is too old: {wanted}")
    return found


def _wrong_stream(asked: RequestInfo) -> Iterator[StatusCause]:
    if "sendInitialEvents" in asked.query:
        yield _forbidden("sendInitialEvents is forbidden for list", "sendInitialEvents")


def _wrong_match(text: str, match: str) -> Iterator[StatusCause]:
    if match and not text:
        yield _forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided")
    elif match and match not in ("Exact", "NotOlderThan"):
        supported = 'supported values: "Exact", "NotOlderThan", ""'
        text = f'Unsupported value: "{match}": {supported}'
        yield StatusCause("FieldValueNotSupported", text, "resourceVersionMatch")
    elif match == "Exact" and text == "0":
        yield _forbidden('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')


def _forbidden(why: str, field: str = "resourceVersionMatch") -> StatusCause:
    return StatusCause("FieldValueForbidden", f"Forbidden: {why}", field)


def _old_page(pages: Pages, start: ListPosition) -> Snapshot:
    snapshot = pages.snapshots.get(start.version)
    if snapshot is not None:
        return snapshot
    raise expired(
        "The provided continue parameter is too old to display a consistent list result. You can"
        " start a new list without the continue parameter, or use the continue token in this"
        " response to retrieve the remainder of the results. Continuing with the provided token"
        " results in an inconsistent list - objects that were created, modified, or deleted"
        " between the time the first chunk was returned and now may show up in the list.",
        {"continue": paging.token(ListPosition(-1, start.after))},
    )


def _answer(body: bytes) -> Response:
    return Response(200, dict(JSON_HEADERS), body)
