"""Names that a workspace and its targets would both use: as kcp has it, a copy gets another.

Each API server publishes its own authority as a ConfigMap of one name in every namespace. A
workspace's goes to targets beside theirs. Pure, and by name alone: a copy is found and told from
others also when its source is gone.
"""

from __future__ import annotations

from typing import Final

_KIND: Final = "configmaps"
ROOT_CA: Final = "kube-root-ca.crt"
KCP_ROOT_CA: Final = "kcp-root-ca.crt"


def name_on_target(kind: str, name: str) -> str:
    """Return what a workspace's object of kind id ``kind`` is called on targets."""
    return KCP_ROOT_CA if (kind, name) == (_KIND, ROOT_CA) else name


def name_in_hub(kind: str, name: str) -> str:
    """Return the name in the workspace of a copy."""
    return ROOT_CA if (kind, name) == (_KIND, KCP_ROOT_CA) else name


def is_made_by_clusters(kind: str, name: str) -> bool:
    """True for what every cluster makes for itself in each of its namespaces."""
    return (kind, name) in (("serviceaccounts", "default"), (_KIND, ROOT_CA))


def is_reserved(kind: str, name: str) -> bool:
    """True for a name in the workspace whose copy would be taken for another's."""
    return (kind, name) == (_KIND, KCP_ROOT_CA)
