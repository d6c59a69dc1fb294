"""Ingest of an object's bytes: digests, what is dropped, and what is refused."""

from __future__ import annotations

import random

import msgspec
import orjson
import pytest

from tests.kube.scripted import CONFIG_MAPS, make_tree
from tmcconsole.kube.client.ingest import Quarantined, mended, split_page, take, to_cached, to_event
from tmcconsole.kube.objects import CachedObject, Json


def cached(tree: Json) -> CachedObject:
    return to_cached(orjson.dumps(tree), CONFIG_MAPS)


def make_full() -> Json:
    tree = make_tree("a", 5, x="1", y="2")
    tree["metadata"] |= {
        "generation": 3,
        "labels": {"app": "shop", "tier": "web"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "n"},
        "managedFields": [{"manager": "m", "fieldsV1": {"f:data": {}}}],
    }
    return tree | {"status": {"ready": 1}}


def shuffled(value: Json, rng: random.Random) -> Json:
    names = list(value)
    rng.shuffle(names)
    return {name: value[name] for name in names}


def test_managed_fields_and_the_last_applied_copy_are_dropped_and_the_rest_stays() -> None:
    tree = make_full()

    kept = cached(tree).decode()

    del tree["metadata"]["managedFields"]
    del tree["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
    assert kept == tree


def test_digests_do_not_depend_on_the_order_of_fields_or_of_metadata() -> None:
    tree, rng = make_full(), random.Random(7)
    mixed = shuffled(tree | {"metadata": shuffled(tree["metadata"], rng)}, rng)
    one, other = cached(tree), cached(mixed)

    assert one.raw != other.raw
    assert one.content_digest == other.content_digest
    assert one.status_digest == other.status_digest
    assert len(one.content_digest) == len(one.status_digest) == 8


@pytest.mark.parametrize(
    ("change", "content", "status"),
    [
        ({"status": {"ready": 2}}, False, True),
        ({"data": {"x": "2"}}, True, False),
        ({"metadata.resourceVersion": "6"}, False, False),
        ({"metadata.generation": 4}, False, False),
        ({"metadata.managedFields": []}, False, False),
        ({"metadata.labels": {"app": "other"}}, True, False),
        ({"metadata.annotations": {"note": "n", "syncer.kcp.io/stale-status": "{}"}}, False, False),
        ({"metadata.annotations": {"syncer.kcp.io/sync": "pause"}}, True, False),
        ({"metadata.deletionTimestamp": "2024-01-01T00:00:00Z"}, True, False),
    ],
)
def test_each_digest_covers_its_part_only(change: Json, content: bool, status: bool) -> None:
    before, tree = cached(make_full()), make_full()
    for path, value in change.items():
        parent = tree["metadata"] if path.startswith("metadata.") else tree
        parent[path.removeprefix("metadata.")] = value

    after = cached(tree)

    assert (before.content_digest != after.content_digest) is content
    assert (before.status_digest != after.status_digest) is status


def test_an_object_of_a_list_and_the_same_of_a_watch_are_equal() -> None:
    bare = {k: v for k, v in make_full().items() if k not in ("apiVersion", "kind")}

    assert cached(bare) == cached(make_full())


def test_an_object_without_a_status_has_no_status_digest() -> None:
    assert cached(make_tree("a", 5)).status_digest == b""
    assert cached(make_tree("a", 5) | {"status": None}).status_digest == b""


@pytest.mark.parametrize(
    "broken",
    [
        {"metadata": None},
        {"metadata": {"name": "a"}},
        {"metadata": {"namespace": "shop"}},
        {"metadata": {"name": 7, "namespace": "shop"}},
        {"metadata": {"name": "a", "namespace": "shop", "uid": 7}},
        {"metadata": {"name": "a", "namespace": "shop", "labels": {"a": 1}}},
        {"metadata": {"name": "a", "namespace": "shop", "labels": ["a"]}},
        {"metadata": {"name": "a", "namespace": "shop", "finalizers": "a"}},
        {"status": []},
        {"kind": "Secret"},
        {"apiVersion": "v2"},
    ],
)
def test_G1_an_object_of_the_wrong_shape_is_quarantined(broken: Json) -> None:
    taken = take(msgspec.Raw(orjson.dumps(make_tree("a", 5) | broken)), CONFIG_MAPS)

    assert isinstance(taken, Quarantined)
    assert taken.reason


def test_G1_a_number_no_machine_holds_and_depth_without_end_are_quarantined() -> None:
    for text in (b"9" * 5000, b"[" * 2000 + b"]" * 2000, b'{"a":' * 2000 + b"1" + b"}" * 2000):
        body = orjson.dumps(make_tree("a", 5))[:-1] + b',"more":' + text + b"}"
        assert isinstance(take(msgspec.Raw(body), CONFIG_MAPS), Quarantined)


def test_G1_half_a_surrogate_pair_becomes_the_replacement_character_as_in_go() -> None:
    text = rb'{"a":"\ud83d\ude00 \ud800 \\ud800 \udc00"}'

    assert orjson.loads(mended(text)) == {"a": "😀 \ufffd \\ud800 \ufffd"}


def test_G1_one_broken_event_does_not_end_the_stream() -> None:
    line = orjson.dumps({"type": "ADDED", "object": make_tree("a", 5) | {"status": 1}})

    taken = to_event(line, CONFIG_MAPS)

    assert isinstance(taken, Quarantined)
    assert taken.key is not None
    assert (taken.key.name, taken.resource_version) == ("a", "5")


def test_the_bytes_kept_are_no_longer_than_they_must_be() -> None:
    kept = cached(make_full()).raw

    assert kept.__sizeof__() - b"".__sizeof__() == len(kept)


def test_G1_a_list_with_half_a_surrogate_pair_is_read_all_the_same() -> None:
    broken = orjson.dumps(make_tree("a", 5, x="here")).replace(b"here", rb"\ud800!")
    head = b'{"apiVersion":"v1","kind":"ConfigMapList","metadata":{"resourceVersion":"9"},'
    body = head + b'"items":[' + broken + b"]}"

    (item,), *_ = split_page(body, CONFIG_MAPS)
    taken = take(item, CONFIG_MAPS)

    assert isinstance(taken, CachedObject)
    assert taken.decode()["data"] == {"x": "\ufffd!"}
