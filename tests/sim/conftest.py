"""A fresh cluster for each test."""

from __future__ import annotations

import pytest

from tests.sim.talk import Api, make_cluster
from tmcconsole.sim.cluster import SimCluster


@pytest.fixture
def cluster() -> SimCluster:
    return make_cluster()


@pytest.fixture
def api(cluster: SimCluster) -> Api:
    return Api(cluster)
