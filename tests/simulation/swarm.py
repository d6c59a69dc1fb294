"""What a seed decides about a run: duration, faults, settings. Drawn once, then fixed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Final

from tests.simulation.museum import MUSEUM
from tmcconsole.config.settings import SyncSettings

KINDS: Final = ("configmaps", "deployments.apps")
TARGETS: Final = ("east", "north", "west")

# One engine lives at a time: its Leases can differ only in how often they are renewed, or it has
# none. At the defaults they are a quarter of all requests, and few runs need to pay for that.
LEASES: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"lease_duration_s": 60.0, "lease_renew_deadline_s": 45.0, "lease_retry_s": 10.0},
    {"leases": False},
    {"lease_renew_deadline_s": 9.2},  # after losing the hub for that long, back within a second
)

TIME_TRAVEL: Final = "time_travel"  # old lists for clients that have to list again
LAG: Final = "lag"  # watches that deliver everything, but late

# Faults of the simulator with the values they are switched on with, and two combined ones.
FAULTS: Final[dict[str, dict[str, Any]]] = {
    "latency": {"latency_s": 0.2, "jitter_s": 0.5},
    "outage": {},
    "blackhole": {},
    "one_way": {},
    "reject_429": {"reject_share": 0.4, "retry_after_s": 1},
    "server_error_5xx": {"error_share": 0.4, "error_code": 503},
    "lost_reply": {"lost_reply_share": 0.4},
    "conflicts": {"conflict_share": 0.4},
    "cut_watches": {},
    "silent_watches": {},
    "short_watches": {},
    "watch_410": {},
    "no_bookmarks": {},
    "disorder": {"disorder_share": 0.4},
    "compact": {},
    "stale_lists": {},
    "expired_continue": {},
    "short_pages": {},
    "empty_lists": {},
    "slow_list": {"slow_list_s": 10.0},
    "unauthorized": {},
    "forbidden": {"forbidden": {("list", "configmaps"), ("patch", "deployments.apps")}},
    "kind_500": {"failing_kinds": {"configmaps"}},
    "kind_gone": {"hidden_kinds": {"deployments.apps"}},
    "webhook_timeout": {"webhook_delay_s": 2.0, "webhook_fails": True},
    "mutating_webhook": {},
    "quota": {},
    "clock_skew": {"skew_s": 1800.0},
    TIME_TRAVEL: {},
    LAG: {},
}


@dataclass(frozen=True, slots=True)
class Swarm:
    """One seed's draw."""

    seed: int
    duration_s: float  # of the troubled part
    actions: int  # of users and operators, within the duration
    faults: tuple[str, ...]
    streams: int  # of trouble at once
    pause_s: float  # between two faults of a stream, on average
    crashes: int
    rare: float  # how often rt.sometimes() says yes
    sync: SyncSettings


def draw(seed: int) -> Swarm:
    """Return what the seed stands for."""
    rng = random.Random(f"swarm {seed}")
    names = sorted(FAULTS)
    leases = {} if seed in MUSEUM else random.Random(f"leases {seed}").choice(LEASES)
    sync = SyncSettings(
        namespaces=rng.choice(("auto", "auto", "kcp", "prefix")),
        namespace_prefix="hub-",
        kinds_allow=KINDS,
        workers=rng.choice((1, 4, 16)),
        brake_deletes=rng.choice((2, 10, 1000)),
        **leases,
    )
    return Swarm(
        seed,
        duration_s=rng.uniform(60, 180),
        actions=rng.randint(15, 60),
        faults=tuple(rng.sample(names, rng.choice((0, 1, 2, 4, 8)))),
        streams=rng.choice((1, 2, 3)),
        pause_s=rng.choice((1.0, 4.0, 10.0)),
        crashes=rng.choice((0, 0, 1, 2, 5)),
        rare=rng.choice((0.0, 0.1, 0.5)),
        sync=sync,
    )
