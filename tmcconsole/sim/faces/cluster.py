"""One simulated cluster: an API server, its faults, and the controllers that bring it to life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tmcconsole.runtime import Random, Request, Response
from tmcconsole.sim.controllers import run_controllers
from tmcconsole.sim.faces.transport import InProcessTransport
from tmcconsole.sim.handlers import crds
from tmcconsole.sim.handlers.bootstrap import populate
from tmcconsole.sim.handlers.router import handle
from tmcconsole.sim.handlers.watch import Watch
from tmcconsole.sim.request.request_info import ADMIN, User
from tmcconsole.sim.schema.builtin import built_in
from tmcconsole.sim.storage.fault_injection import Faults
from tmcconsole.sim.storage.kinds import Kinds
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.store import Store

Flavour = Literal["workload", "hub", "kcp"]


class SimCluster:
    """A cluster of one of three flavours.

    ``workload`` runs Deployments and has nodes; ``hub`` serves the same kinds but runs nothing;
    ``kcp`` is a kcp workspace, without the workload kinds. Time and randomness are injected:
    ``now`` is monotonic seconds, ``wall`` Unix seconds.
    """

    def __init__(
        self,
        name: str,
        *,
        now: Callable[[], float],
        wall: Callable[[], float],
        rng: Random,
        flavour: Flavour = "workload",
        base_path: str = "",
    ) -> None:
        store = Store()
        self.name = name
        self.flavour = flavour
        self.base_path = base_path.rstrip("/")
        self.store = store
        self.faults = Faults(store, rng)
        self.server = Server(
            name=name,
            flavour=flavour,
            store=store,
            kinds=Kinds(built_in(flavour)),
            faults=self.faults,
            now=now,
            clock=wall,
            rng=rng,
        )
        populate(self.server, self.base_path)
        self.faults.listen(self._told)

    def __repr__(self) -> str:
        return f"SimCluster({self.name!r}, {self.flavour}, {self.store!r}, {self.faults!r})"

    def transport(self, user: User = ADMIN) -> InProcessTransport:
        """Return a transport into this cluster, without sockets."""
        return InProcessTransport(self.server, user)

    def inside(self, user: User = ADMIN) -> InProcessTransport:
        """Return a transport from within the cluster, which no fault reaches."""
        return InProcessTransport(self.server.sheltered(), user)

    def handle(self, request: Request, user: User = ADMIN) -> Response | Watch:
        """Answer a request at once, bypassing all network faults."""
        return handle(self.server, request, user)

    def _told(self, what: str) -> None:
        if what == "restored":  # the definitions come from the backup too
            self.server.pages.forget()
            crds.serve_only_defined(self.server)

    async def run(self) -> None:
        """Run the controllers until cancelled."""
        await run_controllers(self.server)
