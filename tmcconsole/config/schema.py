"""Every configuration key, derived from the fields of the settings, with its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, get_type_hints

from tmcconsole.config import values
from tmcconsole.config.grammar.selectors import field_terms, label_terms
from tmcconsole.config.policies import CONFLICT_POLICIES, TAKEOVERS, WRITE_MODES
from tmcconsole.config.settings import (
    BATCHED,
    DELAYED,
    IMMEDIATE,
    ClusterAccess,
    ConsoleSettings,
    DaemonSettings,
    SyncSettings,
)
from tmcconsole.config.status_rules import status_rules
from tmcconsole.config.values import ValueReader

LOG_LEVELS: Final = ("debug", "info", "warning", "error")

# Limits are wide: they catch typing errors, not unusual choices.
_READERS: Final[Mapping[str, ValueReader]] = {
    "sync.policy": values.choice(IMMEDIATE, BATCHED, DELAYED),
    "sync.batch_interval": values.duration(0.1, 3600),
    "sync.delay": values.duration(0.1, 3600),
    "sync.selector": values.selector(label_terms),
    "sync.field_selector": values.selector(field_terms),
    "sync.namespaces": values.choice("auto", "same", "kcp", "prefix"),
    "sync.profile": values.choice("restricted", "baseline", "trusted"),
    "sync.crds": values.choice("never", "follow"),
    "sync.impersonate": values.identity,
    "sync.impersonate_groups": values.identities,
    "sync.ingress_hosts": values.host_patterns,
    "sync.upsync_secrets": values.object_names,
    "sync.status": values.choice("aggregate", "promote"),
    "sync.status_rules": status_rules,
    "sync.workers": values.integer(1, 256),
    "sync.heartbeat": values.duration(1, 600),
    "sync.heartbeat_timeout": values.duration(3, 3600),
    "sync.lease_duration": values.duration(3, 600),
    "sync.lease_renew_deadline": values.duration(1, 600),
    "sync.lease_retry": values.duration(0.2, 120),
    "sync.brake_deletes": values.integer(0, 1_000_000),
    "sync.brake_percent": values.number(0, 100),
    "sync.conflict_policy": values.word(CONFLICT_POLICIES),
    "sync.takeover": values.word(TAKEOVERS),
    "sync.write_mode": values.word(WRITE_MODES),
    "sync.ignore_fields": values.pointers,
    "hub.kubeconfig": values.kubeconfig,
    "console.refresh_hz": values.number(0.2, 10),
    "daemon.log_format": values.choice("text", "json"),
    "daemon.log_level": values.choice(*LOG_LEVELS),
}
_BY_TYPE: Final[Mapping[object, ValueReader]] = {
    str: values.text,
    bool: values.boolean,
    int: values.integer(0, 2**31),
    Path: values.path,
    Path | None: values.path,
    tuple[str, ...]: values.texts,
}


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """One key: where it is written, and which field it sets."""

    section: str  # "" = top level
    name: str  # as written; a duration's field has the suffix "_s"
    field: str
    read: ValueReader
    default: object

    @property
    def path(self) -> str:
        """``section.name``."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def variable(self) -> str:
        """The environment variable that sets this key."""
        return "TMC_" + self.path.replace(".", "_").upper()


def _keys(section: str, settings: type) -> tuple[ConfigKey, ...]:
    hints = get_type_hints(settings)
    found = []
    for field in fields(settings):
        name = field.name.removesuffix("_s")
        read = _READERS.get(f"{section}.{name}") or _BY_TYPE[hints[field.name]]
        found.append(
            ConfigKey(
                section=section, name=name, field=field.name, read=read, default=field.default
            )
        )
    return tuple(found)


ACCESS: Final = _keys("hub", ClusterAccess)
SECTIONS: Final[Mapping[str, tuple[ConfigKey, ...]]] = {
    "": (ConfigKey("", "state_dir", "state_dir", values.path, None),),
    "hub": ACCESS,
    "sync": _keys("sync", SyncSettings),
    "console": _keys("console", ConsoleSettings),
    "daemon": _keys("daemon", DaemonSettings),
}
KEYS: Final[Mapping[str, ConfigKey]] = {key.path: key for keys in SECTIONS.values() for key in keys}
# Keys of [sync] that a [[targets]] entry may override.
OVERRIDES: Final = (
    "namespaces_include",
    "namespaces_exclude",
    "selector",
    "field_selector",
    "kinds_allow",
    "kinds_deny",
)
TARGET_READERS: Final[Mapping[str, ValueReader]] = {
    "name": values.target_name,
    "labels": values.labels,
    **{key.name: key.read for key in ACCESS},
    **{name: KEYS[f"sync.{name}"].read for name in OVERRIDES},
}
