"""Events, as people read them with kubectl describe. Only the newest are kept."""

from __future__ import annotations

from collections import deque
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.storage.status_errors import StatusError
from tmcconsole.sim.storage.store import StoreKey

KEPT: Final = 1000  # events per cluster; a real one drops them after an hour


class Recorder:
    """Writes Events about objects and owns those it wrote."""

    def __init__(self, local: Local, component: str) -> None:
        self._local = local
        self._component = component
        self._written: deque[StoreKey] = deque()

    def tell(self, about: Json, reason: str, message: str, *, warning: bool = False) -> None:
        """Write one Event, unless its namespace is terminating: nobody would read it."""
        meta = about["metadata"]
        namespace = meta.get("namespace") or "default"
        server = self._local.server
        name = f"{meta['name']}.{server.rng.getrandbits(64):016x}"
        stamp = server.stamp()
        event = {
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "kind": about["kind"],
                "apiVersion": about["apiVersion"],
                "namespace": namespace,
                "name": meta["name"],
                "uid": meta["uid"],
                "resourceVersion": meta.get("resourceVersion", ""),
            },
            "reason": reason,
            "message": message,
            "type": "Warning" if warning else "Normal",
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": "",
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "eventTime": None,
            "count": 1,
        }
        try:
            self._local.create("events", event)
        except StatusError as failure:
            if failure.code not in (403, 404):
                raise
            return
        self._written.append(StoreKey(namespace, name))
        if len(self._written) > KEPT:
            self._forget(self._written.popleft())

    def _forget(self, key: StoreKey) -> None:
        found = self._local.server.store.find("events", key)
        if found is not None:
            self._local.delete("events", key, found.uid)
