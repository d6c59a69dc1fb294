"""Scenarios for the simulated clusters, by name."""

from __future__ import annotations

from typing import Final

from tmcconsole.sim.scenarios.quiet import QUIET
from tmcconsole.sim.scenarios.stage import Scenario, Stage, make_world
from tmcconsole.sim.scenarios.tour import TOUR

SCENARIOS: Final[dict[str, Scenario]] = {scenario.name: scenario for scenario in (TOUR, QUIET)}

__all__ = ["SCENARIOS", "Scenario", "Stage", "make_world"]
