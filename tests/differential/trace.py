"""Steps, and the traces made of them, that are played on both servers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

Json = dict[str, Any]

JSON: Final = "application/json"
APPLY: Final = "application/apply-patch+yaml"
MERGE: Final = "application/merge-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
TABLE: Final = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PARTIAL: Final = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIAL_LIST: Final = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"

END: Final = "zz-end"  # the object whose appearance ends the watches of a trace


@dataclass(frozen=True, slots=True)
class Step:
    """One request.

    ``{ns}`` is the trace's own namespace, anywhere. In a body or a query ``<uid>``, ``<rv>`` and
    ``<old rv>`` stand for what the server said of the object at the path, ``<list rv>`` and
    ``<continue>`` for what it said of the last list. A body of bytes is sent as it is.
    """

    method: str
    path: str
    body: Any = None
    content_type: str = JSON
    query: dict[str, str] = field(default_factory=dict)
    accept: str = JSON
    until: str = ""  # repeated until the answer's text contains this: the server's work may lag


@dataclass(frozen=True, slots=True)
class Watched:
    """A watch. ``<start>`` in its query stands for the version before the first step."""

    path: str
    query: dict[str, str] = field(default_factory=lambda: {"resourceVersion": "<start>"})
    accept: str = JSON


@dataclass(frozen=True, slots=True)
class Trace:
    """Steps, and watches whose events must agree as well.

    The watches are opened after the steps, of which the last creates an object named ``END`` that
    every watch sees.
    """

    name: str
    steps: tuple[Step, ...]
    watches: tuple[Watched, ...] = ()

    def __str__(self) -> str:
        return self.name
