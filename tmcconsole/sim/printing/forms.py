"""The forms in which objects are served: plain JSON, metadata only, or a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.sim.admission.defaults import TEMPLATE_GENERATION
from tmcconsole.sim.printing import tables
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.status_errors import not_acceptable
from tmcconsole.sim.storage.store import Event, Stored

_META: Final = "meta.k8s.io/v1"
# Answers are JSON whatever else the client would accept: every client accepts it.
_JSON_TYPES: Final = {"application/json", "application/*", "*/*", ""}
_OTHER_TYPES: Final = {
    "application/yaml",
    "application/cbor",
    "application/cbor-seq",
    "application/vnd.kubernetes.protobuf",
}


@dataclass(frozen=True, slots=True)
class Form:
    """How to serve objects of a kind. ``name``: "" plain, or Table, or PartialObjectMetadata."""

    kind: SimKind
    name: str
    include: str  # of a table: Object, Metadata or None

    @property
    def is_plain(self) -> bool:
        """Whether objects are served as they are."""
        return not self.name

    def one(self, stored: Stored, now: float) -> bytes:
        """Return one object in this form. ``now`` is Unix seconds, for ages."""
        if self.name == "Table":
            return orjson.dumps(self._table([stored], _versions(stored), now))
        return orjson.dumps(_partial(stored.tree(self.kind)))

    def many(self, page: Sequence[Stored], meta: Json, now: float) -> bytes:
        """Return a list in this form."""
        if self.name == "Table":
            return orjson.dumps(self._table(page, meta, now))
        items = [_partial(stored.tree(self.kind)) for stored in page]
        head = {"kind": "PartialObjectMetadataList", "apiVersion": _META}
        return orjson.dumps(head | {"metadata": meta, "items": items or None})

    def line(self, event: Event, type_: str, now: float, *, with_columns: bool) -> bytes:
        """Return a watch line. The client remembers the columns from the first."""
        if self.is_plain:
            return event.line(self.kind, type_)
        if self.name == "Table" and not with_columns:
            table = self._table([event.new], _versions(event.new), now)
            body = orjson.dumps(table | {"columnDefinitions": []})
        else:
            body = self.one(event.new, now)
        return b'{"type":"%s","object":%s}\n' % (type_.encode(), body)

    def bookmark(self, meta: Json) -> Json:
        """Return the object of a bookmark."""
        if self.is_plain:
            head = {"kind": self.kind.kind, "apiVersion": self.kind.api_version}
            return head | {"metadata": meta | {"creationTimestamp": None}}
        if self.name == "Table":
            return {
                "kind": "Table",
                "apiVersion": _META,
                "metadata": {"resourceVersion": meta["resourceVersion"]},
                "columnDefinitions": None,
                "rows": [{"cells": None, "object": self._bookmark_row(meta)}],
            }
        return {"kind": "PartialObjectMetadata", "apiVersion": _META, "metadata": meta}

    def _bookmark_row(self, meta: Json) -> Json:
        kind = "PartialObjectMetadata"
        return {"kind": kind, "apiVersion": _META, "metadata": meta | {"creationTimestamp": None}}

    def _table(self, page: Sequence[Stored], meta: Json, now: float) -> Json:
        columns = tables.columns(self.kind)
        rows = [self._row(columns, stored, now) for stored in page]
        return {
            "kind": "Table",
            "apiVersion": _META,
            "metadata": meta,
            "columnDefinitions": [tables.definition(column) for column in columns],
            "rows": rows,
        }

    def _row(self, columns: tables.Columns, stored: Stored, now: float) -> Json:
        tree = stored.tree(self.kind)
        row: Json = {"cells": tables.cells(self.kind, columns, tree, now)}
        conditions = tables.row_conditions(self.kind, tree)
        if conditions:
            row["conditions"] = conditions
        if self.include == "Object":
            row["object"] = tree
        elif self.include != "None":
            row["object"] = _partial(tree)
        return row


def form_of(asked: RequestInfo) -> Form:
    """Return the form that a request accepts. Raises StatusError 406 where there is none."""
    include = asked.query.get("includeObject", "Metadata")
    for offer in (asked.accept or "application/json").split(","):
        media, _, rest = offer.strip().partition(";")
        parameters = dict(_pair(text) for text in rest.split(";") if text.strip())
        name = parameters.get("as", "").removesuffix("List")
        if media not in _JSON_TYPES and media not in _OTHER_TYPES:
            continue
        if name in ("Table", "PartialObjectMetadata") and parameters.get("v") == "v1":
            if media in _JSON_TYPES:
                return Form(asked.kind, name, include)
        elif not name:
            return Form(asked.kind, "", include)
    served = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    raise not_acceptable(f"only the following media types are accepted: {served}")


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.strip().partition("=")
    return key, value


def _partial(tree: Json) -> Json:
    head = {"kind": "PartialObjectMetadata", "apiVersion": _META}
    return head | {"metadata": _inner(tree["metadata"])}


def _inner(meta: Json) -> Json:
    """Return metadata without the annotation of DaemonSets that is a field internally."""
    if TEMPLATE_GENERATION not in (meta.get("annotations") or {}):
        return meta
    kept = {k: v for k, v in meta["annotations"].items() if k != TEMPLATE_GENERATION}
    rest = {key: value for key, value in meta.items() if key != "annotations"}
    return rest | ({"annotations": kept} if kept else {})


def _versions(stored: Stored) -> Json:
    return {"resourceVersion": str(stored.version)}
