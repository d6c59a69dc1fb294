"""What every test may take."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.envtest.fixtures"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
