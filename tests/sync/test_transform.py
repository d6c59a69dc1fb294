"""Transforms of a desired state: each operation, what it matches, and what none may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.sync.trees import make_tree
from tmcconsole.config.transform_reader import read_transform
from tmcconsole.config.transforms import Transform
from tmcconsole.kube.objects import Json, Kind
from tmcconsole.sync.desired.build import Desired, DesiredInputs, build
from tmcconsole.sync.desired.transform import TransformFailed
from tmcconsole.sync.names.images import from_elsewhere, full_name
from tmcconsole.sync.names.markers import CLUSTER

CONFIGMAPS = Kind("", "v1", "configmaps", "ConfigMap")
DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment")
CRONJOBS = Kind("batch", "v1", "cronjobs", "CronJob")
STATEFULSETS = Kind("apps", "v1", "statefulsets", "StatefulSet")
CLAIMS = Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
LABELS = (("environment", "production"), ("region", "eu"))


def make_transform(**table: Any) -> Transform:
    return read_transform({"name": "it", **table}, "config")


def desired(kind: Kind, source: Json, *transforms: Transform) -> Desired:
    inputs = DesiredInputs(None, transforms, "eu-west", LABELS)
    return build(kind, source, key="K", hub_cluster="hub", namespace="there", inputs=inputs)


def made(kind: Kind, source: Json, **table: Any) -> Json:
    """Return what one transform makes of an object."""
    return desired(kind, source, make_transform(**table)).tree


def make_pods(*images: str, name: str = "web") -> Json:
    containers = [{"name": f"{name}-{i}" if i else name, "image": v} for i, v in enumerate(images)]
    return {"replicas": 2, "template": {"spec": {"containers": containers}}}


def web(*images: str) -> Json:
    return make_tree(spec=make_pods(*(images or ("nginx:1",))))


CHANGES: list[tuple[str, dict[str, Any], Mapping[str, Any], Any]] = [
    ("set a leaf", {"set": {"data.k": "new"}}, {"data": {"k": "v"}}, {"k": "new"}),
    ("set makes the way", {"set": {"data.a.b": 1}}, {}, {"a": {"b": 1}}),
    ("set by pointer", {"set": {"/data/a~1b": "x"}}, {}, {"a/b": "x"}),
    ("set a dotted key", {"set": {'data["a.b"]': "x"}}, {}, {"a.b": "x"}),
    ("set an index", {"set": {"data[1]": 9}}, {"data": [1, 2]}, [1, 9]),
    ("set every entry", {"set": {"data[*].v": 0}}, {"data": [{"v": 1}, {}]}, [{"v": 0}, {"v": 0}]),
    (
        "set a named entry that is missing",
        {"set": {"data[name=b].v": 2}},
        {"data": [{"name": "a"}]},
        [{"name": "a"}, {"name": "b", "v": 2}],
    ),
    ("set a whole object", {"set": {"data": {"x": 1}}}, {"data": {"y": 2}}, {"x": 1}),
    ("replace what is there", {"replace": {"data.k": 1}}, {"data": {"k": 0}}, {"k": 1}),
    ("replace nothing that is not", {"replace": {"data.no.k": 1}}, {"data": {}}, {}),
    ("delete a field", {"delete": ["data.k"]}, {"data": {"k": 1, "l": 2}}, {"l": 2}),
    ("delete what is not there", {"delete": ["data.a.b.c"]}, {"data": {}}, {}),
    (
        "delete named entries",
        {"delete": ["data[name=a]"]},
        {"data": [{"name": "a"}, {"name": "b"}]},
        [{"name": "b"}],
    ),
    ("delete every entry", {"delete": ["data[*]"]}, {"data": [1, 2, 3]}, []),
    (
        "template",
        {"template": {"data.k": "{target.name}.{target.labels.region}/{namespace}/{name}{{}}"}},
        {},
        {"k": "eu-west.eu/shop/settings{}"},
    ),
    (
        "template on a value",
        {"template": {"data.k": "{value}-x"}},
        {"data": {"k": 7}},
        {"k": "7-x"},
    ),
    (
        "template of the target",
        {"template": {"data.k": "{kind} {target.key} {target.namespace}"}},
        {},
        {"k": "ConfigMap K there"},
    ),
    (
        "patch",
        {
            "patch": [
                {"op": "test", "path": "/data/k", "value": 1},
                {"op": "remove", "path": "/data/k"},
            ]
        },
        {"data": {"k": 1}},
        {},
    ),
]


@pytest.mark.parametrize(("table", "more", "data"), [row[1:] for row in CHANGES], ids=lambda _: "")
def test_a_change_makes_of_an_object(table: Json, more: Mapping[str, Any], data: Any) -> None:
    assert made(CONFIGMAPS, make_tree(**more), **table)["data"] == data


@pytest.mark.parametrize(
    ("image", "elsewhere"),
    [
        ("nginx", "mirror.eu/hub/library/nginx"),
        ("nginx:1.27", "mirror.eu/hub/library/nginx:1.27"),
        ("acme/web@sha256:00", "mirror.eu/hub/acme/web@sha256:00"),
        ("docker.io/library/nginx", "mirror.eu/hub/library/nginx"),
        ("ghcr.io/acme/web:1", "inside.example/web:1"),
        ("ghcr.io/acme-other/web:1", "ghcr.io/acme-other/web:1"),
        ("localhost:5000/web", "localhost:5000/web"),
        ("docker.io.evil.example/web", "docker.io.evil.example/web"),
    ],
)
def test_images_come_from_another_registry(image: str, elsewhere: str) -> None:
    rules = {"docker.io": "mirror.{target.labels.region}/hub", "ghcr.io/acme": "inside.example/"}

    tree = made(DEPLOYMENTS, web(image), images=rules)

    assert tree["spec"]["template"]["spec"]["containers"][0]["image"] == elsewhere


def test_the_longest_beginning_of_an_image_counts() -> None:
    rules = {"ghcr.io": "short.example", "ghcr.io/acme/web": "long.example/web"}

    tree = made(DEPLOYMENTS, web("ghcr.io/acme/web:1", "ghcr.io/acme/api"), images=rules)

    found = [one["image"] for one in tree["spec"]["template"]["spec"]["containers"]]
    assert found == ["long.example/web:1", "short.example/acme/api"]


def test_init_containers_and_nested_templates_have_images_too() -> None:
    pod = {"initContainers": [{"name": "i", "image": "busybox"}], "containers": []}
    source = make_tree(spec={"jobTemplate": {"spec": {"template": {"spec": pod}}}})

    tree = made(CRONJOBS, source, images={"docker.io": "m"})

    inner = tree["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert inner["initContainers"][0]["image"] == "m/library/busybox"


def test_full_names_are_those_of_the_runtimes() -> None:
    assert full_name("redis@sha256:1") == "docker.io/library/redis@sha256:1"
    assert full_name("a/b") == "docker.io/a/b"
    assert full_name("localhost/b") == "localhost/b"
    assert from_elsewhere("a/b", "docker.io/a/b") == ""


def test_replicas_are_those_of_the_transform_and_only_where_there_are_any() -> None:
    table = {"replicas": 5}

    assert made(DEPLOYMENTS, web(), **table)["spec"]["replicas"] == 5
    assert "spec" not in made(CONFIGMAPS, make_tree(), **table)


def test_resources_are_given_to_all_then_to_one_and_taken_away() -> None:
    source = web("a", "b")
    source["spec"]["template"]["spec"]["containers"][1]["resources"] = {"limits": {"cpu": "9"}}
    table = {
        "*": {"limits": {"memory": "1Gi", "cpu": ""}},
        "web": {"requests": {"cpu": "100m"}, "limits": {"memory": "2Gi"}},
    }

    tree = made(DEPLOYMENTS, source, resources=table)

    found = [one["resources"] for one in tree["spec"]["template"]["spec"]["containers"]]
    assert found == [
        {"requests": {"cpu": "100m"}, "limits": {"memory": "2Gi"}},
        {"limits": {"memory": "1Gi"}},
    ]


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("fast", "standard", "fast"),
        ("fast", None, "fast"),
        ("fast", "", ""),
        ({"standard": "gp3"}, "standard", "gp3"),
        ({"standard": "gp3"}, "other", "other"),
        ({"standard": "gp3", "*": "any"}, "other", "any"),
        ({"standard": "gp3"}, None, None),
    ],
)
def test_claims_get_the_targets_storage_class(rule: Any, before: Any, after: Any) -> None:
    spec: Json = {"accessModes": ["ReadWriteOnce"]} | (
        {"storageClassName": before} if before is not None else {}
    )
    templates = {"volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": dict(spec)}]}

    claim = made(CLAIMS, make_tree(spec=dict(spec)), storage_class=rule)
    stateful = made(STATEFULSETS, make_tree(spec=templates), storage_class=rule)

    assert claim["spec"].get("storageClassName") == after
    inner = stateful["spec"]["volumeClaimTemplates"][0]["spec"]
    assert inner.get("storageClassName") == after


@pytest.mark.parametrize(
    ("match", "is_made"),
    [
        ({}, True),
        ({"kinds": ["configmaps"]}, True),
        ({"kinds": ["ConfigMap"]}, True),
        ({"kinds": ["*.apps", "Secret"]}, False),
        ({"namespaces": ["sh*"]}, True),
        ({"namespaces": ["other"]}, False),
        ({"names": ["sett?ngs"]}, True),
        ({"names": ["x"]}, False),
        ({"labels": {"tier": "gold"}}, True),
        ({"labels": {"tier": ["silver", "gold"], "app": "*"}}, True),
        ({"labels": {"tier": "silver"}}, False),
        ({"labels": {"absent": "*"}}, False),
        ({"targets": ["eu-*"]}, True),
        ({"targets": ["us-*"]}, False),
        ({"target_labels": {"environment": ["production", "staging"]}}, True),
        ({"target_labels": {"environment": "test"}}, False),
    ],
)
def test_what_a_transform_matches(match: Json, is_made: bool) -> None:
    source = make_tree()
    source["metadata"]["labels"] |= {"tier": "gold", "app": "shop"}

    found = desired(CONFIGMAPS, source, make_transform(set={"data.k": "made"}, **match))

    assert (found.tree.get("data") == {"k": "made"}) is is_made
    assert bool(found.applied) is is_made


def test_transforms_are_made_in_order_and_each_sees_the_last() -> None:
    first = make_transform(name="first", template={"data.k": "{value}1"})
    second = make_transform(name="second", template={"data.k": "{value}2"})

    found = desired(CONFIGMAPS, make_tree(), first, second)

    assert found.tree["data"] == {"k": "12"}
    assert [str(one) for one in found.applied] == [
        "first (config): template data.k",
        "second (config): template data.k",
    ]


def test_the_digest_follows_what_the_transforms_make_and_not_that_there_are_some() -> None:
    plain = desired(CONFIGMAPS, make_tree(data={"k": "v"}))
    same = desired(CONFIGMAPS, make_tree(data={"k": "v"}), make_transform(set={"data.k": "v"}))
    other = desired(CONFIGMAPS, make_tree(data={"k": "v"}), make_transform(set={"data.k": "w"}))

    assert same.digest == plain.digest != other.digest
    assert str(same.applied[0]) == "it (config): nothing to change"


def test_the_source_is_left_alone() -> None:
    source = make_tree(data={"k": ["v"]})

    made(CONFIGMAPS, source, set={"data.k[0]": "w"})

    assert source["data"] == {"k": ["v"]}


FAILING: list[tuple[str, Json, Mapping[str, Any], str]] = [
    ("name", {"patch": [{"op": "move", "from": "/metadata/name", "path": "/data"}]}, {}, "name"),
    ("finalizers", {"set": {"metadata.labels": 3}}, {}, "metadata.labels must be text"),
    ("numbers", {"set": {"metadata.annotations.n": 3}}, {}, "metadata.annotations must be text"),
    (
        "our label",
        {"set": {f"metadata.labels[{CLUSTER}]": "else"}},
        {},
        "belongs to the state machine",
    ),
    (
        "our annotation",
        {
            "patch": [
                {"op": "add", "path": "/metadata/annotations/syncer.kcp.io~1origin", "value": "x"}
            ]
        },
        {},
        "belongs to the state machine",
    ),
    ("test", {"patch": [{"op": "test", "path": "/data", "value": 1}]}, {"data": 2}, "patch"),
    ("absent", {"patch": [{"op": "remove", "path": "/data/k"}]}, {"data": {}}, "patch"),
    ("list", {"set": {"data.k": 1}}, {"data": [1]}, "data is a list"),
    ("leaf", {"set": {"data.k.l": 1}}, {"data": {"k": "v"}}, "data.k is no object"),
    ("no list", {"set": {"data[*]": 1}}, {"data": {"k": 1}}, "data is no list"),
    ("index", {"set": {"data[3]": 1}}, {"data": [1]}, "only 1 entries"),
    ("label", {"template": {"data.k": "{target.labels.zone}"}}, {}, "has no label zone"),
    ("text", {"template": {"data": "x"}}, {"data": {}}, "data holds no text"),
    ("length", {"template": {"data.k": "{value}{value}"}}, {"data": {"k": "x" * 40000}}, "65536"),
]


@pytest.mark.parametrize(("table", "more", "why"), [row[1:] for row in FAILING])
def test_a_transform_that_fails_leaves_no_desired_state_and_says_why(
    table: Json, more: Mapping[str, Any], why: str
) -> None:
    with pytest.raises(TransformFailed) as caught:
        made(CONFIGMAPS, make_tree(**more), **table)

    text = str(caught.value)
    assert text.startswith("transform it (config) fails on configmaps shop/settings on eu-west: ")
    assert why in text
    assert text.endswith("correct the transform, or narrow its match")
    assert "\n" not in text
