"""What the sources have set so far, and the problems that involve several keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tmcconsole.config import values
from tmcconsole.config.problems import ConfigProblem, Unusable
from tmcconsole.config.schema import KEYS, ConfigKey
from tmcconsole.config.settings import TargetSettings
from tmcconsole.config.transforms import Transform


@dataclass(slots=True)
class Draft:
    """What has been read so far; a later source replaces an earlier one key by key."""

    given: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    targets: tuple[TargetSettings, ...] = ()
    transforms: tuple[Transform, ...] = ()
    problems: list[ConfigProblem] = field(default_factory=list)

    def set(self, key: ConfigKey, raw: object, folder: Path, source: str, line: int = 0) -> None:
        """Take one source's value for a key, or the problem with it."""
        try:
            self.given[key.path] = key.read(raw, folder)
        except Unusable as error:
            self.problems.append(
                ConfigProblem(
                    source=source, line=line, key=key.path, what=str(error), fix=error.fix
                )
            )
        self.origins[key.path] = f"{source}:{line}" if line else source


def access_problem(found: Mapping[str, object]) -> Unusable | None:
    """Return what is wrong with how to reach one cluster: exactly one way must be given."""
    if found.get("in_cluster"):
        if found.get("kubeconfig") or found.get("context"):
            return Unusable("in_cluster excludes kubeconfig and context", "remove one of them")
        return None
    if not found.get("kubeconfig"):
        return Unusable(
            "does not say how to reach the cluster",
            'write kubeconfig = "FILE", or in_cluster = true inside a cluster',
        )
    return None


def check_whole(draft: Draft, source: str) -> None:
    """Report problems that involve several keys. Parts that already have a problem are skipped."""

    def report(key: str, what: str, fix: str) -> None:
        draft.problems.append(
            ConfigProblem(
                source=draft.origins.get(key, source), line=0, key=key, what=what, fix=fix
            )
        )

    hub = {path[4:]: value for path, value in draft.given.items() if path.startswith("hub.")}
    seen = {problem.key.partition(".")[0].partition("[")[0] for problem in draft.problems}
    if "hub" not in seen and (problem := access_problem(hub)):
        report("hub", str(problem), problem.fix)
    if "targets" not in seen and not draft.targets:
        report("targets", "no target is configured", "write at least one [[targets]]")
    for key, each, names in (
        ("targets", "target", [target.name for target in draft.targets]),
        ("transforms", "transform", [transform.name for transform in draft.transforms]),
    ):
        for name in sorted({name for name in names if names.count(name) > 1}):
            report(key, f'"{name}" is used twice', f"give each {each} a different name")
    beat, silence = (_given(draft, f"sync.heartbeat{end}") for end in ("", "_timeout"))
    if "sync" not in seen and beat >= silence:
        report(
            "sync.heartbeat_timeout",
            "must be longer than sync.heartbeat",
            f"write {values.spell_duration(3 * beat)}, three missed beats",
        )
    if "sync" not in seen:
        _check_leases(draft, report)
        _check_profile(draft, report)


def _check_profile(draft: Draft, report: Callable[[str, str, str], None]) -> None:
    if _given(draft, "sync.crds") == "follow" and _given(draft, "sync.profile") == "restricted":
        report(
            "sync.crds",
            "the restricted profile does not allow CRDs to be synced",
            'write crds = "never", or another sync.profile',
        )


def _check_leases(draft: Draft, report: Callable[[str, str, str], None]) -> None:
    """A holder must stop before others start, and have several attempts before it stops."""
    names = ("sync.lease_duration", "sync.lease_renew_deadline", "sync.lease_retry")
    lease, deadline, retry = (_given(draft, name) for name in names)
    if lease % 1:
        report(names[0], "must be whole seconds", "a Lease stores seconds: write 15s")
    if deadline > 0.8 * lease:
        fix = f"write at most {values.spell_duration(0.8 * lease)}"
        report(names[1], "must be 20 % shorter than sync.lease_duration", fix)
    if retry > deadline / 4:
        fix = f"write at most {values.spell_duration(deadline / 4)}"
        report(names[2], "must be a quarter of sync.lease_renew_deadline, or less", fix)


def _given(draft: Draft, path: str) -> Any:
    return draft.given.get(path, KEYS[path].default)
