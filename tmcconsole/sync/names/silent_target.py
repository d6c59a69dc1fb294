"""A target whose heartbeats are lost, as the hub says it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple


class SilentTarget(NamedTuple):
    """Its name, and when its last heartbeat was: Unix seconds, 0 for never."""

    name: str
    since: float

    @property
    def told(self) -> str:
        """Since when, as Kubernetes writes a time; "" if it has never been heard."""
        if not self.since:
            return ""
        return datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
