"""Names that are computed: target keys, locators, namespaces, tenants.

The rules are kcp's, so that objects written by its syncer are recognised here and vice versa. Every
hash is SHA-224 over UTF-8, written in base 62 or base 36.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson

_BASE62: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BASE36: Final = _BASE62[:36]
NAMESPACE_HASH_LENGTH: Final = 12  # base-36 characters, about 62 bits; kcp's choice


@dataclass(frozen=True, slots=True)
class TargetIdentity:
    """The identity of a SyncTarget: a recreated one with the same name is a different target."""

    cluster: str  # logical cluster (workspace) that holds the SyncTarget
    name: str
    uid: str  # of the SyncTarget object

    @property
    def key(self) -> str:
        """kcp's SyncTarget key: 37 or 38 characters, valid in a label name."""
        return target_key(self.cluster, self.name)


@dataclass(frozen=True, slots=True)
class Locator:
    """Where the content of a downstream namespace comes from."""

    target: TargetIdentity
    cluster: str  # logical cluster of the upstream namespace
    namespace: str  # "" for cluster-scoped objects

    def to_json(self) -> str:
        """Return kcp's compact JSON, in its fixed key order."""
        target = self.target
        document: dict[str, Any] = {
            "syncTarget": {"cluster": target.cluster, "name": target.name, "uid": target.uid}
        }
        if self.cluster:
            document["cluster"] = self.cluster
        document["namespace"] = self.namespace
        return orjson.dumps(document).decode()

    @staticmethod
    def from_json(text: str) -> Locator:
        """Parse a locator, of the forms kcp wrote since v0.6. Raises ``ValueError``."""
        document = orjson.loads(text)
        target = document.get("syncTarget") if isinstance(document, dict) else None
        if not isinstance(target, dict):
            raise ValueError("a namespace locator needs a syncTarget")  # noqa: TRY004
        return Locator(
            TargetIdentity(
                cluster=_first(target, "cluster", "workspace", "path"),
                name=_first(target, "name"),
                uid=_first(target, "uid"),
            ),
            cluster=_first(document, "cluster", "workspace"),
            namespace=_first(document, "namespace"),
        )


@lru_cache(maxsize=4096)  # needed at every reconcile
def target_key(cluster: str, name: str) -> str:
    """Return kcp's SyncTarget key: base62(sha224("<cluster>:<name>")), or of the bare name."""
    return _base(_sha224(f"{cluster}:{name}" if cluster else name), _BASE62)


def namespace_for(locator: Locator) -> str:
    """Return kcp's downstream namespace name: ``kcp-`` and 12 base-36 characters."""
    return "kcp-" + _base36(_sha224(locator.to_json()))[:NAMESPACE_HASH_LENGTH]


def tenant_id(locator: Locator) -> str:
    """Return the id shared by all namespaces of one workspace on one target."""
    whole = Locator(locator.target, locator.cluster, "")
    return _base(_sha224(whole.to_json()), _BASE62)


def dns_id(target: TargetIdentity, workspace: str) -> str:
    """Return kcp's name for the DNS objects of one workspace on one target."""
    uid = _base36(_sha224(target.uid))[:8]
    return f"kcp-dns-{target.name}-{uid}-{_base36(_sha224(workspace))[:8]}"


def short_hash(text: str) -> str:
    """Return the 8 base-36 characters kcp appends to generated names."""
    return _base36(_sha224(text))[:8]


def _first(document: dict[str, Any], *names: str) -> str:
    for name in names:
        if name in document:
            return str(document[name])
    return ""


def _sha224(text: str) -> bytes:
    return hashlib.sha224(text.encode()).digest()


def _base36(digest: bytes) -> str:
    """Base 36 with one leading zero for each leading zero byte, as kcp's library writes it."""
    leading = len(digest) - len(digest.lstrip(b"\0"))
    return "0" * leading + _base(digest, _BASE36)


def _base(digest: bytes, alphabet: str) -> str:
    number = int.from_bytes(digest, "big")
    digits: list[str] = []
    while number:
        number, digit = divmod(number, len(alphabet))
        digits.append(alphabet[digit])
    return "".join(reversed(digits)) or alphabet[0]
