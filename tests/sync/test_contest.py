"""Who owns a field by managedFields, and what the rules decide about it: pure decisions."""

from __future__ import annotations

from typing import Any

import pytest

from tmcconsole.config.grammar.pointers import read_pointer
from tmcconsole.config.problems import Unusable
from tmcconsole.kube.objects import Json
from tmcconsole.kube.trees.differences import subset_differences
from tmcconsole.kube.trees.managed_fields import depth_of, field_managers_of
from tmcconsole.sync.conflicts.field_rules import FieldRules
from tmcconsole.sync.conflicts.judge import ALL, DriftVerdict, contested_fields, judge, leaf_digests
from tmcconsole.sync.conflicts.pointer_steps import points_at, without

DESIRED: Json = {
    "metadata": {"name": "web", "labels": {"team": "ours"}, "annotations": {}},
    "spec": {
        "replicas": 2,
        "containers": [{"name": "main", "image": "web:1", "args": ["a"]}],
    },
}


def owned(
    manager: str, fields: Json, operation: str = "Apply", at: str = "2026-01-01T00:00:00Z"
) -> Json:
    return {"manager": manager, "operation": operation, "time": at, "fieldsV1": fields}


def live(spec: Json, *entries: Json) -> Json:
    meta = {**DESIRED["metadata"], "managedFields": list(entries)}
    return {"metadata": meta, "spec": {**DESIRED["spec"], **spec}}


def verdict(tree: Json, rules: FieldRules, *, changed: bool = False, **more: Any) -> DriftVerdict:
    found = contested_fields(subset_differences(DESIRED, tree), field_managers_of(tree), DESIRED)
    return judge(rules, found, DESIRED, has_changed=lambda _one: changed, **more)


SCALED = live(
    {"replicas": 5},
    owned("tmc-console", {"f:spec": {"f:containers": {'k:{"name":"main"}': {"f:image": {}}}}}),
    {
        **owned("kube-controller-manager", {"f:spec": {"f:replicas": {}}}, "Update"),
        "subresource": "scale",
    },
)
IMAGE = live(
    {"containers": [{"name": "main", "image": "web:9", "args": ["a"]}]},
    owned("kubectl", {"f:spec": {"f:containers": {'k:{"name":"main"}': {"f:image": {}}}}}),
)


@pytest.mark.parametrize(
    ("policy", "changed", "pile"),
    [
        ("hub-wins", False, "take_back"),
        ("cluster-wins", False, "ceded"),
        ("manual", False, "asked"),
        ("merge", False, "ceded"),
        ("merge", True, "asked"),
    ],
)
def test_B3_a_field_that_another_owns_goes_by_policy(policy: str, changed: bool, pile: str) -> None:
    found = verdict(IMAGE, FieldRules(conflict=policy), changed=changed)

    (one,) = getattr(found, pile)
    assert (one.pointer, one.owner) == ("/spec/containers/[name=main]/image", "kubectl")
    assert sum(len(getattr(found, name)) for name in ("take_back", "ceded", "asked")) == 1


def test_B4_the_scale_of_an_ignored_manager_is_left_under_any_policy() -> None:
    managers = frozenset({"kube-controller-manager/scale"})

    found = verdict(SCALED, FieldRules(managers=managers))

    assert [one.owner for one in found.ignored] == ["kube-controller-manager/scale"]
    assert found.cuts == (("spec", "replicas"),)


def test_what_an_operator_insists_on_is_taken_back_under_any_policy() -> None:
    rules = FieldRules(conflict="manual")

    assert verdict(IMAGE, rules, insisted=frozenset({ALL})).take_back
    assert verdict(IMAGE, rules, insisted=frozenset({"/spec/replicas"})).asked


def test_our_own_field_is_not_cut_although_it_is_left_because_that_would_remove_it() -> None:
    ours = owned("tmc-console", {"f:spec": {"f:replicas": {}}})

    found = verdict(live({"replicas": 5}, ours), FieldRules(conflict="cluster-wins"))

    assert len(found.ceded) == 1
    assert found.cuts == ()


def test_an_atomic_list_is_cut_as_a_whole() -> None:
    atomic = owned("kubectl", {"f:spec": {"f:containers": {'k:{"name":"main"}': {"f:args": {}}}}})
    tree = live({"containers": [{"name": "main", "image": "web:1", "args": ["b"]}]}, atomic)

    found = verdict(tree, FieldRules(conflict="cluster-wins"))

    assert found.cuts == (("spec", "containers", 0, "args"),)
    assert "args" not in without(DESIRED, found.cuts)["spec"]["containers"][0]
    assert DESIRED["spec"]["containers"][0]["args"] == ["a"]


def test_a_removed_field_names_who_wrote_last() -> None:
    tree = live(
        {},
        owned("early", {}, at="2026-01-01T00:00:00Z"),
        owned("late", {}, at="2026-01-02T00:00:00Z"),
    )
    del tree["spec"]["replicas"]

    (one,) = verdict(tree, FieldRules()).take_back

    assert one.owner == ""
    assert one.manager == "late, who wrote last"


def test_the_server_s_default_in_a_list_key_still_names_the_entry() -> None:
    desired = {"spec": {"ports": [{"containerPort": 80, "name": "web", "hostPort": 8080}]}}
    fields: Json = {
        "f:spec": {"f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {"f:name": {}}}}
    }
    (writer,) = field_managers_of({"metadata": {"managedFields": [owned("kubectl", fields)]}})

    assert depth_of(writer, ("spec", "ports", 0, "name"), desired) == 4
    assert depth_of(writer, ("spec", "ports", 0, "hostPort"), desired) is None


def test_malformed_managed_fields_name_nobody() -> None:
    entries: list[Any] = ["x", {"manager": 7}, {"fieldsV1": []}, owned("m", {"k:not json": {}})]

    writers = field_managers_of({"metadata": {"managedFields": entries}})

    assert [depth_of(one, ("spec", "replicas"), DESIRED) for one in writers] == [None]


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("/spec", True),
        ("/spec/containers/0/image", True),
        ("/spec/containers/[name=main]", True),
        ("/spec/containers/*/image", True),
        ("/spec/containers/[name=other]", False),
        ("/spec/containers/1", False),
        ("/spec/containers/0/image/tag", False),
    ],
)
def test_a_pointer_counts_for_its_place_and_all_below_it(text: str, does: bool) -> None:
    steps = ("spec", "containers", 0, "image")

    assert points_at(read_pointer(text), steps, DESIRED) is does


@pytest.mark.parametrize(
    "text", ["", "spec/replicas", "/", "/status/x", "/metadata/name", ":/spec", "/spec//a", "/a b"]
)
def test_what_is_no_pointer_to_leave_to_others_is_refused(text: str) -> None:
    with pytest.raises(Unusable):
        read_pointer(text)


def test_equal_values_of_two_objects_have_different_digests_and_values_are_not_in_them() -> None:
    one, other = leaf_digests(DESIRED, "hub/a/web/1"), leaf_digests(DESIRED, "hub/b/web/2")

    assert one.keys() == other.keys()
    assert all(one[name] != other[name] for name in one)
    assert "web:1" not in repr(one)
