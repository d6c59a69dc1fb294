"""What the stage records of a run: every request of the engine, and every commit."""

from __future__ import annotations

from dataclasses import dataclass

from tests.simulation.wire import WRITING
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.runtime import Request


@dataclass(frozen=True, slots=True)
class Committed:
    """One write that a cluster's store has accepted."""

    at: float
    cluster: str
    verb: str  # create, update or delete
    kind: str
    name: str  # namespace/name
    by_engine: bool
    old: Json | None
    new: Json | None


@dataclass(slots=True)
class Tried:
    """One request of the engine. ``status`` 0: no answer yet, or none at all."""

    at: float
    cluster: str
    request: Request
    status: int = 0

    @property
    def is_write(self) -> bool:
        """True for attempts to change objects, except heartbeats, Leases, reviews and dry runs."""
        apart = ("/synctargets/", "/leases", "reviews")
        if self.request.method not in WRITING or any(name in self.path for name in apart):
            return False
        return ("dryRun", "All") not in self.request.query

    @property
    def path(self) -> str:
        """Where it went."""
        return self.request.path

    def asks_for(self, kind: Kind, parameter: str) -> bool:
        """True if it reads the whole collection with that parameter in the query."""
        is_read = self.request.method == "GET" and self.path == f"{kind.base_path}/{kind.resource}"
        return is_read and any(name == parameter for name, _ in self.request.query)
