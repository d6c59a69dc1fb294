"""Every test here runs on virtual time, and fails where the engine was surprised."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulation.auditor import audited
from tests.simulation.loop import SeededLoop

LIMIT_S = 20_000.0  # virtual
SEED = 1


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": lambda: SeededLoop(SEED, LIMIT_S)}


@pytest.fixture
def surprises() -> list[str]:
    """The product's tracebacks so far; a test that expects some takes and clears them."""
    return []


@pytest.fixture(autouse=True)
def no_surprise(surprises: list[str]) -> Iterator[None]:
    """No traceback in the log, and nothing taken past the runtime."""
    watcher = _Tracebacks(surprises)
    logging.getLogger("tmcconsole").addHandler(watcher)
    try:
        with audited():
            yield
    finally:
        logging.getLogger("tmcconsole").removeHandler(watcher)
    assert not surprises


class _Tracebacks(logging.Handler):
    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[0] is not None:
            error = record.exc_info[1]
            self._found.append(f"{record.getMessage()}: {error!r}")
