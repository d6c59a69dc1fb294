"""Seeds that once found a fault, and what each found. They always run.

A seed keeps its meaning only while the draw and the program around it stay the same: what
it caught has, or should have, a plain test as well.
"""

from __future__ import annotations

from typing import Final

MUSEUM: Final[dict[int, str]] = {
    155: "I12: after a wrongly empty list the mirror refused every live answer, twice a second",
    65: "I12: the same with hashed namespaces and five crashes",
    235: "I12: the same with prefixed namespaces, where the namespace was asked for each time",
    221: "I10: a foreign object was written to again whenever its parent was looked at",
    1: "L1: a desired state changed and changed back had a new generation that was never observed",
    107: "L1: replicas were divided among targets that did not have the namespace",
    181: "L1: the same with a cordoned target kept by the Placement and a namespace made anew",
    125: "I10: an error made a collision forgotten; a lost hub connection does so too, and may",
    120: "L5: an engine started on an empty list of SyncTargets believes it until it is restarted",
    161: "L4: what waits 30 s for a lost answer was taken for rest, with a namespace half emptied",
}
