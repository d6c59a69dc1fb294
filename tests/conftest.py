"""What every test may take."""

from __future__ import annotations

import hypothesis
import pytest

pytest_plugins = ["tests.envtest.fixtures"]

# How long an example takes says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
