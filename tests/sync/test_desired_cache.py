"""A desired state computed when an object is assigned is computed again only if it must be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tmcconsole.kube.objects import Kind, ObjectKey
from tmcconsole.sync.desired.build import PLAIN, DesiredInputs
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.desired_cache import KEPT, Basis, DesiredCache, DesiredState

CONFIGMAPS = Kind("", "v1", "configmaps", "ConfigMap")
BASIS = Basis(b"digest", PLAIN, CONFIGMAPS, ObjectKey("shop", "settings"))
STATE = DesiredState(None, None)
OTHER = DesiredState(None, None, ("metadata.labels[x]",))


def item(name: str = "settings") -> Item:
    return Item("configmaps", ObjectKey("shop", name))


def test_a_state_is_found_on_the_basis_it_was_made_on() -> None:
    cache = DesiredCache()
    cache.keep(item(), BASIS, STATE)
    assert cache.find(item(), replace(BASIS)) is STATE
    assert cache.find(item("other"), BASIS) is None


@pytest.mark.parametrize(
    "basis",
    [
        pytest.param(replace(BASIS, digest=b"edited"), id="object"),
        pytest.param(replace(BASIS, inputs=DesiredInputs(among=("a", "b"))), id="terms"),
        pytest.param(replace(BASIS, kind=Kind("", "v2", "configmaps", "ConfigMap")), id="version"),
        pytest.param(replace(BASIS, there=ObjectKey("kcp-1", "settings")), id="place"),
    ],
)
def test_a_state_made_on_anything_else_is_not_found(basis: Basis) -> None:
    cache = DesiredCache()
    cache.keep(item(), BASIS, STATE)
    assert cache.find(item(), basis) is None


def test_a_full_box_keeps_what_came_first_and_renews_what_it_has() -> None:
    cache = DesiredCache()
    for number in range(KEPT):
        cache.keep(item(str(number)), BASIS, STATE)
    cache.keep(item("late"), BASIS, STATE)
    cache.keep(item("0"), BASIS, OTHER)
    assert len(cache) == KEPT
    assert cache.find(item("late"), BASIS) is None
    assert cache.find(item("0"), BASIS) is OTHER
    cache.drop(item("0"))
    assert cache.find(item("0"), BASIS) is None
