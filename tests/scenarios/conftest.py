"""The fixtures for tests of the whole engine; see ``tests/faults/fixtures.py``."""

from __future__ import annotations

from tests.faults.fixtures import anyio_backend, no_surprise, stage, surprises

__all__ = ["anyio_backend", "no_surprise", "stage", "surprises"]
