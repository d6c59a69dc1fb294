"""Table cells of a HorizontalPodAutoscaler's metrics."""

from __future__ import annotations

from typing import Final

from tmcconsole.kube.objects import Json

_SHOWN: Final = 2  # the rest is counted
_UNKNOWN: Final = "<unknown>"
_SOURCES: Final = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def targets(tree: Json) -> str:
    """Return the first metrics, each as current value and target."""
    metrics = (tree.get("spec") or {}).get("metrics") or ()
    current = (tree.get("status") or {}).get("currentMetrics") or ()
    texts = [_one(m, current[i] if i < len(current) else {}) for i, m in enumerate(metrics)]
    more = f" + {len(texts) - _SHOWN} more..." if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more or "<none>"


def _one(metric: Json, found: Json) -> str:
    source = _SOURCES.get(metric.get("type", ""), "")
    wanted = metric.get(source) or {}
    target: Json = wanted.get("target") or {}
    current: Json = (found.get(source) or {}).get("current") or {}
    if source in ("resource", "containerResource"):
        return f"{wanted.get('name')}: {_resource(current, target)}"
    if source != "pods" and target.get("averageValue") is None:
        return f"{current.get('value') or _UNKNOWN}/{target.get('value') or '0'}"
    shown = f"{current.get('averageValue') or _UNKNOWN}/{target.get('averageValue')}"
    return shown if source == "pods" else f"{shown} (avg)"


def _resource(current: Json, target: Json) -> str:
    if target.get("averageValue") is not None:
        return f"{current.get('averageValue') or _UNKNOWN}/{target['averageValue']}"
    used, wanted = current.get("averageUtilization"), target.get("averageUtilization")
    left = _UNKNOWN if used is None else f"{used}%"
    return f"{left}/{'<auto>' if wanted is None else f'{wanted}%'}"
