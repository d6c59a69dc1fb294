"""Continue tokens of paged lists."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import orjson

from tmcconsole.sim.storage.status_errors import (
    bad_request,
)
from tmcconsole.sim.storage.store import Snapshot, StoreKey

_OLD_PAGES: Final = 32  # lists paged concurrently; older ones are answered 410


class ListPosition(NamedTuple):
    """Where a list continues: after ``after``, in the state at ``version``."""

    version: int  # of the first page; -1 = continue with the current state, inconsistently
    after: StoreKey


def token(position: ListPosition) -> str:
    """Return the opaque token for a position."""
    document = {"v": "meta.k8s.io/v1", "rv": position.version, "start": list(position.after)}
    return base64.urlsafe_b64encode(orjson.dumps(document)).decode().rstrip("=")


def position(text: str) -> ListPosition:
    """Return the position in a token. Raises StatusError 400 if it is invalid."""
    try:
        document = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        namespace, name = document["start"]
        return ListPosition(int(document["rv"]), StoreKey(namespace, name))
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error


@dataclass
class Pages:
    """The snapshots from which unfinished lists continue. Owned by one cluster."""

    snapshots: dict[int, Snapshot] = field(default_factory=dict)

    def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot for the next pages."""
        self.snapshots[snapshot.version] = snapshot
        while len(self.snapshots) > _OLD_PAGES:
            del self.snapshots[min(self.snapshots)]

    def forget(self) -> None:
        """Expire every continue token."""
        self.snapshots.clear()
