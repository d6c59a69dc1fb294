"""The door of a target: the one place that sends changes there.

It accepts only a ``Permit``, and acts as the identity that it names. All other code has read access
only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import ApiError, Forbidden
from tmcconsole.kube.objects import CachedObject, Json
from tmcconsole.sync.names.markers import MANAGER
from tmcconsole.sync.policy import Impersonated, Permit
from tmcconsole.sync.policy.service_accounts import Accounts

_MAY_NOT_ACT_AS: Final = "cannot impersonate"


class TenantForbidden(Forbidden):
    """403 to an impersonated request: the user's rights are missing, or ours to impersonate."""


@dataclass(frozen=True, slots=True)
class TargetWriter:
    """Writes to one target. Raises ``KubeError``; ``AccountGone`` before anything is sent."""

    _client: Client
    _accounts: Accounts

    async def apply(
        self, permit: Permit, *, force: bool = False, dry_run: bool = False
    ) -> CachedObject:
        """Apply what the permit carries, as our one field manager."""
        if permit.tree is None:
            raise TypeError(f"the permit for {permit.kind.id} {permit.key} is one to delete")
        await self._accounts.require(permit.identity)
        try:
            return await self._client.apply(
                permit.kind,
                permit.tree,
                manager=MANAGER,
                force=force,
                dry_run=dry_run,
                headers=permit.identity.headers,
            )
        except Forbidden as error:
            raise _told(permit, error) from error

    async def claim(self, permit: Permit, patch: list[Json]) -> None:
        """Make others' entries ours by patching managedFields; our next apply removes them."""
        if permit.tree is None:
            raise TypeError(f"the permit for {permit.kind.id} {permit.key} is one to delete")
        await self._accounts.require(permit.identity)
        try:
            await self._client.json_patch(
                permit.kind,
                permit.key,
                patch,
                manager=MANAGER,
                headers=permit.identity.headers,
            )
        except Forbidden as error:
            raise _told(permit, error) from error

    async def delete(self, permit: Permit, *, uid: str, resource_version: str = "") -> None:
        """Delete the permit's object, if it has that uid."""
        if permit.tree is not None:
            raise TypeError(f"the permit for {permit.kind.id} {permit.key} is one to apply")
        await self._accounts.require(permit.identity)
        try:
            await self._client.delete(
                permit.kind,
                permit.key,
                uid=uid,
                resource_version=resource_version,
                headers=permit.identity.headers,
            )
        except Forbidden as error:
            raise _told(permit, error) from error


def _told(permit: Permit, error: ApiError) -> ApiError:
    """Say whose permission is missing. Nothing is ever retried as ourselves."""
    identity = permit.identity
    if not isinstance(identity, Impersonated):
        return error
    if _MAY_NOT_ACT_AS in str(error):
        return TenantForbidden(
            error.code,
            "ImpersonationForbidden",
            f"{error}; let the engine's account impersonate {identity.user} there",
            error.causes,
        )
    if identity.user not in str(error):
        return error  # an admission plugin's refusal, whoever asked
    message = f"{error}; bind a role for it to {identity.user} there"
    return TenantForbidden(error.code, "IdentityForbidden", message, error.causes)
