"""What one target should hold of one hub object, and whether it may: asked by all who need either.

From the hub's object to the wish in one order: what the target sees of it, what may travel, the
wish; and what policy says is said of that end result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tmcconsole.kube.objects import ObjectKey
from tmcconsole.sync.desired import Desired, build
from tmcconsole.sync.policy import Refusal, refuse
from tmcconsole.sync.view import ViewInvalid, read_view
from tmcconsole.sync.world import Target, World


@dataclass(frozen=True, slots=True)
class Wanted:
    """The wish, and why it is not carried out where it is not."""

    desired: Desired | None  # None where it cannot even be told
    refusal: Refusal | None
    left_out: tuple[str, ...] = ()  # paths of metadata that policy keeps from travelling


NO_WISH: Final = Wanted(None, None)


def wanted(
    world: World,
    target: Target,
    kind: str,
    key: ObjectKey,
    source: Mapping[str, Any],
    among: tuple[str, ...] | None = None,
) -> Wanted:
    """Return what ``target`` should hold of a hub object; ``source`` is left alone."""
    here, names = target.kinds[kind].kind, target.names
    try:
        seen = read_view(source, target.key)
    except ViewInvalid as error:
        return Wanted(None, refuse(error.reason, str(error)))
    trimmed = world.policy.trim(here, seen)
    desired = build(
        here,
        trimmed.tree,
        key=target.key,
        hub_cluster=world.hub.cluster,
        namespace=names.on_target(key.namespace) if key.namespace else "",
        among=among,
        locator="" if key.namespace else names.locator("").to_json(),
    )
    tenant = world.tenant(target, key.namespace)
    refusal = world.policy.judge_source(source) or world.policy.judge(here, desired.tree, tenant)
    return Wanted(desired, refusal, trimmed.left_out)
