"""The controllers that bring a simulated cluster to life."""

from __future__ import annotations

from tmcconsole.sim.controllers.budgets import budgets, quotas
from tmcconsole.sim.controllers.claims import claim_protection, claims, volumes
from tmcconsole.sim.controllers.cronjob import cron_jobs
from tmcconsole.sim.controllers.daemonset import daemon_sets
from tmcconsole.sim.controllers.deployment import deployments
from tmcconsole.sim.controllers.garbage import Garbage
from tmcconsole.sim.controllers.job import jobs
from tmcconsole.sim.controllers.local import Local
from tmcconsole.sim.controllers.loop import ClusterController, Loop
from tmcconsole.sim.controllers.namespaces import namespaces
from tmcconsole.sim.controllers.ownership import DependentIndex
from tmcconsole.sim.controllers.pods import Machines
from tmcconsole.sim.controllers.recorder import Recorder
from tmcconsole.sim.controllers.replicaset import replica_sets
from tmcconsole.sim.controllers.services import services
from tmcconsole.sim.controllers.statefulset import stateful_sets
from tmcconsole.sim.storage.server import Server
from tmcconsole.sim.storage.store import Commit


async def run_controllers(server: Server) -> None:
    """Run the controllers of the server's flavour until cancelled."""
    owned = DependentIndex(server)
    loop = Loop(server, _controllers(server, owned))

    def observe(commit: Commit) -> None:
        owned.observe(commit)
        loop.observe(commit)

    stop = server.store.on_commit(observe)
    try:
        for kind_id in server.store.kind_ids():
            for stored in server.store.items(kind_id):
                observe(
                    Commit(
                        verb="update",
                        kind_id=kind_id,
                        key=stored.key,
                        old=None,
                        new=stored.tree(),
                        manager="",
                    )
                )
        await loop.run()
    finally:
        stop()


def _controllers(server: Server, owned: DependentIndex) -> list[ClusterController]:
    manager = Local(server, "kube-controller-manager")
    kubelet = Local(server, "kubelet")
    is_workload = server.flavour == "workload"
    always = [
        namespaces(manager, furnished=is_workload),
        Garbage(manager, owned).controller(),
        quotas(manager),
        claim_protection(manager),
        volumes(manager),
    ]
    if not is_workload:
        return always
    return [
        *always,
        deployments(manager, owned, Recorder(manager, "deployment-controller")),
        replica_sets(manager, owned, Recorder(manager, "replicaset-controller")),
        stateful_sets(manager, owned),
        daemon_sets(manager, owned),
        jobs(manager, owned),
        cron_jobs(manager, owned),
        services(manager, owned),
        claims(manager),
        budgets(manager),
        Machines(
            kubelet, Recorder(kubelet, "kubelet"), Recorder(kubelet, "default-scheduler")
        ).controller(),
    ]
