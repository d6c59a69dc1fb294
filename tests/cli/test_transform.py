"""``tmc-console transform --dry-run``: what a target would get, without any cluster."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import yaml

from tmcconsole.cli import main

CONFIG = """
state_dir = "state"
[hub]
kubeconfig = "nowhere"
[[targets]]
name = "eu"
kubeconfig = "nowhere"
labels = { region = "eu" }
[[targets]]
name = "us"
kubeconfig = "nowhere"

[[transforms]]
name = "region"
kinds = ["configmaps"]
template = { "data.region" = "{target.labels.region}" }
"""
OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {app: shop}}
---
apiVersion: scheduling.kcp.io/v1alpha1
kind: Placement
metadata: {name: shop}
spec:
  namespaceSelector: {matchLabels: {app: shop}}
  transforms: [{name: more, targets: [eu], set: {"metadata.labels.more": "yes"}}]
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}, data: {k: v}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tmc-console.toml").write_text(CONFIG)
    (tmp_path / "objects.yaml").write_text(OBJECTS)
    return tmp_path


def test_each_object_is_printed_as_the_target_gets_it_with_what_did_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["transform", "--dry-run", "objects.yaml", "--target", "eu"])

    out = capsys.readouterr().out
    first, second = yaml.safe_load_all(out)
    assert code == 0
    assert first["metadata"] == {"name": "a", "namespace": "shop", "labels": {"more": "yes"}}
    assert first["data"] == {"k": "v", "region": "eu"}
    assert second["metadata"] == {"name": "b", "namespace": "default"}
    assert "# configmaps shop/a on eu\n# transform more (Placement shop): set metadata" in out
    assert "# transform region (config): template data.region" in out


def test_a_transform_that_fails_is_told_and_prints_no_object(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["transform", "--dry-run", "objects.yaml", "--target", "us"])

    out = capsys.readouterr().out
    assert code == 1
    assert not any(yaml.safe_load_all(out))
    assert "# refused, TransformFailed: transform region (config) fails on configmaps" in out
    assert "the target has no label region" in out


def test_what_policy_refuses_is_told_beside_what_it_would_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(role))

    code = main(["transform", "--dry-run", "-", "--target", "eu"])

    assert code == 1
    assert "# refused, KindNotNamed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--dry-run", "objects.yaml", "--target", "asia"], "name one of the config's targets"),
        (["--dry-run", "nix.yaml", "--target", "eu"], "nix.yaml: "),
        (["--dry-run", "broken.yaml", "--target", "eu"], "broken.yaml: not YAML"),
        (
            ["--dry-run", "number.yaml", "--target", "eu"],
            "number.yaml: a document is not an object",
        ),
        (["--dry-run", "nameless.yaml", "--target", "eu"], "a Pod has no name"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    folder: Path, arguments: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.yaml").write_text("a: [")
    (folder / "number.yaml").write_text("7")
    (folder / "nameless.yaml").write_text("{apiVersion: v1, kind: Pod, metadata: {}}")

    code = main(["transform", *arguments])

    error = capsys.readouterr().err
    assert code == 1
    assert what in error
    assert len(error.splitlines()) == 1
