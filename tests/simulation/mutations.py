"""Known mistakes, each made by replacing one thing in the engine: the checks must find them.

This is the one place where tests replace code of our own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import pytest

from tests.simulation.swarm import LAG, TIME_TRAVEL
from tmcconsole.kube.cache import cache, informer
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.objects import CachedObject, Json, Kind, ObjectKey
from tmcconsole.kube.paths import object_path
from tmcconsole.sync import assigner
from tmcconsole.sync.assignment import plan as assign
from tmcconsole.sync.deletion import delete_gate as gate
from tmcconsole.sync.down import create_update as writing
from tmcconsole.sync.down import ensure_namespace as places
from tmcconsole.sync.down import plan, removal
from tmcconsole.sync.down import reconcile_context as sending
from tmcconsole.sync.down import reconciler as downsync
from tmcconsole.sync.down.reconcile_context import ReconcileContext
from tmcconsole.sync.state.live_reads import LOOK_AGAIN_S
from tmcconsole.sync.status import merge as status
from tmcconsole.sync.status import reconciler as upstatus

Put = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Mutation:
    """A mistake, the invariants of which at least one must break, and how to make it."""

    name: str
    breaks: tuple[str, ...]
    put: Put
    habitat: tuple[str, ...] = ()  # the faults under which it shows; empty: those a seed draws
    near: int = 0  # the seed to start with, which last found it


async def _nothing(*_args: Any, **_kwargs: Any) -> None:
    """Do not ask."""


def _delete_without_live_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_require_parent_gone", _nothing)


def _delete_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async def delete(self: Client, kind: Kind, key: ObjectKey, **_conditions: Any) -> None:
        await self._write("DELETE", object_path(kind, key), (), {})

    monkeypatch.setattr(Client, "delete", delete)


def _delete_unannounced(monkeypatch: pytest.MonkeyPatch) -> None:
    async def announce(*_args: Any) -> int:
        return 0

    monkeypatch.setattr(gate, "announce", announce)


def _apply_over_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    async def create(turn: ReconcileContext) -> None:
        await places.ensure_namespace(turn.shared, turn.target, turn.key.namespace)
        await sending.send(turn, turn.desired.tree, force=True)

    monkeypatch.setattr(downsync, "create", create)


def _finalizer_after_the_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    plan_assignment = assign.plan_assignment

    def without_finalizer(tree: Json, *args: Any) -> Json | None:
        patch = plan_assignment(tree, *args)
        if patch and "finalizers" in patch["metadata"] and "labels" in patch["metadata"]:
            del patch["metadata"]["finalizers"]
        return patch

    monkeypatch.setattr(assigner, "plan_assignment", without_finalizer)
    decide = plan.decide

    def decide_early(facts: plan.Facts) -> plan.Step:
        step = decide(facts)
        return plan.Create() if isinstance(step, plan.AwaitFinalizer) else step

    monkeypatch.setattr(downsync, "decide", decide_early)


def _release_without_live_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downsync, "release", removal._let_go)


def _an_error_is_an_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    live_parent = gate._live_parent

    async def absent(*args: Any) -> CachedObject | None:
        try:
            return await live_parent(*args)
        except (KubeError, gate.Held):
            return None

    monkeypatch.setattr(gate, "_live_parent", absent)


def _run_into_collisions_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def whose(_turn: ReconcileContext, _live: CachedObject) -> float:
        return LOOK_AGAIN_S

    monkeypatch.setattr(writing, "_whose", whose)


def _believe_older_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    take_listed = cache.Cache.take_listed

    def take_anything(self: cache.Cache, new: CachedObject) -> bool:
        old = self.objects.get(new.key)
        if old is not None:
            self.objects[new.key] = msgspec.structs.replace(old, resource_version="0")
        return take_listed(self, new)

    monkeypatch.setattr(cache.Cache, "take_listed", take_anything)
    monkeypatch.setattr(informer.Informer, "_checked", lambda _self, listing: listing)


def _give_up_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reconcile = downsync.DownSync.reconcile

    async def once(self: downsync.DownSync, item: Any) -> float | None:
        try:
            return await reconcile(self, item)
        except KubeError:
            return None

    monkeypatch.setattr(downsync.DownSync, "reconcile", once)


def _never_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = plan.decide

    def again(facts: plan.Facts) -> plan.Step:
        step = decide(facts)
        if isinstance(step, plan.InSync) and facts.copy is not None:
            return plan.Update(facts.copy.uid)
        return step

    reconcile = downsync.DownSync.reconcile

    async def soon_again(self: downsync.DownSync, item: Any) -> float | None:
        later = await reconcile(self, item)
        return 10.0 if later is None and self.target.copy_of(*item) else later

    monkeypatch.setattr(downsync, "decide", again)
    monkeypatch.setattr(downsync.DownSync, "_is_settled", lambda *_args: False)
    monkeypatch.setattr(downsync.DownSync, "reconcile", soon_again)


def _report_whatever_was_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    merge = status.merge

    def hasty(reports: Any, **known: Any) -> status.Merged:
        merged = merge([replace(one, is_current=True) for one in reports], **known)
        seen = [one.status.get("observedGeneration", 0) for one in reports]
        if merged.status is not None and seen:
            merged.status["observedGeneration"] = min(seen)
        return merged

    monkeypatch.setattr(upstatus, "merge", hasty)


def _leave_before_it_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assigner, "stays_of", lambda *_args: {})
    monkeypatch.setattr(gate, "_require_replacement", _nothing)


def _believe_the_cache_of_the_replacement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_require_replacement", _nothing)


def _forget_what_collides(monkeypatch: pytest.MonkeyPatch) -> None:
    collide = ReconcileContext.collide

    def for_ever(self: ReconcileContext, message: str) -> None:
        collide(self, message)

    monkeypatch.setattr(ReconcileContext, "collide", for_ever)


BLIND: Final = ("stale_lists",)  # with crashes, there are copies that the engine does not know of
FAILING: Final = ("server_error_5xx", "quota")
MUTATIONS: Final = (
    Mutation("delete without a live read", ("I2",), _delete_without_live_read),
    Mutation("delete by name, not by uid", ("I1", "I2", "I11"), _delete_by_name, (LAG,), near=14),
    Mutation("delete unannounced", ("I11",), _delete_unannounced),
    Mutation("apply over anything", ("I1",), _apply_over_anything),
    Mutation("finalizer after the copy", ("I5",), _finalizer_after_the_copy, near=23),
    Mutation("release without a live read", ("I4",), _release_without_live_read, BLIND, near=3),
    Mutation("an error is an absence", ("I2",), _an_error_is_an_absence, FAILING),
    Mutation("run into collisions again", ("I10", "I12"), _run_into_collisions_again, near=2),
    Mutation("believe older lists", ("I7",), _believe_older_lists, (TIME_TRAVEL,)),
    Mutation("give up after an error", ("L1", "L2"), _give_up_after_an_error, FAILING, near=34),
    Mutation("leave before it is replaced", ("R13",), _leave_before_it_is_replaced),
    Mutation("believe the cache of it", ("R13",), _believe_the_cache_of_the_replacement),
    Mutation("never settle", ("L4", "I12"), _never_settle),
    Mutation("never look again at a collision", ("L7",), _forget_what_collides),
    Mutation("report whatever was observed", ("I8", "L1"), _report_whatever_was_observed),
)
