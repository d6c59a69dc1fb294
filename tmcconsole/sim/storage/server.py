"""What all parts of one simulated API server share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tmcconsole.runtime import Random
from tmcconsole.sim.storage.fault_injection import Faults
from tmcconsole.sim.storage.kinds import Kinds
from tmcconsole.sim.storage.paging import Pages
from tmcconsole.sim.storage.store import Store

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"  # no vowels: generated names spell nothing


@dataclass
class Server:
    """The state of one API server. Owned by its cluster."""

    name: str
    flavour: str  # workload, hub or kcp
    store: Store
    kinds: Kinds
    faults: Faults
    now: Callable[[], float]  # monotonic seconds
    clock: Callable[[], float]  # Unix seconds, true
    rng: Random
    pages: Pages = field(default_factory=Pages)
    terminating_definitions: int = 0  # CRDs that wait for their instances to go

    def sheltered(self) -> Server:
        """Return the same server as those within the cluster meet it: past all faults."""
        return replace(self, faults=Faults(self.store, self.rng))

    def wall(self) -> float:
        """Return Unix seconds as this server sees them."""
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
        """Return random characters as generated names end in."""
        return "".join(self.rng.choice(_SUFFIX) for _ in range(length))


def rfc3339(seconds: float) -> str:
    """Return Unix seconds as a Kubernetes time."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
