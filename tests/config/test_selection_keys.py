"""The keys that select objects, as written in the config file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tmcconsole.config.load import load
from tmcconsole.config.problems import ConfigError
from tmcconsole.config.settings import Settings
from tmcconsole.config.write import to_toml

FILE = """
[hub]
kubeconfig = "hub"

[[targets]]
name = "east"
kubeconfig = "east"
{target}

[sync]
{sync}
"""


def read(tmp_path: Path, sync: str = "", target: str = "") -> Settings:
    file = tmp_path / "tmc-console.toml"
    file.write_text(FILE.format(sync=sync, target=target))
    return load(file, {}, {}, tmp_path).settings


def test_a_target_may_have_its_own_selection_and_it_is_written_again(tmp_path: Path) -> None:
    target = 'selector = "app=shop"\nnamespaces_exclude = ["a", "b-*"]'

    settings = read(tmp_path, 'selector = "app"', target)

    assert dict(settings.targets[0].overrides) == {
        "selector": "app=shop",
        "namespaces_exclude": ("a", "b-*"),
    }
    assert settings.sync.selector == "app"
    again = tmp_path / "again.toml"
    again.write_text(to_toml(settings))
    assert load(again, {}, {}, tmp_path).settings.targets == settings.targets


@pytest.mark.parametrize(
    ("sync", "target", "key"),
    [
        ('selector = "a in b"', "", "sync.selector"),
        ('field_selector = "status.phase=Running"', "", "sync.field_selector"),
        ("", 'selector = "=x"', "targets[0].selector"),
    ],
)
def test_a_selector_that_cannot_be_read_is_one_clear_line(
    tmp_path: Path, sync: str, target: str, key: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, sync, target)

    [problem] = raised.value.problems
    assert problem.key == key
    assert "kubectl" in problem.fix
