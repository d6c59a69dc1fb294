"""Answers altered by faults: objects are shown malformed, or as another cluster's.

Which object is malformed, and how, follows from its name alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from zlib import crc32

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Response
from tmcconsole.sim.request.request_info import RequestInfo
from tmcconsole.sim.storage.fault_injection import Faults

_IDENTITY: Final = "kube-system"  # the namespace whose UID tells clusters apart
_OTHER_UID: Final = "00000000-0000-4000-8000-000000000000"
# What no JSON library would write: replaces a placeholder string after serialisation.
_DEEP: Final = b"[" * 2000 + b"]" * 2000
_HUGE: Final = b"9" * 5000
_RAW: Final = {b'"@deep@"': _DEEP, b'"@huge@"': _HUGE}


def alter_answer(faults: Faults, asked: RequestInfo, answer: Response) -> Response:
    """Return an object or a list, altered as the active faults demand."""
    if answer.status != 200 or not _is_altering(faults, asked):
        return answer
    body = orjson.loads(answer.body)
    if asked.verb == "list":
        body["items"] = [_altered(faults, asked, item) for item in body["items"] or ()]
    else:
        body = _altered(faults, asked, body)
    return replace(answer, body=_written(body))


def alter_line(faults: Faults, asked: RequestInfo, line: bytes) -> bytes:
    """Return a watch line, altered as the active faults demand."""
    if not _is_altering(faults, asked):
        return line
    event = orjson.loads(line)
    event["object"] = _altered(faults, asked, event["object"])
    return _written(event) + b"\n"


def _is_altering(faults: Faults, asked: RequestInfo) -> bool:
    is_plain = "as=" not in asked.accept
    return is_plain and (faults.another_cluster or _malforms(faults, asked))


def _malforms(faults: Faults, asked: RequestInfo) -> bool:
    return faults.malformed_share > 0 and faults.malformed_resource in ("", asked.kind.id)


def _altered(faults: Faults, asked: RequestInfo, tree: Json) -> Json:
    name = tree["metadata"]["name"]
    if faults.another_cluster and asked.kind.id == "namespaces" and name == _IDENTITY:
        return {**tree, "metadata": {**tree["metadata"], "uid": _OTHER_UID}}
    if _malforms(faults, asked) and crc32(name.encode()) % 100 < faults.malformed_share * 100:
        spoil = _WAYS[crc32(name[::-1].encode()) % len(_WAYS)]
        return spoil(tree)
    return tree


def _without_metadata(tree: Json) -> Json:
    return {key: value for key, value in tree.items() if key != "metadata"}


def _with_metadata(**changes: Any) -> Callable[[Json], Json]:
    return lambda tree: {**tree, "metadata": {**tree["metadata"], **changes}}


def _with_text_for_structs(tree: Json) -> Json:
    return tree | {key: "text" for key in ("spec", "status", "data") if key in tree}


_WAYS: Final[tuple[Callable[[Json], Json], ...]] = (
    _without_metadata,
    lambda tree: {**tree, "metadata": None},
    _with_metadata(name=7),
    _with_metadata(name=""),
    _with_metadata(uid=None, resourceVersion=None),
    _with_metadata(labels=["a"], annotations="b"),
    _with_metadata(generation="@huge@"),
    _with_text_for_structs,
    lambda tree: {**tree, "deep": "@deep@"},
)


def _written(body: Any) -> bytes:
    text = orjson.dumps(body)
    for mark, raw in _RAW.items():
        text = text.replace(mark, raw)
    return text
