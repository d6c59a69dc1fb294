"""State shared by all parts of one simulated API server."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tmcconsole.runtime import Random
from tmcconsole.sim.storage.fault_injection import Faults
from tmcconsole.sim.storage.kinds import Kinds
from tmcconsole.sim.storage.paging import Pages
from tmcconsole.sim.storage.store import Store

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"  # without vowels, so that generated names form no words


@dataclass
class Server:
    """The state of one API server. Owned by its cluster."""

    name: str
    flavour: str  # workload, hub or kcp
    store: Store
    kinds: Kinds
    faults: Faults
    now: Callable[[], float]  # monotonic seconds
    clock: Callable[[], float]  # Unix seconds, without clock skew
    rng: Random
    pages: Pages = field(default_factory=Pages)
    terminating_definitions: int = 0  # CRDs that wait for their instances to be deleted

    def sheltered(self) -> Server:
        """Return the same server without faults, as seen from inside the cluster."""
        return replace(self, faults=Faults(self.store, self.rng))

    def wall(self) -> float:
        """Return Unix seconds by this server's clock."""
        return self.clock() + self.faults.skew_s

    def stamp(self) -> str:
        """Return the server's time as RFC 3339, in whole seconds."""
        return rfc3339(self.wall())

    def new_uid(self) -> str:
        """Return a random UUID."""
        bits = self.rng.getrandbits(128)
        bits = (bits & ~(0xF << 76)) | (0x4 << 76)
        bits = (bits & ~(0x3 << 62)) | (0x2 << 62)
        text = f"{bits:032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def name_suffix(self, length: int = 5) -> str:
        """Return a random suffix for generated names."""
        return "".join(self.rng.choice(_SUFFIX) for _ in range(length))


def rfc3339(seconds: float) -> str:
    """Return Unix seconds as a Kubernetes time."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
