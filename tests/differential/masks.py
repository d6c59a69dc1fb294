"""What two servers cannot agree on, replaced by what they must agree on.

A UID or resourceVersion becomes the number of its first appearance, so that answers must repeat it,
or have a new one, on both servers alike.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

Json = dict[str, Any]

_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_GENERATED = re.compile(r"\b([Gg]en-)[bcdfghjklmnpqrstvwxz2456789]{5}\b")
_VERSION = re.compile(r"(in the precondition|in record) \(\d+\)")
_ALLOCATED = ("clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort")
_GO_VALUE = re.compile(r"Invalid value: ([{\[].*?[}\]]|\d+): (?=[a-z])")
_GO_DIFF = re.compile(r"\n@@ .*", re.DOTALL)
_ADDRESS = re.compile(r'"10\.96\.\d+\.\d+"')
_STORAGE_KEY = re.compile(r"Key: \S+,")
_PRIVATE_CELLS = ("Age", "Created At", "Last Schedule", "Cluster-IP")
# Where people read the message, and nobody the details: it quotes parsers and source files.
_FREE_TEXT = ("BadRequest", "UnsupportedMediaType", "NotAcceptable", "")


class Mask:
    """Masks the answers of one server in one trace. Remembers the order of first appearance."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._versions: dict[str, str] = {}
        self._uids: dict[str, str] = {}
        self._private: list[int] = []  # of the last table that said what its columns are

    def answer(self, body: Any) -> Any:
        """Return an answer or watch event masked."""
        if isinstance(body, dict) and body.get("kind") == "Table":
            body = self._without_ages(body)
        if isinstance(body, dict) and "type" in body and "object" in body:
            return {"type": body["type"], "object": self._watched(body)}
        if isinstance(body, dict) and body.get("kind") == "Status":
            body = _without_free_text(body)
        return self._value(body)

    def _without_ages(self, table: Json) -> Json:
        columns = [{**c, "description": "TEXT"} for c in table.get("columnDefinitions") or ()]
        if columns:
            names = [column["name"] for column in columns]
            self._private = [i for i, name in enumerate(names) if name in _PRIVATE_CELLS]
        rows = []
        for row in table.get("rows") or ():
            cells = ["AGE" if i in self._private else c for i, c in enumerate(row["cells"] or ())]
            rows.append({**row, "cells": cells})
        return {**table, "columnDefinitions": columns, "rows": rows}

    def _watched(self, event: Json) -> Any:
        masked = self.answer(event["object"])
        if event["type"] == "BOOKMARK":  # at a version of the whole server's
            meta = {**masked["metadata"], "resourceVersion": "LIST"}
            return {**masked, "metadata": meta}
        return masked

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            if "items" in value or "rows" in value:  # a list's version is the whole server's
                meta = value.get("metadata") or {}
                value = {**value, "metadata": {k: _hide(k, v) for k, v in meta.items()}}
            return {self._text(key): self._entry(key, child) for key, child in value.items()}
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _entry(self, key: str, value: Any) -> Any:
        if key == "resourceVersion" and isinstance(value, str) and value.isdigit():
            return self._versions.setdefault(value, f"RV{len(self._versions)}")
        if key in _ALLOCATED and value not in ("None", ["None"], ""):
            return key.upper()
        if key in ("managedFields", "causes") and isinstance(value, list):
            entries = [self._value(entry) for entry in value]
            return (
                _distinct(entries)
                if key == "causes"
                else sorted(entries, key=lambda e: orjson.dumps(e, option=orjson.OPT_SORT_KEYS))
            )
        return self._value(value)

    def _text(self, text: str) -> str:
        text = _TIME.sub("TIME", text.replace(self._namespace, "NS"))
        text = _UID.sub(lambda m: self._uids.setdefault(m[0], f"UID{len(self._uids)}"), text)
        text = _GENERATED.sub(r"\1SUFFIX", text)
        text = _GO_DIFF.sub("", _ADDRESS.sub("ADDRESS", text))
        text = _STORAGE_KEY.sub("Key: KEY,", text)
        text = _GO_VALUE.sub("Invalid value: VALUE: ", text)
        return _VERSION.sub(r"(\1 RV)", text)


def _distinct(causes: list[Any]) -> list[Any]:
    """Some rules are checked twice, by the server for all kinds and again for one."""
    texts = {orjson.dumps(cause, option=orjson.OPT_SORT_KEYS) for cause in causes}
    return [orjson.loads(text) for text in sorted(texts)]


def _hide(key: str, value: Any) -> Any:
    if key == "resourceVersion":
        return "LIST"
    return "TOKEN" if key == "continue" and value else value


def _without_free_text(status: Json) -> Json:
    causes = (status.get("details") or {}).get("causes") or ()
    if any(cause.get("field") == "patch" for cause in causes):  # it quotes the whole object
        details = {"causes": [{**cause, "message": "TEXT"} for cause in causes]}
        return {**status, "message": "TEXT", "details": status["details"] | details}
    if (
        len({(cause.get("message"), cause.get("field")) for cause in causes}) > 1
        and status.get("reason") == "Invalid"
    ):  # in the order of the checks
        return {**status, "message": "TEXT"}
    if status.get("status") == "Failure" and status.get("reason", "") in _FREE_TEXT:
        return {**status, "message": "TEXT"}
    return status
