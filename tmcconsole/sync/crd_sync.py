"""CustomResourceDefinitions that are synced to a target along with their objects, if configured.

A CRD is applied if its kind is missing and objects of it are placed, and kept equal while it is
ours. A foreign CRD is never taken over, and none is ever removed: that would delete all objects of
its kind, including those of others.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import orjson

from tmcconsole.kube.client.discovery import Discovery
from tmcconsole.kube.errors import KubeError, NotFound
from tmcconsole.kube.objects import (
    CachedObject,
    Json,
    Kind,
    ObjectKey,
    annotations_of,
    labels_of,
)
from tmcconsole.sync.names.markers import (
    CLUSTER,
    DIGEST,
    ORIGIN,
    SYNC,
    origin_of,
    place_of,
    state_keys,
)
from tmcconsole.sync.policy import NotPermitted, judge_kind
from tmcconsole.sync.state.context import SyncContext
from tmcconsole.sync.state.live_reads import with_metadata
from tmcconsole.sync.state.target import Target

FOLLOW_S: Final = 10.0  # between two looks
_RENEW_EVERY: Final = 6  # rounds: our own CRDs rarely change
_KEPT: Final = ("group", "names", "scope", "versions", "preserveUnknownFields")
_PAGE: Final = 100

DEFINITIONS: Final = Kind(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
)


def definition(source: Mapping[str, Any], *, key: str, hub_cluster: str) -> Json:
    """Return a hub's CRD as target ``key`` should have it: its spec, with our labels."""
    spec = {name: value for name, value in source["spec"].items() if name in _KEPT}
    digest = blake2b(orjson.dumps(spec, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
    return {
        "apiVersion": DEFINITIONS.api_version,
        "kind": DEFINITIONS.kind,
        "metadata": {
            "name": source["metadata"]["name"],
            "labels": {CLUSTER: key},
            "annotations": {ORIGIN: origin_of(hub_cluster, source), DIGEST: digest},
        },
        "spec": spec,
    }


@dataclass(slots=True)
class Definitions:
    """Owns what was reported about each CRD, so that it is reported once."""

    shared: SyncContext
    target: Target
    _told: dict[str, str] = field(default_factory=dict)  # by name: the last reason or event
    _looks: int = 0

    async def look(self, hub: Discovery, here: Discovery) -> bool:
        """Apply what is missing or outdated; return True if the target will soon serve more."""
        if self.target.orders.pause() is not None or not self.shared.hub.namespaces.synced:
            return False
        served = {kind.id for kind in here.kinds}
        failed = {group_version.partition("/")[0] for group_version, _ in here.failed}
        found = False
        for kind in hub.preferred():
            if kind.id not in served and kind.group not in failed and self._may_sync(kind):
                found |= await self._bring(kind)
        self._looks += 1
        if self._looks % _RENEW_EVERY == 0:
            await self._renew()
        return found

    def _may_sync(self, kind: Kind) -> bool:
        return "." in kind.group and not judge_kind(kind, self.shared.settings, hub_runs_pods=False)

    async def _bring(self, kind: Kind) -> bool:
        """Create one missing kind; an error concerns this kind only."""
        name = f"{kind.resource}.{kind.group}"
        try:
            if not await self._is_needed(kind):
                return False
            source = await self._in_hub(name)
            if source is None:  # from an APIBinding or an aggregated API: there is nothing to copy
                self._tell(name, "DefinitionMissing", "the hub has no definition of it to copy")
                return False
            return await self._write(name, source)
        except KubeError as error:
            self._tell(name, "DefinitionFailed", str(error))
            return False

    async def _renew(self) -> None:
        """Keep our CRDs equal to the hub's; those that the hub no longer has stay as they are."""
        try:
            ours = await self._ours()
        except KubeError as error:
            self._tell("", "DefinitionFailed", str(error))
            return
        for copy in ours:
            try:
                source = await self._in_hub(copy.name)
                if source is not None:
                    await self._write(copy.name, source)
            except KubeError as error:
                self._tell(copy.name, "DefinitionFailed", str(error))

    async def _write(self, name: str, source: Json) -> bool:
        """Apply a CRD unless a foreign one exists; return True if it was created, or is ours."""
        tree = definition(source, key=self.target.key, hub_cluster=self.shared.hub.cluster)
        try:
            self.shared.policy.require_definition(source)
        except NotPermitted as error:
            self._tell(name, error.reason, str(error))
            return False
        there = await self._there(name)
        if there is not None and not self._is_ours(name, there):
            self._tell(name, "DefinitionForeign", "it already exists and is not ours: left alone")
            return False
        if there is not None and annotations_of(there).get(DIGEST) == _digest_of(tree):
            return True
        guard = {"uid": there["metadata"]["uid"]} if there else {"resourceVersion": "1"}
        permit = self.shared.policy.permit_definition(DEFINITIONS, with_metadata(tree, **guard))
        async with self.target.concurrency.admitted():
            await self.target.writer.apply(permit)
        self._tell(name, "DefinitionApplied", "before its objects, as configured by sync.crds")
        return True

    def _is_ours(self, name: str, there: Json) -> bool:
        place = annotations_of(there).get(ORIGIN, "").rpartition("/")[0]
        marked = labels_of(there).get(CLUSTER) == self.target.key
        return marked and place == place_of(self.shared.hub.cluster, "", name)

    async def _is_needed(self, kind: Kind) -> bool:
        """True if an object of the kind should be on this target."""
        hub = self.shared.hub
        pages = hub.client.list_pages(kind, limit=_PAGE)
        async with aclosing(pages):
            async for page in pages:
                if any(self._belongs_here(item) for item in page.items):
                    return True
        return False

    def _belongs_here(self, item: CachedObject) -> bool:
        if item.deleting:
            return False
        if not item.namespace:
            return state_keys(item.decode()).get(self.target.key) == SYNC
        space = self.shared.hub.namespaces.get(ObjectKey("", item.namespace))
        return space is not None and self.target.key in state_keys(space.decode())

    async def _in_hub(self, name: str) -> Json | None:
        try:
            async with self.shared.hub.concurrency.admitted():
                found = await self.shared.hub.client.get(DEFINITIONS, ObjectKey("", name))
        except NotFound:
            return None
        return found.decode()

    async def _there(self, name: str) -> Json | None:
        try:
            async with self.target.concurrency.admitted():
                found = await self.target.client.get(DEFINITIONS, ObjectKey("", name))
        except NotFound as error:
            if error.is_kind:
                raise
            return None
        return found.decode()

    async def _ours(self) -> list[CachedObject]:
        pages = self.target.client.list_pages(
            DEFINITIONS, label_selector=f"{CLUSTER}={self.target.key}"
        )
        found: list[CachedObject] = []
        async with self.target.concurrency.admitted(), aclosing(pages):
            async for page in pages:
                found += page.items
        return found

    def _tell(self, name: str, event: str, message: str) -> None:
        said = f"{event} {message}"
        if event != "DefinitionApplied" and self._told.get(name) == said:
            return
        self._told[name] = said
        self.shared.history.record(
            "lifecycle",
            event,
            at=self.shared.runtime.wall(),
            target=self.target.name,
            subject=f"{DEFINITIONS.id}/{name}",
            message=message,
        )


def _digest_of(tree: Json) -> str:
    return str(tree["metadata"]["annotations"][DIGEST])
