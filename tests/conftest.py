"""What every test may take."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest

from tests.simulation.loop import SeededLoop

pytest_plugins = ["tests.envtest.fixtures", "tests.tiers"]

# How long an example takes says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> str | tuple[str, dict[str, Any]]:
    """The loop of an async test: of virtual time where the test is marked so."""
    if request.node.get_closest_marker("virtual_time") is None:
        return "asyncio"
    return "asyncio", {"loop_factory": lambda: SeededLoop(seed=1, limit_s=3600.0)}
