"""A fresh cluster for each test, on a loop whose time is virtual."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kube.informing import VIRTUAL_TIME
from tests.sim.talk import Api, make_cluster
from tmcconsole.sim.cluster import SimCluster


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return VIRTUAL_TIME


@pytest.fixture
def cluster() -> SimCluster:
    return make_cluster()


@pytest.fixture
def api(cluster: SimCluster) -> Api:
    return Api(cluster)
