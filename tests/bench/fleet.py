"""The API servers of a measurement: simulated ones in their own process, or real ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.envtest.commands import find_binaries
from tests.envtest.planes import HUB_AND_TWO_CLUSTERS, running_planes
from tmcconsole.cli.child import SimChild
from tmcconsole.config.settings import ClusterAccess, Settings, TargetSettings


@dataclass(frozen=True, slots=True)
class Fleet:
    """A hub and clusters, by their kubeconfigs."""

    servers: str  # simulated | real
    hub: Path
    clusters: dict[str, Path]
    folder: Path

    def settings(self, state: str) -> Settings:
        """Return settings for an engine on this fleet, with a state directory of the given name."""
        targets = tuple(
            TargetSettings(name, ClusterAccess(path)) for name, path in self.clusters.items()
        )
        return Settings(ClusterAccess(self.hub), targets, self.folder / state)

    def access(self, name: str) -> ClusterAccess:
        """Return how to reach ``hub`` or a cluster."""
        return ClusterAccess(self.hub if name == "hub" else self.clusters[name])


@contextmanager
def simulated_fleet(clusters: int = 2) -> Iterator[Fleet]:
    """on simulated servers"""
    with tempfile.TemporaryDirectory(prefix="tmc-bench-") as text:
        folder = Path(text)
        with SimChild(folder, ["--clusters", str(clusters), "--scenario", ""]) as child:
            child.start()
            names = [f"cluster-{number + 1}" for number in range(clusters)]
            paths = {name: folder / f"{name}.kubeconfig" for name in names}
            yield Fleet("simulated", folder / "hub.kubeconfig", paths, folder)


@contextmanager
def real_fleet() -> Iterator[Fleet]:
    """on real servers"""
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit("--real needs KUBEBUILDER_ASSETS; tests/envtest/build.sh makes a folder")
    with (
        tempfile.TemporaryDirectory(prefix="tmc-bench-") as text,
        running_planes(binaries, Path(text), HUB_AND_TWO_CLUSTERS) as planes,
    ):
        hub, *clusters = planes
        paths = {plane.name: plane.kubeconfig for plane in clusters}
        yield Fleet("real", hub.kubeconfig, paths, Path(text))
