"""Whether the service accounts that we write as exist: an API server does not ask when told to.

A deleted account leaves its bindings behind; without this look they would go on working for us.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tmcconsole.kube.client.reader import Reader
from tmcconsole.kube.errors import Forbidden, NotFound
from tmcconsole.kube.objects import Kind, ObjectKey
from tmcconsole.sync.policy import Identity, Impersonated, NotPermitted, refuse

ACCOUNTS: Final = Kind("", "v1", "serviceaccounts", "ServiceAccount")
BELIEVED_S: Final = 30.0  # so long at most a deleted account is still written as
_MOST: Final = 4096  # accounts remembered; one a tenant and target


class AccountGone(NotPermitted):
    """The service account to write as does not exist, or may not be looked at."""


@dataclass(slots=True)
class Accounts:
    """What one target said of its service accounts, for a while. Owned by its door."""

    client: Reader
    now: Callable[[], float]
    _seen: dict[ObjectKey, float] = field(default_factory=dict)  # until when each is believed

    async def require(self, identity: Identity) -> None:
        """Return where the identity may be used. Raises ``AccountGone`` and ``KubeError``."""
        account = identity.account if isinstance(identity, Impersonated) else None
        if account is None:
            return
        key = ObjectKey(*account)
        if self._seen.get(key, 0.0) > self.now():
            return
        self._seen.pop(key, None)
        await self._look(key)
        if len(self._seen) >= _MOST:
            self._seen.clear()
        self._seen[key] = self.now() + BELIEVED_S

    async def _look(self, key: ObjectKey) -> None:
        try:
            await self.client.get(ACCOUNTS, key)
        except NotFound as error:
            raise AccountGone(
                refuse(
                    "IdentityGone",
                    f"service account {key} does not exist there: nothing is sent as it; make it, "
                    "and bind its role",
                )
            ) from error
        except Forbidden as error:
            raise AccountGone(
                refuse(
                    "IdentityUnknown",
                    f"whether service account {key} exists may not be asked: let the engine's "
                    "account get serviceaccounts there",
                )
            ) from error
