"""Removes, before the next test, what engines left on the planes that all tests share.

An engine serves whatever is in its hub. A Placement or SyncTarget left there would make the engines
of all later tests write for it.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from tests.envtest.planes import Plane
from tmcconsole.placement.api import LOCATIONS, PLACEMENTS, SYNC_TARGETS
from tmcconsole.sync.names.markers import CLUSTER, DELETION, LEASE, LOCATOR, PLACED, STATE

LEASES = f"/apis/coordination.k8s.io/v1/namespaces/kube-system/leases?labelSelector={LEASE}"
ALL_KINDS = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
MERGE = "application/merge-patch+json"
MARKS = (STATE, CLUSTER, DELETION, LOCATOR, PLACED)  # on namespaces, of hubs and of clusters

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Broom:
    """One plane, as its administrator."""

    plane: Plane
    connection: http.client.HTTPSConnection

    def send(self, method: str, path: str, body: Tree | None = None, accept: str = "") -> Tree:
        """Return the answer's document, or {} if nothing has that name."""
        headers = {
            "Authorization": f"Bearer {self.plane.token}",
            "Accept": accept or "application/json",
        }
        content = None
        if body is not None:
            content, headers["Content-Type"] = json.dumps(body), MERGE
        self.connection.request(method, path, content, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status in (200, 201, 202, 404, 405, 409), (self.plane.name, path, text)
        return dict(json.loads(text)) if answer.status == 200 else {}

    def marked(self) -> list[str]:
        """Return the namespaces that an engine has marked and that nobody has deleted."""
        found = [one["metadata"] for one in self.send("GET", "/api/v1/namespaces")["items"]]
        return [one["name"] for one in found if _is_marked(one) and "deletionTimestamp" not in one]

    def collections(self) -> Iterator[str]:
        """Yield the path of every deletable kind in a namespace, with {} in place of its name."""
        for start in ("/api", "/apis"):
            for group in self.send("GET", start, accept=ALL_KINDS).get("items") or ():
                name = group["metadata"].get("name", "")
                version = group["versions"][0]
                base = f"/apis/{name}/{version['version']}" if name else "/api/v1"
                for kind in version["resources"]:
                    is_kept = {"list", "deletecollection"} - set(kind["verbs"])
                    if kind["scope"] == "Namespaced" and not is_kept:
                        yield f"{base}/namespaces/{{}}/{kind['resource']}"

    def empty(self, collection: str) -> None:
        """Delete all objects of a kind, whatever finalizers they have."""
        found = self.send("GET", collection).get("items") or ()
        for one in found:
            if one["metadata"].get("finalizers"):
                free = {"metadata": {"finalizers": None}}
                self.send("PATCH", f"{collection}/{one['metadata']['name']}", free)
        if found:
            self.send("DELETE", collection)


def take_away(planes: Sequence[Plane]) -> None:
    """Remove everything that an engine would serve; the first plane is the hub."""
    for plane in planes:
        host, _, port = plane.url.rpartition("//")[2].partition(":")
        connection = http.client.HTTPSConnection(
            host, int(port), timeout=30, context=plane.ssl_context()
        )
        with closing(connection):
            broom = Broom(plane, connection)
            if plane is planes[0]:
                _unplace(broom)
            _remove(broom, broom.marked())


def _unplace(broom: Broom) -> None:
    for kind in (PLACEMENTS, LOCATIONS, SYNC_TARGETS):
        broom.send("DELETE", f"{kind.base_path}/{kind.resource}")
    broom.send("DELETE", LEASES)


def _remove(broom: Broom, namespaces: list[str]) -> None:
    """Empty and delete namespaces. They go some seconds later; until then nobody writes to them."""
    for name in namespaces:
        broom.send("DELETE", f"/api/v1/namespaces/{name}")
    for collection in list(broom.collections()) if namespaces else ():
        for name in namespaces:
            broom.empty(collection.format(name))


def _is_marked(meta: Tree) -> bool:
    marks = (*(meta.get("labels") or ()), *(meta.get("annotations") or ()))
    return any(mark.startswith(MARKS) for mark in marks)
