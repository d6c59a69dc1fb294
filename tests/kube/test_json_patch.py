"""JSON patches from annotations: read with bounds, applied completely or not at all."""

from __future__ import annotations

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmcconsole.kube.trees.json_patch import (
    MAX_BYTES,
    MAX_OPERATIONS,
    PatchInvalid,
    apply_patch,
    places,
    read_patch,
)

SPEC = {"replicas": 3, "template": {"containers": [{"name": "web"}, {"name": "side"}]}}


def patched(*operations: Any) -> Any:
    return apply_patch(SPEC, read_patch(orjson.dumps(operations).decode()))


def test_operations_are_carried_out_in_order() -> None:
    found = patched(
        {"op": "test", "path": "/replicas", "value": 3},
        {"op": "replace", "path": "/replicas", "value": 1},
        {"op": "remove", "path": "/template/containers/1"},
        {"op": "add", "path": "/template/containers/-", "value": {"name": "log"}},
        {"op": "copy", "from": "/replicas", "path": "/least"},
        {"op": "move", "from": "/least", "path": "/a~1b"},
    )

    assert found == {
        "replicas": 1,
        "template": {"containers": [{"name": "web"}, {"name": "log"}]},
        "a/b": 1,
    }


def test_what_is_patched_is_left_as_it_was() -> None:
    before = orjson.dumps(SPEC)

    patched({"op": "remove", "path": "/template/containers/0/name"})

    assert orjson.dumps(SPEC) == before


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("{}", "not a list"),
        ("[1]", "not an object"),
        ('[{"path": "/a"}]', "must be one of"),
        ('[{"op": "add", "path": "/a"}]', "lacks value"),
        ('[{"op": "remove"}]', "lacks path"),
        ('[{"op": "move", "path": "/a"}]', "lacks from"),
        ('[{"op": "remove", "path": 3}]', "a string"),
        ('[{"op": "remove", "path": "a"}]', "operation 0"),
        (" " * (MAX_BYTES + 1), "characters"),
        ("[" + ",".join(['{"op":"remove","path":"/a"}'] * (MAX_OPERATIONS + 1)) + "]", "257"),
    ],
)
def test_what_is_no_patch_says_why(text: str, why: str) -> None:
    with pytest.raises(PatchInvalid, match=why):
        read_patch(text)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/absent", "value": 1},
        {"op": "remove", "path": "/absent"},
        {"op": "test", "path": "/replicas", "value": 4},
        {"op": "add", "path": "/replicas/deeper", "value": 1},
        {"op": "remove", "path": "/template/containers/9"},
        {"op": "add", "path": "/template/containers/x", "value": 1},
    ],
)
def test_what_does_not_fit_names_the_operation(operation: Any) -> None:
    with pytest.raises(PatchInvalid, match="operation 1"):
        patched({"op": "test", "path": "", "value": SPEC}, operation)


def test_copies_of_copies_end_before_memory_does() -> None:
    grow = [{"op": "copy", "from": "", "path": f"/again{number}"} for number in range(64)]

    with pytest.raises(PatchInvalid, match="too large"):
        patched(*grow)


def test_places_are_told_with_escapes_undone() -> None:
    operations = read_patch('[{"op": "move", "from": "/a~1b/0", "path": ""}]')

    assert list(places(operations)) == [(), ("a/b", "0")]


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~-0", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab/~-0", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)
_pointers = st.text("/ab~01-", max_size=6) | _json
_operations = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x"])},
        optional={"path": _pointers, "from": _pointers, "value": _json},
    ),
    max_size=4,
)


@given(tree=_json, operations=_operations)
def test_whatever_it_is_it_is_carried_out_or_refused(tree: Any, operations: Any) -> None:
    before = orjson.dumps(tree)
    with contextlib.suppress(PatchInvalid):
        orjson.dumps(apply_patch(tree, read_patch(orjson.dumps(operations).decode())))

    assert orjson.dumps(tree) == before
