"""Where a copy differs from what it should be. Pure."""

from __future__ import annotations

from tmcconsole.kube.objects import Json
from tmcconsole.kube.trees.differences import Difference, subset_differences
from tmcconsole.sync.conflicts.judge import BASE
from tmcconsole.sync.desired.build import Desired


def differences(desired: Desired, copy: Json, normal: frozenset[str]) -> tuple[Difference, ...]:
    """Return where ``copy`` differs from what is desired, but for known defaulting of servers."""
    found = subset_differences(desired.tree, copy)
    return tuple(
        entry for entry in found if fingerprint(entry) not in normal and entry.steps != BASE
    )


def fingerprint(difference: Difference) -> str:
    """Return what identifies a difference: its place, and what the cluster has there."""
    return f"{difference.path}={difference.actual!r}"
