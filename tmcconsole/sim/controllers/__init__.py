"""The controllers of a simulated cluster."""

from __future__ import annotations

import anyio

from tmcconsole.sim.server import Server


async def run_controllers(server: Server) -> None:
    """Run them until cancelled."""
    await anyio.sleep_forever()
