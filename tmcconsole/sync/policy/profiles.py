"""The three profiles: how far users of the hub are trusted on the clusters.

``restricted``: an allow-list, for tenants who do not trust each other. ``baseline``: workloads,
configuration and custom resources; nothing that grants permissions or reaches a node. ``trusted``:
a hub with a single tenant, who may do on the clusters what the engine may.
"""

from __future__ import annotations

from typing import Final

RESTRICTED: Final = "restricted"
BASELINE: Final = "baseline"
TRUSTED: Final = "trusted"
PROFILES: Final = (RESTRICTED, BASELINE, TRUSTED)
