"""Acts as the kubelets of a cluster without nodes: every pod runs and is ready immediately."""

from __future__ import annotations

import datetime

import orjson

from tests.envtest.api import Api
from tests.envtest.bodies import Tree

PODS = "/api/v1/pods"


async def run_pods(api: Api) -> None:
    """Make every pod ready until cancelled. Pods already there are run too."""
    listed = await api.get(PODS)
    for pod in listed.body["items"]:
        await _run(api, pod)
    async with api.session.get(
        f"{PODS}?watch=true&resourceVersion={listed.version}", timeout=None
    ) as answer:
        async for line in answer.content:
            event = orjson.loads(line)
            if event["type"] == "ADDED":
                await _run(api, event["object"])


async def _run(api: Api, pod: Tree) -> None:
    if pod["status"].get("phase") == "Running":
        return
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": now}
        for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    status = {"phase": "Running", "startTime": now, "conditions": conditions}
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
    answer = await api.merge(path, {"status": status})
    assert answer.code in (200, 404), answer  # a pod may be gone before it runs
