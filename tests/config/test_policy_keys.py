"""The keys of the policy: mistakes are reported, and security holes refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.test_load import WHOLE, load_text, problems_of


def with_sync(line: str) -> str:
    return WHOLE.replace("[sync]\n", f"[sync]\n{line}\n")


def test_the_profile_is_baseline_and_nobody_is_impersonated_unless_it_says_so(
    tmp_path: Path,
) -> None:
    sync = load_text(tmp_path, WHOLE).settings.sync

    assert (sync.profile, sync.impersonate, sync.crds) == ("baseline", "", "never")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('profile = "strict"', "restricted"),
        ('impersonate = "{namespace}"', "start with fixed text"),
        ('impersonate = "{namespace}:x"', "start with fixed text"),
        ('impersonate = "system:masters"', "start with fixed text"),
        ('impersonate = "tenant:{nmespace}"', "{namespace}"),
        ('impersonate = "tenant:{namespace"', "{namespace}"),
        ('impersonate_groups = ["system:masters"]', "start with fixed text"),
        ('impersonate_groups = [""]', "name a group"),
        ('impersonate_groups = ["{cluster}"]', "start with fixed text"),
        ('ingress_hosts = ["*"]', "*.{namespace}.example.com"),
        ('ingress_hosts = ["a b"]', "*.{namespace}.example.com"),
        ('ingress_hosts = ["{tenant}.example"]', "{namespace}"),
        ('crds = "follow"\nprofile = "restricted"', 'write crds = "never"'),
    ],
)
def test_a_slip_or_a_hole_is_one_line_with_the_fix(
    tmp_path: Path, line: str, expected: str
) -> None:
    problems = problems_of(tmp_path, with_sync(line))

    assert len(problems) == 1
    assert expected in problems[0]


def test_templates_are_taken_as_they_are_written(tmp_path: Path) -> None:
    lines = (
        'impersonate = "system:serviceaccount:{target_namespace}:tmc-{target}"\n'
        'impersonate_groups = ["tenants", "tenants:{cluster}"]\n'
        'ingress_hosts = ["{namespace}.Apps.example", "*.{namespace}.example"]'
    )

    sync = load_text(tmp_path, with_sync(lines)).settings.sync

    assert sync.impersonate == "system:serviceaccount:{target_namespace}:tmc-{target}"
    assert sync.impersonate_groups == ("tenants", "tenants:{cluster}")
    assert sync.ingress_hosts == ("{namespace}.apps.example", "*.{namespace}.example")
