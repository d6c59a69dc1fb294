"""What is worked out when an object is assigned is not worked out again, unless it must be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tmcconsole.kube.objects import Kind, ObjectKey
from tmcconsole.sync.desired.build import PLAIN, Terms
from tmcconsole.sync.queue.workqueue import Item
from tmcconsole.sync.state.desired_cache import KEPT, Basis, Wanted, Wishes

CONFIGMAPS = Kind("", "v1", "configmaps", "ConfigMap")
BASIS = Basis(b"digest", PLAIN, CONFIGMAPS, ObjectKey("shop", "settings"))
WISH = Wanted(None, None)
OTHER = Wanted(None, None, ("metadata.labels[x]",))


def item(name: str = "settings") -> Item:
    return Item("configmaps", ObjectKey("shop", name))


def test_a_wish_is_found_on_the_basis_it_was_made_on() -> None:
    wishes = Wishes()
    wishes.keep(item(), BASIS, WISH)
    assert wishes.find(item(), replace(BASIS)) is WISH
    assert wishes.find(item("other"), BASIS) is None


@pytest.mark.parametrize(
    "basis",
    [
        pytest.param(replace(BASIS, digest=b"edited"), id="object"),
        pytest.param(replace(BASIS, terms=Terms(among=("a", "b"))), id="terms"),
        pytest.param(replace(BASIS, kind=Kind("", "v2", "configmaps", "ConfigMap")), id="version"),
        pytest.param(replace(BASIS, there=ObjectKey("kcp-1", "settings")), id="place"),
    ],
)
def test_a_wish_made_on_anything_else_is_not_found(basis: Basis) -> None:
    wishes = Wishes()
    wishes.keep(item(), BASIS, WISH)
    assert wishes.find(item(), basis) is None


def test_a_full_box_keeps_what_came_first_and_renews_what_it_has() -> None:
    wishes = Wishes()
    for number in range(KEPT):
        wishes.keep(item(str(number)), BASIS, WISH)
    wishes.keep(item("late"), BASIS, WISH)
    wishes.keep(item("0"), BASIS, OTHER)
    assert len(wishes) == KEPT
    assert wishes.find(item("late"), BASIS) is None
    assert wishes.find(item("0"), BASIS) is OTHER
    wishes.drop(item("0"))
    assert wishes.find(item("0"), BASIS) is None
