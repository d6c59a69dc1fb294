"""The simulated server's types are those of a real kube-apiserver."""

from __future__ import annotations

import pytest

from tests.envtest.planes import Plane
from tests.envtest.structs import FILE, published

pytestmark = pytest.mark.envtest


def test_the_table_of_types_is_what_a_real_server_publishes(real_hub: Plane) -> None:
    assert FILE.read_text().splitlines() == published(real_hub).splitlines()
