"""Merge patches and differences, against their definitions and the kubernetes package."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from tmcconsole.kube.trees.differences import diff, merge_patch, same_quantity, subset_differences

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=12,
)
TREES = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def paths(wanted: Any, actual: Any) -> list[str]:
    return [difference.path for difference in subset_differences(wanted, actual)]


def without_nulls(value: Any) -> Any:
    """Return what a merge patch can express: null members of maps count as missing."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return value


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_what_rfc_7396_says(target: Any, patch: Any, result: Any) -> None:
    before = copy.deepcopy(target)

    assert merge_patch(target, patch) == result
    assert target == before


@given(TREES, TREES)
def test_a_difference_patch_turns_the_old_into_the_new(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    patched = merge_patch(old, diff(old, new))

    assert repr(without_nulls(patched)) == repr(_in_order(without_nulls(new), patched))


def _in_order(value: Any, like: Any) -> Any:
    """Return ``value`` with its keys in the order of ``like``: repr tells True from 1."""
    if isinstance(value, dict) and isinstance(like, dict):
        first = [name for name in like if name in value]
        rest = [name for name in value if name not in like]
        return {name: _in_order(value[name], like.get(name)) for name in first + rest}
    return value


@given(TREES)
def test_there_is_no_patch_between_equals(tree: dict[str, Any]) -> None:
    assert diff(tree, copy.deepcopy(tree)) == {}
    assert subset_differences(tree, copy.deepcopy(tree)) == ()


def test_what_is_not_wanted_is_not_looked_at() -> None:
    assert paths({"spec": {"a": 1}}, {"spec": {"a": 1, "b": 2}, "status": {}}) == []


def test_missing_null_and_empty_are_equal() -> None:
    wanted: dict[str, Any] = {"a": None, "b": {}, "c": [], "d": {"e": None}}

    assert paths(wanted, {}) == []
    assert paths(wanted, {"a": {}, "b": None, "c": None, "d": {}}) == []
    assert paths({"a": 0, "b": False, "c": ""}, {}) == ["a", "b", "c"]


def test_a_missing_branch_is_told_leaf_by_leaf() -> None:
    assert paths({"spec": {"a": {"b": 1, "c": 2}}}, {"spec": {}}) == ["spec.a.b", "spec.a.c"]


def test_entries_are_matched_by_their_keys_whatever_their_order() -> None:
    wanted = {"containers": [{"name": "web", "image": "a:2"}, {"name": "log", "image": "b"}]}
    actual = {
        "containers": [
            {"name": "injected"},
            {"name": "log", "image": "b"},
            {"name": "web", "image": "a:1"},
        ]
    }

    assert paths(wanted, actual) == ["containers[name=web].image"]


def test_ports_without_a_protocol_are_tcp() -> None:
    wanted = {"ports": [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}]}
    actual = {
        "ports": [
            {"containerPort": 53, "protocol": "UDP"},
            {"containerPort": 53, "protocol": "TCP"},
        ]
    }

    assert paths(wanted, actual) == []


def test_a_volume_mounted_twice_is_matched_by_its_mount_path() -> None:
    mounts = [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}]

    assert paths({"volumeMounts": mounts}, {"volumeMounts": mounts[::-1]}) == []


def test_entries_that_no_key_tells_apart_are_compared_in_order() -> None:
    tolerations = [{"key": "a", "effect": "X"}, {"key": "a", "effect": "Y"}]

    assert paths({"tolerations": tolerations}, {"tolerations": tolerations}) == []
    assert paths({"tolerations": tolerations}, {"tolerations": tolerations[::-1]}) == [
        "tolerations[0].effect",
        "tolerations[1].effect",
    ]


def test_plain_lists_are_compared_whole_where_their_lengths_differ() -> None:
    assert paths({"args": ["a", "b"]}, {"args": ["a"]}) == ["args"]
    assert paths({"args": ["a", "b"]}, {"args": ["a", "c"]}) == ["args[1]"]


def test_quantities_compare_by_value_where_quantities_stand() -> None:
    wanted = {
        "resources": {
            "requests": {"cpu": "1000m", "memory": "1Gi", "nvidia.com/gpu": "1"},
            "limits": {"cpu": "0.5", "hugepages-2Mi": "1Ki"},
        },
        "sizeLimit": "1024Mi",
        "version": "1000m",
    }
    actual = {
        "resources": {
            "requests": {"cpu": "1", "memory": "1024Mi", "nvidia.com/gpu": 1},
            "limits": {"cpu": "500m", "hugepages-2Mi": "1024"},
        },
        "sizeLimit": "1Gi",
        "version": "1",
    }

    assert paths(wanted, actual) == ["version"]


def test_an_annotation_that_ends_like_a_quantity_is_text() -> None:
    assert paths(
        {"metadata": {"annotations": {"example.com/max.cpu": "1000m"}}},
        {"metadata": {"annotations": {"example.com/max.cpu": "1"}}},
    ) == ["metadata.annotations.example.com/max.cpu"]


def test_numbers_compare_by_value_and_booleans_are_no_numbers() -> None:
    assert paths({"a": 1, "b": 1.5}, {"a": 1.0, "b": 1.5}) == []
    assert paths({"a": True, "b": [1]}, {"a": 1, "b": [True]}) == ["a", "b[0]"]


@given(
    st.from_regex(r"[+-]?[0-9]{1,6}(\.[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(
        ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
    ),
)
def test_quantities_mean_what_they_mean_to_the_kubernetes_package(number: str, suffix: str) -> None:
    plain = f"{parse_quantity(number + suffix):f}"  # type: ignore[no-untyped-call]

    assert same_quantity(number + suffix, plain) or len(plain) > 40


@pytest.mark.parametrize(
    "text", ["", "a", "1 Gi", "1KI", "--1", "1e", "1Gi ", "9" * 100, True, None]
)
def test_what_is_no_quantity_equals_none(text: Any) -> None:
    assert not same_quantity(text, text)


def test_exponents_are_powers_of_ten_and_a_lone_e_is_exa() -> None:
    assert same_quantity("1e3", "1k")
    assert same_quantity("2E", "2000000000000000000")
    assert same_quantity("5E-1", "500m")
