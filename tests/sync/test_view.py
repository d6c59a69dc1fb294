"""What a target sees of a hub object, and what becomes of its writes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.trees import THEN, make_tree, patched
from tmcconsole.kube.objects import Json, annotations_of, finalizers_of
from tmcconsole.sync.assignment.plan import is_assigned
from tmcconsole.sync.desired.target_view import (
    NotOwner,
    ViewInvalid,
    gone_view,
    read_view,
    summarised_fields,
    write_view,
)
from tmcconsole.sync.names.markers import (
    FINALIZER,
    PROMOTED,
    SPEC_DIFF,
    STATUS_DIFF,
    SUMMARIZING,
    finalizer_keys,
    state_keys,
)

SPEC = {"replicas": 4, "paused": False}


def noted(tree: Json, **notes: str) -> Json:
    tree["metadata"]["annotations"] |= notes
    return tree


def make_source(**more: Any) -> Json:
    held, states = ("a", "b"), {"a": "Sync", "b": "Sync"}
    return make_tree(states=states, held=held, spec=SPEC, status={"ready": 1}, **more)


def split(replicas: int) -> str:
    return orjson.dumps([{"op": "replace", "path": "/replicas", "value": replicas}]).decode()


# Reading


def test_of_the_finalizers_a_target_sees_its_own() -> None:
    source = make_source()
    source["metadata"]["finalizers"].append("example.com/theirs")

    assert finalizers_of(read_view(source, "a")) == (FINALIZER + "a",)
    assert finalizers_of(read_view(source, "c")) == ()


def test_a_deletion_in_the_hub_is_not_seen_before_it_is_stamped_for_the_target() -> None:
    assert "deletionTimestamp" not in read_view(make_source(deleting=True), "a")["metadata"]


def test_a_stamp_is_seen_as_the_deletion() -> None:
    view = read_view(make_source(stamps=("a",)), "a")

    assert view["metadata"]["deletionTimestamp"] == THEN


def test_a_soft_finalizer_hides_the_stamp() -> None:
    view = read_view(make_source(stamps=("a",), soft=("a",), deleting=True), "a")

    assert "deletionTimestamp" not in view["metadata"]


def test_each_target_sees_the_spec_with_its_own_diff() -> None:
    source = noted(make_source(), **{SPEC_DIFF + "a": split(1), SPEC_DIFF + "b": split(3)})

    assert read_view(source, "a")["spec"] == {"replicas": 1, "paused": False}
    assert read_view(source, "b")["spec"] == {"replicas": 3, "paused": False}
    assert read_view(source, "c")["spec"] == SPEC


def test_a_target_sees_the_status_it_reported_and_nobody_elses() -> None:
    own = orjson.dumps({"status": {"ready": 7}}).decode()
    source = noted(make_source(), **{STATUS_DIFF + "a": own})

    assert read_view(source, "a")["status"] == {"ready": 7}
    assert "status" not in read_view(source, "b")
    assert STATUS_DIFF + "a" not in annotations_of(read_view(source, "b"))


def test_a_promoted_status_is_the_objects_own() -> None:
    promoted = orjson.dumps({"status": PROMOTED}).decode()
    source = noted(make_source(), **{STATUS_DIFF + "a": promoted})

    assert read_view(source, "a")["status"] == {"ready": 1}


def test_a_summarised_field_of_the_spec_is_each_targets_own() -> None:
    rules = orjson.dumps([{"fieldPath": "spec.replicas", "promoteToUpstream": False}]).decode()
    own = orjson.dumps({"spec.replicas": 9}).decode()
    source = noted(make_source(), **{SUMMARIZING: rules, STATUS_DIFF + "a": own})

    assert read_view(source, "a")["spec"] == {"replicas": 9, "paused": False}
    assert read_view(source, "b")["spec"] == {"paused": False}
    assert read_view(source, "b")["status"] == {"ready": 1}


@pytest.mark.parametrize(
    "text",
    [
        "no patch",
        '[{"op": "replace", "path": "/absent", "value": 1}]',
        '[{"op": "replace", "path": "", "value": 1}]',
        orjson.dumps(
            [{"op": "remove", "path": "/paused"}, {"op": "remove", "path": "/x"}]
        ).decode(),
    ],
)
def test_a_spec_diff_that_cannot_be_applied_names_the_annotation(text: str) -> None:
    source = noted(make_source(), **{SPEC_DIFF + "a": text})

    with pytest.raises(ViewInvalid, match=SPEC_DIFF + "a") as caught:
        read_view(source, "a")

    assert caught.value.reason == "SpecDiffInvalid"
    assert read_view(source, "b")["spec"] == SPEC


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "{}",
        "[1]",
        '[{"fieldPath": "metadata.labels"}]',
        '[{"fieldPath": "a..b"}]',
        '[{"fieldPath": "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q"}]',
    ],
)
def test_summarizing_rules_that_cannot_be_used_are_said_to_be_so(text: str) -> None:
    with pytest.raises(ViewInvalid) as caught:
        summarised_fields(noted(make_source(), **{SUMMARIZING: text}))

    assert caught.value.reason == "SummarizingInvalid"


# Writing


def test_a_target_that_took_the_object_gets_its_finalizer() -> None:
    source = make_tree(states={"a": "Sync"})
    view = read_view(source, "a")
    view["metadata"]["finalizers"] = [FINALIZER + "a"]

    patch = write_view(source, view, "a")

    assert patch is not None
    assert finalizer_keys(patched(source, patch)) == {"a"}


def test_what_a_target_writes_of_the_spec_is_not_taken() -> None:
    source = make_source()
    view = read_view(source, "a") | {"spec": {"replicas": 99}}

    assert write_view(source, view, "a") is None


@pytest.mark.parametrize("state", ["", "Upsync", None])
def test_a_target_that_is_not_synced_may_not_write(state: str | None) -> None:
    source = make_tree(states={} if state is None else {"a": state}, held=("a",))

    with pytest.raises(NotOwner):
        write_view(source, read_view(source, "a"), "a")


def test_a_view_without_the_finalizer_is_refused_while_nothing_is_deleted() -> None:
    source = make_tree(states={"a": "Sync"})

    with pytest.raises(NotOwner):
        write_view(source, read_view(source, "a"), "a")


_keys = st.sets(st.sampled_from("abc")).map(lambda keys: tuple(sorted(keys)))
_trees = st.builds(
    make_tree,
    states=st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "Sync", "Upsync"])),
    stamps=_keys,
    held=_keys,
    soft=_keys,
    deleting=st.booleans(),
    spec=st.just(SPEC),
    status=st.just({"ready": 1}),
)


@given(tree=_trees, key=st.sampled_from("abc"))
def test_reading_changes_nothing_and_twice_is_as_once(tree: Json, key: str) -> None:
    before = orjson.dumps(tree)

    view = read_view(tree, key)

    assert orjson.dumps(tree) == before
    assert read_view(tree, key) == view
    assert finalizer_keys(view) <= {key}
    assert view["spec"] == tree["spec"]


@given(tree=_trees, key=st.sampled_from("abc"))
def test_a_target_sees_a_deletion_exactly_where_it_is_stamped_to_leave(
    tree: Json, key: str
) -> None:
    """Wanted means assigned, and not seen as deleted after the deletion is stamped."""
    if tree["metadata"].get("deletionTimestamp"):
        for stamped in "abc":
            tree["metadata"]["annotations"].setdefault(
                "deletion.internal.workload.kcp.io/" + stamped, THEN
            )
    seen_deleted = "deletionTimestamp" in read_view(tree, key)["metadata"]

    assert is_assigned(tree, key) is (state_keys(tree).get(key) == "Sync" and not seen_deleted)


@given(tree=_trees, key=st.sampled_from("abc"))
def test_once_the_copy_is_gone_all_marks_of_the_target_go_and_no_others(
    tree: Json, key: str
) -> None:
    patch = write_view(tree, gone_view(tree, key), key)

    assert patch is not None
    left = patched(tree, patch)
    assert finalizer_keys(left) == finalizer_keys(tree) - {key}
    others = {other: state for other, state in state_keys(tree).items() if other != key}
    assert {o: s for o, s in state_keys(left).items() if o != key} == others
