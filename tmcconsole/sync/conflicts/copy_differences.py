"""Where a copy differs from its desired state. Pure."""

from __future__ import annotations

from tmcconsole.kube.objects import Json
from tmcconsole.kube.trees.differences import Difference, subset_differences
from tmcconsole.sync.conflicts.judge import BASE
from tmcconsole.sync.desired.build import Desired


def differences(desired: Desired, copy: Json, normal: frozenset[str]) -> tuple[Difference, ...]:
    """Return where ``copy`` differs from the desired state, except for known defaulting."""
    found = subset_differences(desired.tree, copy)
    return tuple(
        entry for entry in found if fingerprint(entry) not in normal and entry.steps != BASE
    )


def fingerprint(difference: Difference) -> str:
    """Return what identifies a difference: its place, and the cluster's value there."""
    return f"{difference.path}={difference.actual!r}"
