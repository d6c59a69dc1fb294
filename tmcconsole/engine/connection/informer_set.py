"""A set of informers that follows the required kinds, each started and stopped on its own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup

from tmcconsole.kube.cache.informer import Informer
from tmcconsole.kube.objects import Kind
from tmcconsole.runtime import spawn
from tmcconsole.sync.state.hub import Watched


@dataclass(slots=True)
class InformerSet:
    """Owns the informer tasks of one API server. ``kinds`` is shared with the reconcilers."""

    group: TaskGroup
    name: str
    kinds: dict[str, Watched]
    make: Callable[[Kind], Informer]
    # Runs beside a new informer, and ends with it.
    first_look: Callable[[str], Coroutine[Any, Any, None]]
    _scopes: dict[str, anyio.CancelScope] = field(default_factory=dict)

    def follow(self, wanted: dict[str, Kind]) -> tuple[list[str], list[str]]:
        """Stop informers that are no longer required, start new ones; return (started, stopped)
        ids.
        """
        stopped = [id for id, here in self.kinds.items() if wanted.get(id) != here.kind]
        for id in stopped:
            self._scopes.pop(id).cancel()
            del self.kinds[id]
        started = [id for id in sorted(wanted) if id not in self.kinds]
        for id in started:
            self._start(id, wanted[id])
        return started, stopped

    def _start(self, id: str, kind: Kind) -> None:
        informer = self.make(kind)
        self.kinds[id] = Watched(kind, informer)
        scope = self._scopes[id] = anyio.CancelScope()
        spawn(self.group, self._run, id, informer, scope, name=f"{self.name} informer {id}")

    async def _run(self, id: str, informer: Informer, scope: anyio.CancelScope) -> None:
        with scope:
            async with anyio.create_task_group() as group:
                spawn(group, self.first_look, id, name=f"{self.name} first look at {id}")
                await informer.run()
