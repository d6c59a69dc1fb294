"""Waiting for a simulated cluster with running controllers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio

from tmcconsole.sim.faces.cluster import SimCluster


async def until(cluster: SimCluster, holds: Callable[[], Any]) -> None:
    """Wait, commit by commit, until a condition holds."""
    changed = anyio.Event()
    cluster.store.on_commit(lambda _: changed.set())
    with anyio.fail_after(60):
        while not holds():
            changed = anyio.Event()
            await changed.wait()


def ready(cluster: SimCluster, replicas: int) -> Callable[[], bool]:
    def holds() -> bool:
        web = cluster.store.get("deployments.apps", "default", "web") or {}
        return bool(web.get("status", {}).get("readyReplicas") == replicas)

    return holds


def pods(cluster: SimCluster) -> list[dict[str, Any]]:
    return cluster.store.trees("pods", "default")
