"""What the account may do on one side: asked of the API server kind by kind, never guessed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import anyio

from tmcconsole.kube.cache.informer_state import Phase
from tmcconsole.kube.client.reader import Reader
from tmcconsole.kube.errors import KubeError
from tmcconsole.kube.objects import Kind
from tmcconsole.runtime import Runtime
from tmcconsole.sync.state.hub import Watched

log = logging.getLogger(__name__)

Right = tuple[str, str]  # verb and subresource
HUB_VERBS: Final = ("get", "list", "watch", "patch")
READING_VERBS: Final = ("get", "list", "watch")
TARGET_VERBS: Final = (*READING_VERBS, "create", "patch", "delete")
REVIEW_S: Final = 300.0  # a revoked right that no request has run into is noticed within this time
DOUBT_S: Final = 5.0  # minimum time between two reviews
MISSING_S: Final = 15.0  # while rights are missing
_PATH: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def hub_rights(kind: Kind) -> Iterator[Right]:
    """Yield what a synced kind needs in the hub."""
    yield from ((verb, "") for verb in HUB_VERBS)
    if "status" in kind.subresources:
        yield ("patch", "status")


def target_rights(_kind: Kind) -> Iterator[Right]:
    """Yield what a synced kind needs on a target."""
    yield from ((verb, "") for verb in TARGET_VERBS)


def reading_rights(_kind: Kind) -> Iterator[Right]:
    """Yield what is needed on a target if tenants' accounts write."""
    yield from ((verb, "") for verb in READING_VERBS)


@dataclass(slots=True)
class Rights:
    """Owns what is known of the account's rights on one API server.

    ``missing``: the denied verbs by kind id, as ``patch`` or ``patch status``.
    """

    client: Reader
    runtime: Runtime
    kinds: Callable[[], Mapping[str, Kind]]  # the kinds to review
    needs: Callable[[Kind], Iterator[Right]]
    wait_up: Callable[[], Awaitable[None]]
    changed: Callable[[], None]
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    are_known: bool = False  # reviewed at least once
    _asked: set[str] = field(default_factory=set)  # ids reviewed so far
    _doubted: set[str] = field(default_factory=set)  # ids to be reviewed soon
    _doubt: anyio.Event = field(default_factory=anyio.Event)

    def doubt(self, id: str) -> None:
        """A request for a kind was denied, or is no longer denied: review it soon."""
        self._doubted.add(id)
        self._doubt.set()

    def look_at(self, ids: Iterable[str]) -> None:
        """Review those of the kinds soon that have not been reviewed."""
        for id in sorted(set(ids) - self._asked):
            self.doubt(id)

    def nudge_permitted(self, kinds: Mapping[str, Watched]) -> None:
        """Let denied informers retry if nothing is missing any more."""
        for id, watched in kinds.items():
            if watched.informer.state.phase is Phase.DENIED and id not in self.missing:
                watched.informer.nudge()

    async def run(self) -> None:
        """Review everything periodically, and what is in doubt soon, until cancelled."""
        all_due = self.runtime.now()
        while True:
            await self.wait_up()
            is_all = self.runtime.now() >= all_due
            if await self._review(is_all) and is_all:
                all_due = self.runtime.now() + REVIEW_S * self.runtime.rng.uniform(0.9, 1.1)
            self._doubt = anyio.Event()
            await self.runtime.sleep(DOUBT_S)
            if not self._doubted:
                is_open = bool(self.missing) or not self.are_known
                with anyio.move_on_after(
                    MISSING_S if is_open else max(0.0, all_due - self.runtime.now())
                ):
                    await self._doubt.wait()

    async def _review(self, is_all: bool) -> bool:
        """Review all kinds, or those in doubt or denied; return False if the server does not
        respond.
        """
        wanted = self.kinds()
        ids = set(wanted) if is_all else (self._doubted | self.missing.keys()) & wanted.keys()
        self._doubted = set()
        found = {id: verbs for id, verbs in self.missing.items() if id in wanted}
        try:
            for id in sorted(ids):
                found[id] = await self._refused(wanted[id])
        except KubeError as error:
            log.debug("%s: rights could not be reviewed: %s", self.client.name, error)
            self._doubted |= ids
            return False
        before, was_known = self.missing, self.are_known
        self.missing = {id: verbs for id, verbs in found.items() if verbs}
        self._asked |= ids
        self.are_known = True
        if self.missing != before or not was_known:
            self.changed()
        return True

    async def _refused(self, kind: Kind) -> tuple[str, ...]:
        """Return the denied verbs of one kind, in the order they are needed."""
        rights = tuple(self.needs(kind))
        refused = [right for right in rights if not await self._may(kind, right)]
        return tuple(" ".join(right).strip() for right in refused)

    async def _may(self, kind: Kind, right: Right) -> bool:
        verb, subresource = right
        asked = {
            "verb": verb,
            "group": kind.group,
            "version": kind.version,
            "resource": kind.resource,
            "subresource": subresource,
        }
        tree = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        answer = await self.client.review(_PATH, tree)
        return bool((answer.get("status") or {}).get("allowed"))


def tell_refused(missing: Mapping[str, tuple[str, ...]], where: str) -> Iterator[str]:
    """Yield ``patch, delete deployments.apps on east`` for each kind."""
    for id, verbs in sorted(missing.items()):
        yield f"{', '.join(verbs)} {id} {where}"
