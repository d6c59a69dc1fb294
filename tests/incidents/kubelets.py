"""Acts as kubelets of a real cluster without nodes: pods run, or crash if the image says so."""

from __future__ import annotations

import datetime

import orjson

from tests.envtest.api import Api
from tests.envtest.bodies import Tree

PODS = "/api/v1/pods"
CRASHING = "crash"  # as in images of simulated clusters
RESTARTS = 14


async def play_kubelets(api: Api) -> None:
    """Give every new pod a status until cancelled; pods already there keep theirs."""
    listed = await api.get(PODS)
    async with api.session.get(
        f"{PODS}?watch=true&resourceVersion={listed.version}", timeout=None
    ) as answer:
        async for line in answer.content:
            event = orjson.loads(line)
            if event["type"] == "ADDED":
                await _give_status(api, event["object"])


async def _give_status(api: Api, pod: Tree) -> None:
    metadata = pod["metadata"]
    image = str(pod["spec"]["containers"][0].get("image", ""))
    status = _crashing(pod) if CRASHING in image else _running(pod)
    path = (
        f"{PODS.removesuffix('/pods')}/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
    )
    answer = await api.merge(f"{path}/status", {"status": status})
    assert answer.code in (200, 404), answer  # a pod may be gone before it runs


def _conditions(ready: str, now: str) -> list[Tree]:
    states = {"PodScheduled": "True", "Initialized": "True", "ContainersReady": ready}
    return [
        {"type": kind, "status": state, "lastTransitionTime": now}
        for kind, state in (states | {"Ready": ready}).items()
    ]


def _running(pod: Tree) -> Tree:
    now = _now()
    containers = [_container(pod, ready=True, state={"running": {"startedAt": now}})]
    return {"phase": "Running", "startTime": now, "conditions": _conditions("True", now),
            "containerStatuses": containers}  # fmt: skip


def _crashing(pod: Tree) -> Tree:
    now = _now()
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}
    container = _container(pod, ready=False, state={"waiting": waiting})
    ended = {"exitCode": 1, "reason": "Error", "finishedAt": now, "startedAt": now}
    container |= {"restartCount": RESTARTS, "lastState": {"terminated": ended}}
    return {"phase": "Running", "startTime": now, "conditions": _conditions("False", now),
            "containerStatuses": [container]}  # fmt: skip


def _container(pod: Tree, *, ready: bool, state: Tree) -> Tree:
    first = pod["spec"]["containers"][0]
    return {"name": first["name"], "image": first["image"], "imageID": "", "restartCount": 0,
            "ready": ready, "started": ready, "state": state}  # fmt: skip


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
