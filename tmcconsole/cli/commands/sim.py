"""``tmc-console sim``: simulated API servers on loopback, until interrupted."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from tmcconsole.cli.arguments import Arguments
from tmcconsole.cli.failure import CommandFailure, one_line
from tmcconsole.cli.signals import Stopping, heeded, stop_on_signal
from tmcconsole.config.places import FILE_NAME, expanded
from tmcconsole.config.settings import ClusterAccess, Settings, TargetSettings
from tmcconsole.config.write import to_toml, write_private
from tmcconsole.runtime import spawn

if TYPE_CHECKING:
    from tmcconsole.sim.faces.fleet import Fleet, Member


def run(arguments: Arguments) -> int:
    """Serve a hub and some clusters until a signal; as the demo's child, until stdin ends."""
    with ExitStack() as stack:
        directory = _directory(arguments, stack)
        anyio.run(_Stage(arguments, directory).run)
    return 0


def _directory(arguments: Arguments, stack: ExitStack) -> Path:
    """Return the directory to write to: the one named, or a temporary one."""
    if not arguments.directory:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tmc-sim-")))
    directory = expanded(arguments.directory).absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CommandFailure(f"{directory}: {one_line(error)}; name another with --dir") from error
    return directory


@dataclass(frozen=True, slots=True)
class _Stage:
    arguments: Arguments
    directory: Path

    async def run(self) -> None:
        """Run the fleet, and the scenario if there is one, until told to stop."""
        async with anyio.create_task_group() as group:
            ending = Stopping()
            stop = ending.event
            spawn(group, stop_on_signal, ending, heeded(), name="signals")
            if self.arguments.child:
                spawn(group, _stop_at_eof, stop, name="stdin")
            spawn(group, self._play, name="fleet")
            await stop.wait()
            group.cancel_scope.cancel()

    async def _play(self) -> None:
        from tmcconsole.sim.faces.fleet import run_fleet

        await run_fleet(
            self.directory,
            clusters=self.arguments.clusters,
            seed=self.arguments.seed,
            started=self._started,
            names=[name for name in (self.arguments.names or "").split(",") if name],
        )

    async def _started(self, fleet: Fleet) -> None:
        from tmcconsole.kube.client.client import Client
        from tmcconsole.placement.install import install

        settings = _settings(fleet, self.directory)
        await install(Client(fleet.hub.cluster.transport(), name="hub"), settings.targets)
        config = self.directory / FILE_NAME
        write_private(config, to_toml(settings, beside=self.directory))
        if not self.arguments.child:
            print(_invitation(fleet, config), flush=True)
            return
        _tell({"ready": _facts(fleet, config)})
        await self._tell_story(fleet)

    async def _tell_story(self, fleet: Fleet) -> None:
        from tmcconsole.sim.scenarios import SCENARIOS, make_world

        if not self.arguments.scenario:
            return  # return: clusters for benchmarks, which nothing else may touch
        world = make_world(
            fleet.hub.cluster,
            {member.name: member.cluster for member in fleet.clusters},
            say=lambda text: _tell({"say": text}),
        )
        await SCENARIOS[self.arguments.scenario].story(world)


async def _stop_at_eof(stop: anyio.Event) -> None:
    """Set ``stop`` when our stdin ends: the demo that started us has ended, however it did."""
    end = sys.stdin.fileno()
    while True:
        await anyio.wait_readable(end)
        if not os.read(end, 4096):
            stop.set()
            return


def _settings(fleet: Fleet, directory: Path) -> Settings:
    return Settings(
        hub=ClusterAccess(kubeconfig=fleet.hub.kubeconfig),
        targets=tuple(
            TargetSettings(
                member.name, ClusterAccess(kubeconfig=member.kubeconfig), _labels(member)
            )
            for member in fleet.clusters
        ),
        state_dir=directory / "state",
    )


def _labels(member: Member) -> tuple[tuple[str, str], ...]:
    """Return labels for Locations to select by: eu-west gets the region eu."""
    return (("env", "sim"), ("region", member.name.partition("-")[0]))


def _facts(fleet: Fleet, config: Path) -> dict[str, Any]:
    members = (fleet.hub, *fleet.clusters)
    return {
        "config": str(config),
        "control": {"url": fleet.control.url, "token": fleet.control.token},
        "kubeconfigs": {member.name: str(member.kubeconfig) for member in members},
    }


def _tell(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def _invitation(fleet: Fleet, config: Path) -> str:
    members = (fleet.hub, *fleet.clusters)
    width = max(len(member.name) for member in members)
    lines = [f"{member.name:<{width}}  {member.url}  {member.kubeconfig}" for member in members]
    return "\n".join(
        [
            *lines,
            "",
            "try, in other terminals:",
            f"  tmc-console --config {config}",
            f"  kubectl --kubeconfig {fleet.hub.kubeconfig} get synctargets",
            f"  kubectl --kubeconfig {fleet.clusters[0].kubeconfig} get pods -A",
            "",
            "ctrl+c stops them all",
        ]
    )
