"""A target whose heartbeats are lost, according to the hub."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple


class SilentTarget(NamedTuple):
    """Its name, and when its last heartbeat was: Unix seconds, 0 for never."""

    name: str
    since: float

    @property
    def told(self) -> str:
        """Since when, as Kubernetes writes times; "" if it was never heard."""
        if not self.since:
            return ""
        return datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
