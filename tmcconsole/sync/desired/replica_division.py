"""How the replicas of one object are divided among targets. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

DIVIDED_KINDS: Final = frozenset({"deployments.apps", "replicasets.apps", "statefulsets.apps"})


def share(total: int, keys: Collection[str], key: str) -> int:
    """Return the replicas of target ``key``: an even split, the remainder to the first keys.

    The rule of kcp's deployment-coordinator, with the remainder spread instead of on the first. A
    target that is being left still counts itself in: its share must not grow before it ends.
    """
    ordered = sorted({*keys, key})
    each, rest = divmod(total, len(ordered))
    return each + (1 if ordered.index(key) < rest else 0)


def kept_replicas(wanted: int, current: int, ready: int, total: int, elsewhere: int) -> int:
    """Return the replicas of a target whose share is ``wanted``, so that no ready one is missed.

    Of ``current``, of which ``ready`` are, more stay than the share while the other targets have
    fewer than ``total`` ready between them: ``elsewhere``, each counted up to its own share.
    """
    return max(wanted, min(current, ready, total - elsewhere))
