"""``tmc-console manifests``: what it prints is what the shipped Deployment has, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tmcconsole.cli import main
from tmcconsole.config.settings import SyncSettings
from tmcconsole.engine.connection.rbac_manifests import rules, synced_kinds
from tmcconsole.kube.objects import Json

SAMPLE = Path(__file__).parents[2] / "sample-configs" / "deployment.yaml"


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> list[Json]:
    assert main(["manifests", "rbac", *words]) == 0
    return list(yaml.safe_load_all(capsys.readouterr().out))


def test_the_shipped_deployment_has_the_rights_that_its_own_config_asks_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = list(yaml.safe_load_all(SAMPLE.read_text()))
    text = next(one["data"]["config.toml"] for one in shipped if one["kind"] == "ConfigMap")
    config = tmp_path / "config.toml"
    config.write_text(text)

    found = printed(capsys, "--side", "hub", "--config", str(config))

    assert found == [one for one in shipped if one["apiVersion"].startswith("rbac.")]


def test_listed_kinds_are_all_that_may_be_written() -> None:
    sync = SyncSettings(kinds_allow=("configmaps", "widgets.example.com"), upsync_kinds=())

    assert synced_kinds(sync) == ("configmaps", "widgets.example.com")
    written = {
        name
        for rule in rules(sync, "target")
        if {"create", "patch", "delete"} <= set(rule.verbs)
        for name in rule.resources
    }
    assert written == {"namespaces", "configmaps", "widgets"}


def test_a_kind_that_no_profile_takes_gets_no_rights() -> None:
    sync = SyncSettings(kinds_allow=("configmaps", "nodes"))

    assert synced_kinds(sync) == ("configmaps",)


def test_where_tenants_write_the_engine_itself_only_reads() -> None:
    sync = SyncSettings(impersonate="system:serviceaccount:{namespace}:deployer")

    verbs = {
        verb
        for rule in rules(sync, "target")
        if "deployments" in rule.resources
        for verb in rule.verbs
    }

    assert verbs == {"get", "list", "watch"}


def test_an_account_is_a_namespace_and_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--side", "hub", "--account", "nobody", "--config", str(SAMPLE.with_name("push.toml"))]

    assert main(["manifests", "rbac", *words]) == 1
    assert "write NAMESPACE/NAME" in capsys.readouterr().err
