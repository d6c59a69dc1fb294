"""Which kinds a hub and a target have in common, and what an unreadable group means."""

from __future__ import annotations

from tmcconsole.config.settings import SyncSettings
from tmcconsole.engine.kinds import keep_unknown, synced_kinds
from tmcconsole.kube.discovery import Discovery
from tmcconsole.kube.objects import Kind

VERBS = frozenset({"get", "list", "watch", "create", "patch", "delete"})


def make_kind(id: str, version: str = "v1", verbs: frozenset[str] = VERBS) -> Kind:
    resource, _, group = id.partition(".")
    return Kind(group, version, resource, resource.title(), True, verbs)


def discovered(*kinds: Kind, failed: tuple[str, ...] = ()) -> Discovery:
    return Discovery(kinds, tuple((group, "503") for group in failed))


def pairs(hub: Discovery, target: Discovery, *, hub_runs_pods: bool = False) -> dict[str, str]:
    found = synced_kinds(hub, target, SyncSettings(), hub_runs_pods=hub_runs_pods)
    return {id: pair.hub.version for id, pair in found.items()}


def test_a_kind_is_synced_where_both_sides_serve_it() -> None:
    hub = discovered(make_kind("configmaps"), make_kind("deployments.apps"))
    target = discovered(make_kind("configmaps"), make_kind("widgets.example.com"))

    assert pairs(hub, target) == {"configmaps": "v1"}


def test_the_version_is_the_first_of_the_hubs_that_the_target_serves() -> None:
    hub = discovered(make_kind("widgets.example.com", "v2"), make_kind("widgets.example.com", "v1"))

    assert pairs(hub, discovered(make_kind("widgets.example.com", "v1"))) == {
        "widgets.example.com": "v1"
    }
    assert pairs(hub, hub) == {"widgets.example.com": "v2"}
    assert pairs(hub, discovered(make_kind("widgets.example.com", "v3"))) == {}


def test_a_target_that_cannot_be_watched_is_not_synced_in_that_kind() -> None:
    hub = discovered(make_kind("configmaps"))

    assert pairs(hub, discovered(make_kind("configmaps", verbs=VERBS - {"watch"}))) == {}


def test_a_hub_that_runs_pods_itself_keeps_them_to_itself() -> None:
    both = discovered(make_kind("configmaps"), make_kind("deployments.apps"))

    assert pairs(both, both, hub_runs_pods=True) == {"configmaps": "v1"}


def test_a_group_that_could_not_be_read_keeps_the_kinds_it_had() -> None:
    """D4: an error is no absence."""
    before = discovered(make_kind("widgets.example.com"), make_kind("gone.other.com"))
    found = discovered(make_kind("configmaps"), failed=("example.com/v1",))

    kept = keep_unknown(found, before)

    assert [kind.id for kind in kept.kinds] == ["configmaps", "widgets.example.com"]
    assert kept.failed == found.failed


def test_a_group_that_was_read_decides_what_is_gone() -> None:
    before = discovered(make_kind("widgets.example.com"))

    assert keep_unknown(discovered(make_kind("configmaps")), before).kinds == (
        make_kind("configmaps"),
    )
    assert keep_unknown(discovered(failed=("example.com",)), None).kinds == ()
