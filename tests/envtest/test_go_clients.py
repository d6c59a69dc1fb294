"""client-go, its leader election and controller-runtime run against a simulated server, unchanged.

The same program runs against a real server, which shows that its expectations are right.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.envtest.planes import Plane
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.faces.http_face import serve
from tmcconsole.sim.faces.kubeconfig_file import write_kubeconfig

pytestmark = pytest.mark.thorough

SOURCES = Path(__file__).parent / "clients"
WORKS = [
    "works: statuses in protobuf",
    "works: informer",
    "works: leader election",
    "works: controller-runtime client",
    "works: controller-runtime manager",
]
BUILD_S = 900  # cold, on a busy machine; seconds once Go has the packages in its cache
RUN_S = 90


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def go_clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built program; skip if Go or its modules are not available."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("no Go: its clients cannot be built")
    settings = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false"}
    environment = {**os.environ, **settings}
    got = subprocess.run(
        [go, "mod", "download"], cwd=SOURCES, env=environment, capture_output=True, check=False
    )
    if got.returncode:
        pytest.skip("the modules of the Go clients cannot be had, or Go is older than they")
    program = tmp_path_factory.mktemp("go") / "clients"
    built = subprocess.run(
        [go, "build", "-p", "2", "-o", str(program), "."],
        cwd=SOURCES,
        env=environment,
        capture_output=True,
        check=False,
        timeout=BUILD_S,
    )
    assert built.returncode == 0, built.stderr.decode()
    return program


@pytest.fixture
async def simulated(tmp_path: Path) -> AsyncIterator[Path]:
    rng = random.Random(0)
    cluster = SimCluster("hub", now=time.monotonic, wall=time.time, rng=rng, flavour="hub")
    async with await serve(cluster) as served, anyio.create_task_group() as group:
        group.start_soon(cluster.run)
        kubeconfig = tmp_path / "kubeconfig"
        write_kubeconfig(kubeconfig, name="hub", url=served.url, token=served.token)
        yield kubeconfig
        group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_go_clients_work_with_a_simulated_server(simulated: Path, go_clients: Path) -> None:
    with anyio.fail_after(RUN_S):
        done = await anyio.run_process([str(go_clients), str(simulated)], check=False)

    assert done.stdout.decode().splitlines() == WORKS, done.stderr.decode()
    assert done.returncode == 0


@pytest.mark.envtest
def test_go_clients_work_with_a_real_server(real_hub: Plane, go_clients: Path) -> None:
    command = [str(go_clients), str(real_hub.kubeconfig)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=RUN_S)

    assert done.stdout.decode().splitlines() == WORKS, done.stderr.decode()
