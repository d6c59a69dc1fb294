"""Pods: scheduled to a node, started, run, ended. Plays the scheduler and the kubelets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.controllers.conditions import is_true, with_condition
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.controllers.loop import GRAIN_S, ClusterController
from tmcconsole.sim.controllers.ownership import is_terminating, key_of
from tmcconsole.sim.controllers.recorder import Recorder
from tmcconsole.sim.storage.store import Commit, StoreKey

START_S: Final = (0.2, 0.8)  # from being scheduled to ready
STOP_S: Final = (0.1, 0.4)  # from being told to stop to gone
RUN_S: Final = (1.0, 3.0)  # run time of a pod that ends by itself
RETRY_S: Final = 2.0  # between scheduling attempts
# An image with one of these words in its name behaves accordingly.
UNPULLABLE: Final = "missing"
CRASHING: Final = "crash"
CRASHED: Final = "CrashLoopBackOff"
RESTART_S: Final = (10.0, 300.0)  # the kubelet's first and longest back-off, doubled in between


class Machines:
    """The nodes' side of pods: which pod runs where, and since when."""

    def __init__(self, local: Local, kubelet: Recorder, scheduler: Recorder) -> None:
        self._local = local
        self._kubelet = kubelet
        self._scheduler = scheduler
        self._scheduled: dict[str, int] = {}  # pods by node
        self._started: dict[str, float] = {}  # by pod uid: when it starts, monotonic seconds
        self._addresses = 0

    def controller(self) -> ClusterController:
        """Return the controller of pods."""

        def keys_of(commit: Commit) -> Iterable[StoreKey]:
            if commit.kind_id == "pods":
                self._count(commit)
                return [commit.key]
            return ()

        return ClusterController("pod", keys_of, self._reconcile)

    def _count(self, commit: Commit) -> None:
        before, after = _node_of(commit.old), _node_of(commit.new)
        if before == after:
            return
        for node, step in ((before, -1), (after, 1)):
            if node:
                self._scheduled[node] = self._scheduled.get(node, 0) + step

    def _reconcile(self, key: StoreKey) -> float | None:
        pod = self._local.get("pods", key)
        if pod is None:
            return None
        uid = pod["metadata"]["uid"]
        if is_terminating(pod):
            return self._stop(pod, uid)
        phase = (pod.get("status") or {}).get("phase")
        if phase in ("Succeeded", "Failed"):
            return None
        if not pod["spec"].get("nodeName"):
            return self._schedule(pod)
        if phase != "Running":
            return self._start(pod, uid)
        return self._crash(pod, uid) if _trouble(pod) == CRASHED else self._finish(pod, uid)

    def _wait(self, uid: str, between: tuple[float, float]) -> float:
        """Return the rest of a wait whose random length is drawn at the first call."""
        now = self._local.server.now()
        due = self._started.setdefault(uid, now + self._local.server.rng.uniform(*between))
        return due - now if due - now > GRAIN_S else 0.0

    def _schedule(self, pod: Json) -> float | None:
        node = self._choose(pod)
        if node is None:
            text = "0 nodes are available: nodes were unschedulable or full."
            status = dict(pod.get("status") or {})
            status["conditions"] = with_condition(
                status.get("conditions"),
                "PodScheduled",
                "False",
                "Unschedulable",
                text,
                self._stamp(),
            )
            if status != pod.get("status"):
                self._scheduler.tell(pod, "FailedScheduling", text, warning=True)
            self._local.set_status("pods", pod, status)
            return RETRY_S
        self._local.patch("pods", key_of(pod), {"spec": {"nodeName": node}})
        where = f"{pod['metadata']['namespace']}/{pod['metadata']['name']} to {node}"
        self._scheduler.tell(pod, "Scheduled", f"Successfully assigned {where}")
        return None

    def _choose(self, pod: Json) -> str | None:
        """Return the feasible node with the fewest pods, or None."""
        wanted = pod["spec"].get("nodeSelector") or {}
        fitting = []
        for node in self._local.items("nodes"):
            labels = node["metadata"].get("labels") or {}
            room = int(((node.get("status") or {}).get("allocatable") or {}).get("pods", 110))
            name = node["metadata"]["name"]
            fits = all(labels.get(key) == value for key, value in wanted.items())
            usable = is_true(node, "Ready") and not (node.get("spec") or {}).get("unschedulable")
            if fits and usable and self._scheduled.get(name, 0) < room:
                fitting.append((self._scheduled.get(name, 0), name))
        return min(fitting)[1] if fitting else None

    def _start(self, pod: Json, uid: str) -> float | None:
        left = self._wait(uid, START_S)
        if left:
            return left
        trouble = _trouble(pod)
        if trouble == CRASHED:
            del self._started[uid]
            return self._crash(pod, uid)
        if trouble:
            status = self._waiting_status(pod, trouble)
            if status != pod.get("status"):
                self._kubelet.tell(pod, "BackOff", f"{trouble}: will not start", warning=True)
            self._local.set_status("pods", pod, status)
            return None
        del self._started[uid]
        self._local.set_status("pods", pod, self._running_status(pod))
        return None

    def _crash(self, pod: Json, uid: str) -> float:
        """Crash the containers again once their back-off is over; return the next wait."""
        now, due = self._local.server.now(), self._started.get(uid, 0.0)
        if due - now > GRAIN_S:
            return due - now
        counts = [one["restartCount"] for one in pod.get("status", {}).get("containerStatuses", ())]
        restarts = max(counts, default=0) + 1
        pause = float(min(RESTART_S[0] * 2 ** min(restarts - 1, 9), RESTART_S[1]))
        self._started[uid] = now + pause
        stamp = self._stamp()
        status = self._waiting_status(pod, CRASHED)
        ended = {"exitCode": 1, "reason": "Error", "startedAt": stamp, "finishedAt": stamp}
        text = f"back-off {pause:.0f}s restarting failed container"
        status["phase"] = "Running"
        status["containerStatuses"] = [
            {
                **one,
                "restartCount": restarts,
                "state": {"waiting": {"reason": CRASHED, "message": text}},
                "lastState": {"terminated": ended},
            }
            for one in status["containerStatuses"]
        ]
        self._kubelet.tell(
            pod, "BackOff", f"Back-off {pause:.0f}s restarting failed container", warning=True
        )
        self._local.set_status("pods", pod, status)
        return pause

    def _finish(self, pod: Json, uid: str) -> float | None:
        if pod["spec"].get("restartPolicy") == "Always":
            return None
        left = self._wait(uid, RUN_S)
        if left:
            return left
        del self._started[uid]
        status = dict(pod["status"])
        status["phase"] = "Succeeded"
        conditions = with_condition(
            status.get("conditions"), "Ready", "False", "PodCompleted", "", self._stamp()
        )
        done = {"exitCode": 0, "reason": "Completed", "finishedAt": self._stamp()}
        status["conditions"] = conditions
        status["containerStatuses"] = [
            {**container, "ready": False, "started": False, "state": {"terminated": done}}
            for container in status.get("containerStatuses") or ()
        ]
        self._local.set_status("pods", pod, status)
        return None

    def _stop(self, pod: Json, uid: str) -> float | None:
        left = self._wait(f"stop {uid}", STOP_S)
        if left:
            return left
        self._started.pop(f"stop {uid}", None)
        self._started.pop(uid, None)
        self._local.delete("pods", key_of(pod), uid, grace_s=0)
        return None

    def _running_status(self, pod: Json) -> Json:
        stamp = self._stamp()
        self._addresses += 1
        address = f"10.244.{self._addresses // 250 % 250}.{self._addresses % 250 + 1}"
        conditions: list[Json] = []
        for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready"):
            conditions = with_condition(conditions, kind, "True", "", "", stamp)
        return {
            **(pod.get("status") or {}),
            "phase": "Running",
            "conditions": conditions,
            "hostIP": self._address_of(pod["spec"]["nodeName"]),
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": stamp,
            "containerStatuses": [
                _container_status(container, ready=True, state={"running": {"startedAt": stamp}})
                for container in pod["spec"]["containers"]
            ],
        }

    def _address_of(self, name: str) -> str:
        node = self._local.get("nodes", StoreKey("", name)) or {}
        addresses = (node.get("status") or {}).get("addresses") or ()
        return next((a["address"] for a in addresses if a["type"] == "InternalIP"), "")

    def _waiting_status(self, pod: Json, reason: str) -> Json:
        stamp = self._stamp()
        text = f"containers with unready status: {[c['name'] for c in pod['spec']['containers']]}"
        present = (pod.get("status") or {}).get("conditions")
        conditions = with_condition(present, "Ready", "False", "ContainersNotReady", text, stamp)
        return {
            **(pod.get("status") or {}),
            "phase": "Pending",
            "conditions": conditions,
            "containerStatuses": [
                _container_status(
                    container, ready=False, state={"waiting": _waiting(container, reason)}
                )
                for container in pod["spec"]["containers"]
            ],
        }

    def _stamp(self) -> str:
        return self._local.server.stamp()


def _node_of(tree: Json | None) -> str:
    return str((tree or {}).get("spec", {}).get("nodeName") or "")


def _trouble(pod: Json) -> str:
    """Return why a pod's containers do not start, or ""."""
    images = [str(one.get("image") or "") for one in pod["spec"].get("containers") or ()]
    if any(UNPULLABLE in image for image in images):
        return "ImagePullBackOff"
    return CRASHED if any(CRASHING in image for image in images) else ""


def _waiting(container: Json, reason: str) -> Json:
    image = container.get("image", "")
    text = f'Back-off pulling image "{image}": ErrImagePull: {image}: not found'
    return {"reason": reason, "message": text}


def _container_status(container: Json, *, ready: bool, state: Json) -> Json:
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "ready": ready,
        "started": ready,
        "restartCount": 0,
        "state": state,
        "lastState": {},
    }
