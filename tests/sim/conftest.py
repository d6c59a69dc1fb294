"""A fresh cluster for each test, on a loop whose time is virtual."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from tests.kube.informing import VIRTUAL_TIME
from tests.sim.talk import Api, make_cluster
from tmcconsole.sim.faces.cluster import SimCluster


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return VIRTUAL_TIME


@pytest.fixture
def cluster() -> SimCluster:
    return make_cluster()


@pytest.fixture
def api(cluster: SimCluster) -> Api:
    return Api(cluster)


@pytest.fixture
async def living(cluster: SimCluster) -> AsyncIterator[SimCluster]:
    async with anyio.create_task_group() as group:
        group.start_soon(cluster.run)
        yield cluster
        group.cancel_scope.cancel()
