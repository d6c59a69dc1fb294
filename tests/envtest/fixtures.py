"""Real API servers for tests marked ``envtest``: one hub and two clusters per session."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.envtest.commands import ASSETS, REMEDY, find_binaries
from tests.envtest.leftovers import take_away
from tests.envtest.planes import HUB_AND_TWO_CLUSTERS, Plane, running_planes


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all on one worker of ``--dist loadgroup``, which thus starts the planes only once."""
    for item in items:
        if item.get_closest_marker("envtest") is not None:
            item.add_marker(pytest.mark.xdist_group("envtest"))


@pytest.hookimpl(tryfirst=True)  # before any fixture starts a process
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip if there are no binaries, with the remedy, in one line of the summary for all."""
    if item.get_closest_marker("envtest") is not None and find_binaries() is None:
        pytest.skip(f"no etcd and kube-apiserver in {ASSETS}: {REMEDY}")


@pytest.fixture(scope="session")
def real_planes() -> Iterator[tuple[Plane, ...]]:
    """Return the hub and the two clusters, started together, with all that tests left on them."""
    binaries = find_binaries()
    assert binaries is not None, "a test that takes real planes needs @pytest.mark.envtest"
    with (
        # Not pytest's own folder: a socket's path may have at most 104 bytes.
        tempfile.TemporaryDirectory(prefix="planes-") as folder,
        running_planes(binaries, Path(folder), HUB_AND_TWO_CLUSTERS) as planes,
    ):
        yield planes


@pytest.fixture
def swept_planes(real_planes: tuple[Plane, ...]) -> tuple[Plane, ...]:
    """Return them without the work, done or open, of engines of earlier tests."""
    take_away(real_planes)
    return real_planes


@pytest.fixture
def real_hub(swept_planes: tuple[Plane, ...]) -> Plane:
    """Return the API server that runs no workloads."""
    return swept_planes[0]


@pytest.fixture
def real_clusters(swept_planes: tuple[Plane, ...]) -> tuple[Plane, Plane]:
    """Return the two that run workloads, if there is a kube-controller-manager."""
    return swept_planes[1], swept_planes[2]


@pytest.fixture
def real_controllers() -> None:
    """Skip a test that needs controllers if there is no kube-controller-manager."""
    binaries = find_binaries()
    if binaries is None or binaries.controllers is None:
        pytest.skip(f"no kube-controller-manager in {ASSETS}: tests/envtest/build.sh makes one")
