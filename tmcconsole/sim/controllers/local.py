"""A controller's own client: synchronous, inside the cluster, unaffected by faults."""

from __future__ import annotations

import orjson

from tmcconsole.kube.objects import Json
from tmcconsole.runtime import Request, Response
from tmcconsole.sim.handlers.router import handle
from tmcconsole.sim.request.bodies import MERGE_PATCH
from tmcconsole.sim.request.request_info import User
from tmcconsole.sim.storage.kinds import SimKind
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.status_errors import StatusError
from tmcconsole.sim.storage.store import StoreKey


class Local:
    """Requests of one component. Raises Failure if the API server refuses."""

    def __init__(self, server: Server, component: str) -> None:
        self.server = server.sheltered()
        self._user = User(f"system:{component}", ("system:masters",))
        self._agent = f"{component}/v1.36.0"

    def get(self, kind_id: str, key: StoreKey) -> Json | None:
        """Return an object, or None."""
        return self.server.store.get(kind_id, key.namespace, key.name)

    def items(self, kind_id: str, namespace: str = "") -> list[Json]:
        """Return the objects of a kind, ordered by key."""
        return self.server.store.trees(kind_id, namespace)

    def create(self, kind_id: str, tree: Json) -> Json:
        """Create an object and return it."""
        namespace = tree["metadata"].get("namespace") or ""
        return self._send("POST", self._path(kind_id, StoreKey(namespace, "")), tree)

    def patch(self, kind_id: str, key: StoreKey, patch: Json, subresource: str = "") -> Json:
        """Apply a merge patch to an object."""
        path = self._path(kind_id, key) + (f"/{subresource}" if subresource else "")
        return self._send("PATCH", path, patch, MERGE_PATCH)

    def set_status(self, kind_id: str, tree: Json, status: Json) -> None:
        """Replace an object's status if it differs."""
        if (tree.get("status") or {}) == status:
            return
        key = StoreKey(tree["metadata"].get("namespace") or "", tree["metadata"]["name"])
        self._send("PUT", f"{self._path(kind_id, key)}/status", {**tree, "status": status})

    def finalize(self, namespace: str, tree: Json) -> None:
        """Finalize an empty namespace, so that it can be removed."""
        spec = {
            key: value for key, value in (tree.get("spec") or {}).items() if key != "finalizers"
        }
        self._send("PUT", f"/api/v1/namespaces/{namespace}/finalize", {**tree, "spec": spec})

    def delete(
        self,
        kind_id: str,
        key: StoreKey,
        uid: str,
        *,
        grace_s: int | None = None,
        policy: str = "Background",
    ) -> None:
        """Delete an object by uid; it is no failure if it is already gone."""
        options: Json = {"preconditions": {"uid": uid}, "propagationPolicy": policy}
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        try:
            self._send("DELETE", self._path(kind_id, key), options)
        except StatusError as failure:
            if failure.code not in (404, 409):
                raise

    def _path(self, kind_id: str, key: StoreKey) -> str:
        kind = self._kind(kind_id)
        base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        scope = f"/namespaces/{key.namespace}" if kind.namespaced else ""
        return f"{base}{scope}/{kind.resource}" + (f"/{key.name}" if key.name else "")

    def _kind(self, kind_id: str) -> SimKind:
        kind = self.server.kinds.by_id(kind_id)
        if kind is None:
            raise StatusError(404, "NotFound", f"{kind_id} is not served")
        return kind

    def _send(
        self, method: str, path: str, body: Json, content_type: str = "application/json"
    ) -> Json:
        request = Request(
            method,
            path,
            body=orjson.dumps(body),
            content_type=content_type,
            headers=(("user-agent", self._agent),),
        )
        answer = handle(self.server, request, self._user)
        assert isinstance(answer, Response)  # only a GET can open a watch
        document: Json = orjson.loads(answer.body)
        if answer.status >= 400:
            reason, message = document.get("reason", ""), document.get("message", "")
            raise StatusError(answer.status, reason, message, document.get("details"))
        return document
