"""Writes settings as TOML, and files that are complete and private from their first byte."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tmcconsole.config.schema import ACCESS, SECTIONS, ConfigKey
from tmcconsole.config.settings import ClusterAccess, Settings, StatusRule, TargetSettings
from tmcconsole.config.transforms import Transform
from tmcconsole.config.values import spell_duration


def to_toml(settings: Settings, *, beside: Path | None = None, everything: bool = False) -> str:
    """Return the settings as a TOML document that loads to equal settings.

    Only non-default values are written, unless ``everything``. Paths inside the directory
    ``beside`` become relative to it, so that the directory can be moved.
    """
    import tomli_w

    # Transforms go at the top: short ones become one line, which no table may precede.
    transforms = [_transform(transform) for transform in settings.transforms]
    head = {
        "state_dir": _written_path(settings.state_dir, beside),
        **({"transforms": transforms} if transforms else {}),
        "hub": _access(settings.hub, beside),
    }
    targets = [_target(target, beside) for target in settings.targets]
    tail: dict[str, Any] = {}
    for section in ("sync", "console", "daemon"):
        values = getattr(settings, section)
        written = {
            key.name: _written(key, getattr(values, key.field), beside)
            for key in SECTIONS[section]
            if (everything or getattr(values, key.field) != key.default)
            and getattr(values, key.field) is not None
        }
        if written:
            tail[section] = written
    return "\n".join([tomli_w.dumps(head), *targets, tomli_w.dumps(tail)]).rstrip() + "\n"


def write_private(path: Path, content: str) -> None:
    """Write a file with mode 0600, completely or, on any error, not at all. Raises ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600, O_EXCL
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _target(target: TargetSettings, beside: Path | None) -> str:
    """Return a [[targets]] entry; the library would put short ones on one line."""
    import tomli_w

    entry = tomli_w.dumps({"name": target.name, **_access(target.access, beside)})
    if target.labels:
        labels = tomli_w.dumps(dict(target.labels)).splitlines()
        entry += f"labels = {{ {', '.join(labels)} }}\n"
    if target.overrides:
        own = {name: list(one) if isinstance(one, tuple) else one for name, one in target.overrides}
        entry += tomli_w.dumps(own)
    return f"[[targets]]\n{entry}"


def _transform(transform: Transform) -> dict[str, Any]:
    return {"name": transform.name, **json.loads(transform.written)}


def _access(access: ClusterAccess, beside: Path | None) -> Mapping[str, Any]:
    return {
        key.name: _written(key, getattr(access, key.field), beside)
        for key in ACCESS
        if getattr(access, key.field) != key.default
    }


def _written(key: ConfigKey, value: Any, beside: Path | None) -> Any:
    if isinstance(value, Path):
        return _written_path(value, beside)
    if isinstance(value, tuple):
        return [_written_rule(one) if isinstance(one, StatusRule) else one for one in value]
    return spell_duration(value) if key.field.endswith("_s") else value


def _written_rule(rule: StatusRule) -> Mapping[str, str]:
    return {name: value for name, value in asdict(rule).items() if value}


def _written_path(path: Path, beside: Path | None) -> str:
    if beside is not None and path.is_relative_to(beside):
        return str(path.relative_to(beside))
    return str(path)
