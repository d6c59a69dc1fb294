"""Transforms in the config file: what is understood, and one clear message for what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tmcconsole.config.grammar.fieldpath import Every, ListEntry, read_path
from tmcconsole.config.load import load
from tmcconsole.config.problems import ConfigError, Unusable
from tmcconsole.config.transform_reader import Misplaced, read_transform
from tmcconsole.config.transforms import Replicas, SetField
from tmcconsole.config.write import to_toml

HEAD = 'state_dir = "s"\n[hub]\nkubeconfig = "h"\n[[targets]]\nname = "eu"\nkubeconfig = "e"\n'


@pytest.mark.parametrize(
    ("written", "steps"),
    [
        ("spec.replicas", ("spec", "replicas")),
        ("a[0][*].b", ("a", 0, Every(), "b")),
        ("a[name=web].b", ("a", ListEntry("name", "web"), "b")),
        ("metadata.labels[example.com/x]", ("metadata", "labels", "example.com/x")),
        ('metadata.labels["a.b"]', ("metadata", "labels", "a.b")),
        ("/spec/a~1b/0", ("spec", "a/b", 0)),
        ("/a/[name=b~1c]/*/d", ("a", ListEntry("name", "b/c"), Every(), "d")),
    ],
)
def test_a_path_is_read(written: str, steps: tuple[object, ...]) -> None:
    assert read_path(written).steps == steps


@pytest.mark.parametrize("written", ["", ".", "a..b", "a[", "a[]", ".a", "a b", "a[0"])
def test_a_path_that_is_none_is_refused(written: str) -> None:
    with pytest.raises(Unusable):
        read_path(written)


@pytest.mark.parametrize(
    ("table", "key", "what"),
    [
        ({}, "", "changes nothing"),
        ({"sett": {}}, "sett", "unknown key"),
        ({"name": "no/slash", "replicas": 1}, "name", "is not a valid transform name"),
        ({"set": {"metadata.name": "x"}}, "set", "part of the object's identity"),
        ({"set": {"metadata.finalizers": []}}, "set", "part of the object's identity"),
        ({"set": {"metadata": {}}}, "set", "part of the object's identity"),
        ({"delete": ["kind"]}, "delete", "part of the object's identity"),
        ({"replace": {"status.phase": "x"}}, "replace", "part of the object's identity"),
        (
            {"patch": [{"op": "add", "path": "/apiVersion", "value": 1}]},
            "patch",
            "part of the object's identity",
        ),
        ({"patch": [{"op": "jump", "path": "/spec"}]}, "patch", "known op"),
        ({"patch": [{"op": "add", "path": "/spec"}]}, "patch", "without a value"),
        ({"patch": [{"op": "move", "path": "/spec"}]}, "patch", "from is not a JSON pointer"),
        ({"template": {"data.k": "{target.nam}"}}, "template", "unknown placeholder"),
        ({"template": {"data.k": "{name"}}, "template", "is unmatched"),
        ({"template": {"data.k": "{name.__class__}"}}, "template", "unknown placeholder"),
        ({"replicas": -1}, "replicas", "out of range"),
        ({"replicas": "many"}, "replicas", "whole number"),
        ({"images": {"docker.io": ""}}, "images", "empty registry"),
        ({"resources": {"*": {"limit": {}}}}, "resources", "requests or limits"),
        ({"resources": {"*": {"limits": {"cpu": "fast"}}}}, "resources", "not a quantity"),
        ({"storage_class": ""}, "storage_class", "storage class"),
        ({"labels": ["a"], "replicas": 1}, "labels", "table of labels"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_key(table: Any, key: str, what: str) -> None:
    with pytest.raises(Misplaced) as caught:
        read_transform({"name": "it", **table}, "config")

    assert caught.value.key == key
    assert what in str(caught.value)
    assert caught.value.fix


def test_a_transform_has_a_name() -> None:
    with pytest.raises(Misplaced, match="has no name"):
        read_transform({"replicas": 1}, "config")


def test_the_spelling_of_a_placement_is_that_of_the_file() -> None:
    one = read_transform({"name": "a", "targetLabels": {"e": ["p"]}, "storageClass": "x"}, "here")
    other = read_transform(
        {"name": "a", "target_labels": {"e": ["p"]}, "storage_class": "x"}, "here"
    )

    assert (one.match, one.changes) == (other.match, other.changes)


def test_changes_are_made_in_the_documented_order_however_they_are_written() -> None:
    found = read_transform({"name": "a", "set": {"data.k": 1}, "replicas": 2}, "here")

    assert [type(change) for change in found.changes] == [Replicas, SetField]


def test_the_file_has_transforms_in_their_order_and_writes_them_again(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        HEAD + '[[transforms]]\nname = "one"\nreplicas = 1\n'
        '[[transforms]]\nname = "two"\n[transforms.set]\n"data.k" = [1, { a = true }]\n'
    )
    settings = load(file, {}, {}, tmp_path).settings

    assert [one.name for one in settings.transforms] == ["one", "two"]
    file.write_text(to_toml(settings, everything=True))
    assert load(file, {}, {}, tmp_path).settings == settings


def test_every_problem_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        HEAD + '[[transforms]]\nname = "one"\nreplicas = "x"\n'
        '[[transforms]]\nname = "two"\nset = { "data.d" = 2026-01-01 }\n'
        '[[transforms]]\nname = "three"\nreplicas = 1\n'
        '[[transforms]]\nname = "three"\nreplicas = 1\n'
    )

    with pytest.raises(ConfigError) as caught:
        load(file, {}, {}, tmp_path)

    lines = str(caught.value).splitlines()
    assert f"{file}:9: transforms[0].replicas: must be a whole number" in lines[0]
    assert "transforms[1]" in lines[1]
    assert "JSON cannot represent" in lines[1]
    assert '"three" is used twice' in lines[2]
