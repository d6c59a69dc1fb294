"""The durations of the Leases must be consistent with each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tmcconsole.config.load import load
from tmcconsole.config.problems import ConfigError

ANYWHERE = {"TMC_HUB_IN_CLUSTER": "true", "TMC_TARGETS": "any=in-cluster"}


@pytest.mark.parametrize(
    ("name", "written", "fix"),
    [
        ("sync.lease_duration", "15.5s", "write 15s"),
        ("sync.lease_duration", "12s", "write at most 9.6s"),
        ("sync.lease_renew_deadline", "13s", "write at most 12s"),
        ("sync.lease_retry", "3s", "write at most 2.5s"),
    ],
)
def test_durations_that_do_not_fit_are_refused_with_what_would(
    name: str, written: str, fix: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as refused:
        load(None, ANYWHERE, {name: written}, tmp_path)

    assert fix in str(refused.value)


def test_durations_that_fit_are_taken(tmp_path: Path) -> None:
    flags = {"sync.lease_duration": "30s", "sync.lease_renew_deadline": "20s"}
    sync = load(None, ANYWHERE, flags, tmp_path).settings.sync

    assert (sync.lease_duration_s, sync.lease_renew_deadline_s, sync.lease_retry_s) == (30, 20, 2)
