"""Tokens of an OpenID Connect provider, refreshed as by client-go's ``oidc`` auth provider.

The provider's certificate is always verified. When the provider rotates the refresh token, the new
one is written back to the kubeconfig: the old one is no longer valid.
"""

from __future__ import annotations

import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import anyio
import anyio.to_thread
import orjson
import yaml

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.access.kubeconfig import KubeconfigEntry, load_file
from tmcconsole.kube.access.tls import Certificates, build_context, pem_of
from tmcconsole.kube.access.tokens import bearer
from tmcconsole.kube.objects import Json
from tmcconsole.kube.redact import redact_text
from tmcconsole.kube.secret import CredentialsError, Secret

TIMEOUT_S: Final = 15.0
LEEWAY_S: Final = 10.0  # treated as expired this long before its expiry; client-go's number
MAX_ANSWER: Final = 1 << 20  # bytes


class OidcToken:
    """An id-token while it is valid, then one obtained with the refresh token."""

    def __init__(self, user: KubeconfigEntry, config: Json, wall: Callable[[], float]) -> None:
        self._user = user
        self._source = user.where
        provider = KubeconfigEntry(user.name, config, user.file)
        self._issuer = provider.text("idp-issuer-url").rstrip("/")
        self._client_id = provider.text("client-id")
        self._client_secret = Secret(provider.text("client-secret"))
        self._id_token = Secret(provider.text("id-token"))
        self._refresh_token = Secret(provider.text("refresh-token"))
        self._provider = provider
        self._wall = wall
        self._lock = anyio.Lock()
        if not self._issuer or not self._client_id:
            raise user.fault("oidc needs idp-issuer-url and client-id; add them")
        _expect_safe(self._issuer, self._source)

    async def header(self) -> Secret | None:
        """Return the id-token, refreshed if it has expired."""
        async with self._lock:
            if not self._id_token or self._wall() >= _expiry(self._id_token) - LEEWAY_S:
                await self._refresh()
            return bearer(self._id_token.reveal())

    async def renew(self, rejected: Secret | None) -> bool:
        """Refresh, unless another request has just done so."""
        async with self._lock:
            if bearer(self._id_token.reveal()) == rejected:
                if not self._refresh_token:
                    return False
                await self._refresh()
            return bearer(self._id_token.reveal()) != rejected

    async def certificate(self) -> tuple[str, Secret] | None:
        """OIDC providers return tokens only."""
        return None

    async def _refresh(self) -> None:
        if not self._refresh_token:
            raise CredentialsError(
                f"{self._source}: the id-token has expired and there is no refresh-token; "
                "log in again"
            )
        context = await anyio.to_thread.run_sync(self._tls)
        try:
            with anyio.fail_after(TIMEOUT_S):
                async with aiohttp.ClientSession(trust_env=False) as session:
                    answer = await self._exchange(session, context)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = str(error) or type(error).__name__
            message = f"{self._source}: no token from {self._issuer}: {redact_text(what)}"
            raise CredentialsError(message) from error
        await self._take(answer)

    async def _exchange(self, session: aiohttp.ClientSession, context: ssl.SSLContext) -> Json:
        well_known = f"{self._issuer}/.well-known/openid-configuration"
        discovery = await _answer(session.get(well_known, ssl=context, allow_redirects=False))
        endpoint = discovery.get("token_endpoint")
        if not isinstance(endpoint, str):
            raise CredentialsError(
                f"{self._source}: {self._issuer} does not advertise a token_endpoint"
            )
        _expect_safe(endpoint, self._source)
        form = {"grant_type": "refresh_token", "refresh_token": self._refresh_token.reveal()}
        form["client_id"] = self._client_id
        if self._client_secret:
            form["client_secret"] = self._client_secret.reveal()
        return await _answer(session.post(endpoint, data=form, ssl=context, allow_redirects=False))

    async def _take(self, answer: Json) -> None:
        token = answer.get("id_token")
        if not isinstance(token, str):
            problem = SafeText(answer.get("error_description") or answer.get("error") or "nothing")
            raise CredentialsError(
                f"{self._source}: {self._issuer} returned no id-token ({problem}); log in again"
            )
        self._id_token = Secret(token)
        replaced = answer.get("refresh_token")
        if isinstance(replaced, str) and replaced != self._refresh_token.reveal():
            self._refresh_token = Secret(replaced)
            await anyio.to_thread.run_sync(
                _save, self._user.file, self._user.name, self._id_token, self._refresh_token
            )

    def _tls(self) -> ssl.SSLContext:
        authority = pem_of(self._provider, "idp-certificate-authority")
        return build_context(Certificates(self._source, authority or None))


async def _answer(request: Any) -> Json:
    async with request as response:
        body = await response.content.read(MAX_ANSWER)
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            message = f"HTTP {response.status} from {response.url.host} is not JSON"
            raise CredentialsError(message) from error
        return document if isinstance(document, dict) else {}


def _expect_safe(url: str, source: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise CredentialsError(f"{source}: {url} is not https; tokens are not sent in the clear")


def _expiry(token: Secret) -> float:
    """Return a JWT's ``exp`` in Unix seconds, unverified: it only decides when to refresh."""
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return 0.0
    padded = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        return float(orjson.loads(base64.urlsafe_b64decode(padded))["exp"])
    except (binascii.Error, ValueError, TypeError, KeyError):
        return 0.0


def _save(file: Path, user: str, id_token: Secret, refresh_token: Secret) -> None:
    """Write the new tokens to the kubeconfig, atomically and under kubectl's lock."""
    lock = Path(f"{file}.lock")
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise CredentialsError(f"cannot lock {file} to save the new token: {error}") from error
    try:
        tree = load_file(file)
        for entry in tree.get("users") or ():
            if entry.get("name") == user:
                config = entry["user"]["auth-provider"]["config"]
                config["id-token"] = id_token.reveal()
                config["refresh-token"] = refresh_token.reveal()
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(descriptor, "w") as output:
            yaml.safe_dump(tree, output, sort_keys=False)
        os.replace(temporary, file)
    except OSError as error:
        raise CredentialsError(f"cannot save the new token in {file}: {error}") from error
    finally:
        lock.unlink()
