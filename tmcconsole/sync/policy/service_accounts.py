"""Whether the service accounts we impersonate exist: an API server does not check.

A deleted account leaves its bindings behind; without this check they would keep working for us.
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
BELIEVED_S: Final = 30.0  # a deleted account is still impersonated for this long at most
_MOST: Final = 4096  # accounts remembered; one per tenant and target


class AccountGone(NotPermitted):
    """The service account to impersonate does not exist, or we may not read it."""


@dataclass(slots=True)
class Accounts:
    """What one target reported about its service accounts, for a while. Owned by its writer."""

    client: Reader
    now: Callable[[], float]
    _seen: dict[ObjectKey, float] = field(default_factory=dict)  # until when each is believed

    async def require(self, identity: Identity) -> None:
        """Return if the identity may be used. Raises ``AccountGone`` and ``KubeError``."""
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
