"""Virtual time for tests of the whole engine, which fail if the engine logs a traceback."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from tests.envtest.planes import Plane
from tests.faults.real import RealStage, open_calm_stage
from tests.simulation.auditor import audited
from tests.simulation.loop import SeededLoop
from tests.world.world import DEPLOYMENTS

LIMIT_S = 20_000.0  # virtual
SEED = 1


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> str | tuple[str, dict[str, Any]]:
    if _is_real(request):
        return "asyncio"
    return "asyncio", {"loop_factory": lambda: SeededLoop(SEED, LIMIT_S)}


@pytest.fixture
def surprises() -> list[str]:
    """The product's tracebacks so far; a test that expects some reads and clears them."""
    return []


@pytest.fixture(autouse=True)
def no_surprise(request: pytest.FixtureRequest, surprises: list[str]) -> Iterator[None]:
    """Fail on a traceback in the log, and on time, randomness or threads not from the runtime."""
    watcher = _Tracebacks(surprises)
    logging.getLogger("tmcconsole").addHandler(watcher)
    try:
        with nullcontext() if _is_real(request) else audited():
            yield
    finally:
        logging.getLogger("tmcconsole").removeHandler(watcher)
    assert not surprises


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a server that is down at least every three seconds, instead of every fifteen."""
    monkeypatch.setattr("tmcconsole.engine.connection.probe.PROBE_S", 1.0)
    monkeypatch.setattr("tmcconsole.engine.connection.probe.MAX_PROBE_S", 3.0)


@pytest.fixture
async def stage(real_hub: Plane, real_clusters: tuple[Plane, Plane]) -> AsyncIterator[RealStage]:
    """An engine between real API servers, behind proxies; for tests marked ``envtest``."""
    async with open_calm_stage(real_hub, real_clusters, DEPLOYMENTS.id) as stage:
        yield stage


def _is_real(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("envtest") is not None


class _Tracebacks(logging.Handler):
    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[0] is not None:
            error = record.exc_info[1]
            self._found.append(f"{record.getMessage()}: {error!r}")
