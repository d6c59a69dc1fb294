"""Which tier each test is in. Every test is in exactly one: none runs twice, none falls out.

``make quick`` runs the quick ones, ``make test`` these and the usual ones, ``make check`` all. What
takes real API servers is thorough, and so is a test that is marked so. All else is in the tier of
its file, or of the nearest folder, named here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

QUICK: Final = "quick"  # pure: no engine, no process, no server; hundredths of a second each
USUAL: Final = "usual"  # the whole engine on simulated servers, the console, sockets, processes
THOROUGH: Final = "thorough"  # many seeds, kubectl, ten thousand objects, real API servers
TIERS: Final = (QUICK, USUAL, THOROUGH)

HERE: Final = Path(__file__).parent
TIER_OF: Final = {
    "test_architecture.py": QUICK,
    "test_docs.py": QUICK,
    "test_operating.py": QUICK,
    "test_hot_path.py": USUAL,
    "test_one_object.py": USUAL,
    "test_tiers.py": QUICK,
    "acceptance": THOROUGH,
    "cli": USUAL,
    "cli/test_deployment.py": THOROUGH,
    "config": QUICK,
    "daemon": USUAL,
    "differential": THOROUGH,
    "engine": USUAL,
    "engine/test_board.py": QUICK,
    "engine/test_claim.py": QUICK,
    "engine/test_heartbeat.py": QUICK,
    "envtest": THOROUGH,
    "faultproxy": USUAL,
    "faults": USUAL,
    "faults/test_catalogue.py": QUICK,
    "incidents": THOROUGH,
    "kube": USUAL,
    "kube/test_deep.py": QUICK,
    "kube/test_ingest.py": QUICK,
    "kube/test_json_patch.py": QUICK,
    "kube/test_odd_kubeconfigs.py": THOROUGH,
    "kube/test_patches.py": QUICK,
    "kube/test_redact.py": QUICK,
    "kube/test_schemas.py": QUICK,
    "placement": QUICK,
    "scale": THOROUGH,
    "scenarios": USUAL,
    "sim": USUAL,
    "sim/test_kubectl.py": THOROUGH,
    "simulation": USUAL,
    "simulation/test_mutations.py": THOROUGH,
    "sync": QUICK,
    "sync/test_linear.py": USUAL,
    "tmc": QUICK,
    "ui": USUAL,
    "ui/test_commandline.py": QUICK,
    "ui/test_filter.py": QUICK,
    "ui/test_format.py": QUICK,
    "ui/test_mirror.py": QUICK,
    "ui/test_themes.py": QUICK,
    "ui/test_view.py": QUICK,
}


def tier_of_file(path: Path) -> str:
    """Return the tier of a file's tests. Raises ``LookupError`` where nobody has decided it."""
    inside = path.relative_to(HERE)
    for place in (inside, *inside.parents):
        if str(place) in TIER_OF:
            return TIER_OF[str(place)]
    raise LookupError(f"tests/{inside} is in no tier: name its folder in tests/tiers.py")


@pytest.hookimpl(tryfirst=True)  # before pytest selects by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its tier."""
    for item in items:
        by_hand = [name for name in (QUICK, USUAL) if item.get_closest_marker(name)]
        if by_hand:
            raise pytest.UsageError(f"{item.nodeid} is marked {by_hand[0]}: say so in {__file__}")
        tier = tier_of_file(item.path)
        if any(item.get_closest_marker(name) for name in ("envtest", THOROUGH)):
            tier = THOROUGH
        item.add_marker(tier)
