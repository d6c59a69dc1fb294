"""Which kinds a hub and a target have in common, and what an unreadable group means."""

from __future__ import annotations

import pytest

from tmcconsole.config.settings import SyncSettings
from tmcconsole.contract.records import KindState
from tmcconsole.engine.connection.kind_standing import (
    CompareSchemas,
    KindRules,
    KindStanding,
    keep_unknown,
    pairs_of,
    restrict,
    stand_kinds,
)
from tmcconsole.kube.client.discovery import Discovery
from tmcconsole.kube.objects import Kind

ANY = SyncSettings()
WIDGETS = "widgets.example.com"
VERBS = frozenset({"get", "list", "watch", "create", "patch", "delete"})


def make_kind(id: str, version: str = "v1", verbs: frozenset[str] = VERBS) -> Kind:
    resource, _, group = id.partition(".")
    return Kind(group, version, resource, resource.title(), True, verbs)


def discovered(*kinds: Kind, failed: tuple[str, ...] = ()) -> Discovery:
    return Discovery(kinds, tuple((group, "503") for group in failed))


def stand(
    hub: Discovery,
    target: Discovery,
    *known: str,
    hub_runs_pods: bool = False,
    compare: CompareSchemas = lambda _pair: "",
    settings: SyncSettings = ANY,
) -> dict[str, KindStanding]:
    rules = KindRules("east", settings, hub_runs_pods, frozenset(known), compare)
    return stand_kinds(hub, target, rules)


def pairs(hub: Discovery, target: Discovery, *, hub_runs_pods: bool = False) -> dict[str, str]:
    found = stand(hub, target, hub_runs_pods=hub_runs_pods)
    return {id: pair.hub.version for id, pair in pairs_of(found).items()}


def told(standings: dict[str, KindStanding], id: str = WIDGETS) -> str:
    return f"{standings[id].state} {standings[id].reason}".strip()


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


def test_a_kind_that_one_side_never_served_waits_for_its_definition() -> None:
    found = stand(discovered(make_kind(WIDGETS)), discovered())

    assert told(found) == "Pending KindNotServed"
    assert "east does not serve widgets.example.com" in found[WIDGETS].message
    assert stand(discovered(), discovered(make_kind(WIDGETS))) == {}


def test_where_definitions_follow_a_missing_kind_waits_for_its_first_object() -> None:
    settings = SyncSettings(crds="follow")

    found = stand(discovered(make_kind(WIDGETS)), discovered(), settings=settings)

    assert told(found) == "Pending KindNotServed"
    assert "its CRD is synced with the first object" in found[WIDGETS].message


@pytest.mark.parametrize("side", ["the hub", "east"])
def test_A14_a_kind_that_was_synced_and_is_not_served_is_gone_on_that_side(side: str) -> None:
    sides = [discovered(), discovered(make_kind(WIDGETS))]
    hub, target = sides if side == "the hub" else reversed(sides)

    found = stand(hub, target, WIDGETS)

    assert told(found) == "Gone KindAway"
    assert found[WIDGETS].message.startswith(f"{side} does not serve")
    assert pairs_of(found) == {}


def test_a_kind_that_neither_side_serves_any_more_is_forgotten() -> None:
    assert stand(discovered(), discovered(), WIDGETS) == {}


def test_a_group_that_could_not_be_read_is_no_reason_to_call_its_kinds_gone() -> None:
    """D4: an error is no absence."""
    target = discovered(failed=("example.com/v1",))

    assert told(stand(discovered(make_kind(WIDGETS)), target, WIDGETS)) == "Pending DiscoveryFailed"
    assert told(stand(discovered(), target, WIDGETS)) == "Gone KindAway"


def test_a_kind_is_pending_until_its_definitions_are_read() -> None:
    both = discovered(make_kind(WIDGETS), make_kind("configmaps"))

    found = stand(both, both, compare=lambda _pair: None)

    assert told(found) == "Pending SchemaUnread"
    assert told(found, "configmaps") == "Accepted"


def test_the_first_version_that_fits_is_synced() -> None:
    both = discovered(make_kind(WIDGETS, "v2"), make_kind(WIDGETS, "v1"))

    found = stand(both, both, compare=lambda pair: "a: b" if pair.hub.version == "v2" else "")

    pair = found[WIDGETS].pair
    assert pair is not None
    assert pair.target.version == "v1"
    assert found[WIDGETS].hub_versions == ("v2", "v1")


def test_an_incompatible_kind_names_the_field_and_blocks_no_other() -> None:
    both = discovered(make_kind(WIDGETS), make_kind("gadgets.example.com"))
    narrow = "spec.size: string in the hub, integer there"

    found = stand(both, both, compare=lambda pair: narrow if pair.hub.resource == "widgets" else "")

    assert told(found) == "Incompatible SchemaNarrower"
    assert narrow in found[WIDGETS].message
    assert list(pairs_of(found)) == ["gadgets.example.com"]


def test_kinds_without_a_common_version_are_incompatible() -> None:
    hub, target = make_kind(WIDGETS, "v1"), make_kind(WIDGETS, "v2")

    assert told(stand(discovered(hub), discovered(target))) == "Incompatible NoCommonVersion"


def test_a_kind_the_config_denies_is_refused_with_the_reason() -> None:
    both = discovered(make_kind(WIDGETS))

    found = stand(both, both, settings=SyncSettings(kinds_deny=(WIDGETS,)))

    assert told(found) == "Refused KindDenied"


def test_missing_rights_make_a_synced_kind_unauthorized_and_no_other() -> None:
    both = discovered(make_kind(WIDGETS), make_kind("nodes"))
    found = stand(both, both)

    restricted = restrict(found[WIDGETS], ["patch widgets.example.com on east"])

    assert restricted.state is KindState.UNAUTHORIZED
    assert "patch widgets.example.com on east" in restricted.message
    assert restricted.pair is not None
    assert restrict(found[WIDGETS], []) is found[WIDGETS]
    assert restrict(found["nodes"], ["list nodes on east"]).state is KindState.REFUSED
