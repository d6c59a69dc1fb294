"""The names of policies: who wins a conflict, what may be taken over, how copies are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

HUB_WINS: Final = "hub-wins"
CLUSTER_WINS: Final = "cluster-wins"
MERGE: Final = "merge"
MANUAL: Final = "manual"

NEVER: Final = "Never"
IF_NO_DIFF: Final = "IfNoDiff"
ALWAYS: Final = "Always"

APPLY: Final = "Apply"
CREATE_ONLY: Final = "CreateOnly"
REPORT_DIFF: Final = "ReportDiff"

# Aliases from other tools. The hub writes our objects first, and whoever changes the copy writes
# last. Weights of clusters say nothing about the hub, so an operator must decide.
CONFLICT_POLICIES: Final[Mapping[str, str]] = {
    **{word: word for word in (HUB_WINS, CLUSTER_WINS, MERGE, MANUAL)},
    "kcp-wins": HUB_WINS,
    "first-writer-wins": HUB_WINS,
    "FirstWriter": HUB_WINS,
    "UseSource": HUB_WINS,
    "downstream-wins": CLUSTER_WINS,
    "last-writer-wins": CLUSTER_WINS,
    "LastWriter": CLUSTER_WINS,
    "UseTarget": CLUSTER_WINS,
    "Manual": MANUAL,
    "ClusterWeight": MANUAL,
    "Error": MANUAL,
}
TAKEOVERS: Final[Mapping[str, str]] = {word: word for word in (NEVER, IF_NO_DIFF, ALWAYS)}
WRITE_MODES: Final[Mapping[str, str]] = {word: word for word in (APPLY, CREATE_ONLY, REPORT_DIFF)}
