"""Table cells of pods, with the most telling state of their containers as STATUS."""

from __future__ import annotations

from collections.abc import Iterator

from tmcconsole.kube.objects import Json
from tmcconsole.sim.printing.ages import age


def ready(tree: Json) -> str:
    """Return how many of the lasting containers are ready."""
    containers = len(_spec(tree).get("containers") or ()) + len(_lasting(tree))
    statuses = [s for s in _started(tree) if s.get("ready")]
    if not _is_beginning(tree):
        statuses += [
            s for s in _statuses(tree) if s.get("ready") and (s.get("state") or {}).get("running")
        ]
    return f"{len(statuses)}/{containers}"


def status(tree: Json) -> str:
    """Return the phase, or the reason the pod does not run."""
    told = tree.get("status") or {}
    phase = told.get("phase") or ""
    if tree["metadata"].get("deletionTimestamp"):
        if told.get("reason") == "NodeLost":
            return "Unknown"
        if phase not in ("Succeeded", "Failed"):
            return "Terminating"
    reason = told.get("reason") or phase
    if _condition(tree, "PodScheduled").get("reason") == "SchedulingGated":
        reason = "SchedulingGated"
    beginning = _beginning(tree)
    if beginning:
        reason = beginning
    return reason if _is_beginning(tree) else _of_containers(tree, reason)


def restarts(tree: Json, now: float) -> str:
    """Return how often containers restarted, and how long ago last."""
    counted = list(_init_statuses(tree))
    if not _is_beginning(tree):
        lasting = _lasting(tree)
        counted = [s for s in counted if s.get("name") in lasting] + _statuses(tree)
    number = sum(s.get("restartCount") or 0 for s in counted)
    ends = [((s.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for s in counted]
    last = max((end for end in ends if end), default=None)
    return f"{number} ({age(last, now)} ago)" if number and last else str(number)


def address(tree: Json) -> str:
    """Return the pod's first address."""
    addresses = (tree.get("status") or {}).get("podIPs") or ()
    return next((a["ip"] for a in addresses if a.get("ip")), "<none>")


def gates(tree: Json) -> str:
    """Return how many of the pod's readiness gates are met."""
    asked = _spec(tree).get("readinessGates") or ()
    are_open = sum(_condition(tree, g["conditionType"]).get("status") == "True" for g in asked)
    return f"{are_open}/{len(asked)}" if asked else "<none>"


def row_conditions(tree: Json) -> list[Json]:
    """Return the conditions in a table's row for a pod that has ended."""
    phase = (tree.get("status") or {}).get("phase")
    told = {"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}
    if phase not in told:
        return []
    head = {"type": "Completed", "status": "True"}
    return [{**head, "reason": phase, "message": told[phase]}]


def _beginning(tree: Json) -> str:
    """Return the state of the first unfinished init container; "" = all have finished."""
    lasting = _lasting(tree)
    for index, one in enumerate(_init_statuses(tree)):
        state = one.get("state") or {}
        ended = state.get("terminated")
        if ended is not None and not ended.get("exitCode"):
            continue
        if one.get("name") in lasting and one.get("started"):
            continue
        if ended is not None:
            return f"Init:{_end(ended)}"
        waits = (state.get("waiting") or {}).get("reason") or ""
        if waits and waits != "PodInitializing":
            return f"Init:{waits}"
        return f"Init:{index}/{len(_spec(tree).get('initContainers') or ())}"
    return ""


def _is_beginning(tree: Json) -> bool:
    return bool(_beginning(tree)) and _condition(tree, "Initialized").get("status") != "True"


def _of_containers(tree: Json, reason: str) -> str:
    is_running = False
    for one in reversed(_statuses(tree)):
        state = one.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif state.get("terminated") is not None:
            reason = _end(state["terminated"])
        elif one.get("ready") and state.get("running") is not None:
            is_running = True
    if reason == "Completed" and is_running:
        return "Running" if _condition(tree, "Ready").get("status") == "True" else "NotReady"
    return reason


def _end(ended: Json) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    if ended.get("signal"):
        return f"Signal:{ended['signal']}"
    return f"ExitCode:{ended.get('exitCode') or 0}"


def _started(tree: Json) -> Iterator[Json]:
    """Yield the statuses of running sidecars before the first unfinished init container."""
    lasting = _lasting(tree)
    for one in _init_statuses(tree):
        ended = (one.get("state") or {}).get("terminated")
        if ended is not None and not ended.get("exitCode"):
            continue
        if not (one.get("name") in lasting and one.get("started")):
            return
        yield one


def _lasting(tree: Json) -> set[str]:
    """Return the names of the init containers that keep running: sidecars."""
    containers = _spec(tree).get("initContainers") or ()
    return {c["name"] for c in containers if c.get("restartPolicy") == "Always"}


def _condition(tree: Json, kind: str) -> Json:
    conditions = (tree.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c.get("type") == kind), {})


def _spec(tree: Json) -> Json:
    spec: Json = tree.get("spec") or {}
    return spec


def _statuses(tree: Json) -> list[Json]:
    return list((tree.get("status") or {}).get("containerStatuses") or ())


def _init_statuses(tree: Json) -> list[Json]:
    return list((tree.get("status") or {}).get("initContainerStatuses") or ())
