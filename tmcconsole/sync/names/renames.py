"""Names that both a workspace and its targets use: as in kcp, the copy gets another name.

Each API server publishes its own CA as a ConfigMap with one name in every namespace. A workspace's
goes to targets next to theirs. Pure, and by name alone: a copy must be recognised even when its
source is gone.
"""

from __future__ import annotations

from typing import Final

_KIND: Final = "configmaps"
ROOT_CA: Final = "kube-root-ca.crt"
KCP_ROOT_CA: Final = "kcp-root-ca.crt"


def name_on_target(kind: str, name: str) -> str:
    """Return the name on targets of a workspace's object of kind id ``kind``."""
    return KCP_ROOT_CA if (kind, name) == (_KIND, ROOT_CA) else name


def name_in_hub(kind: str, name: str) -> str:
    """Return the name in the workspace of a copy."""
    return ROOT_CA if (kind, name) == (_KIND, KCP_ROOT_CA) else name


def is_made_by_clusters(kind: str, name: str) -> bool:
    """True for what every cluster makes for itself in each of its namespaces."""
    return (kind, name) in (("serviceaccounts", "default"), (_KIND, ROOT_CA))


def is_reserved(kind: str, name: str) -> bool:
    """True for a name in the workspace whose copy would be mistaken for another's."""
    return (kind, name) == (_KIND, KCP_ROOT_CA)
