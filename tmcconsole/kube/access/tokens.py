"""Sources of the Authorization header: none, a fixed value, or a token file that changes."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import anyio.to_thread

from tmcconsole.kube.secret import CredentialsError, Secret

REREAD_S: Final = 60.0  # the kubelet rotates a token at 80 % of its life: minutes before it expires


class TokenSource(Protocol):
    """Provides the Authorization header, and a fresh one when it was rejected."""

    async def header(self) -> Secret | None:
        """Return the value to send now. Raises ``CredentialsError``."""
        ...

    async def renew(self, rejected: Secret | None) -> bool:
        """Get a value other than the rejected one; False if there is none."""
        ...

    async def certificate(self) -> tuple[str, Secret] | None:
        """Return the client certificate and key that come with the token, if any."""
        ...


class FixedToken:
    """A value that never changes, or none at all."""

    def __init__(self, value: Secret | None = None) -> None:
        self._value = value

    @property
    def is_set(self) -> bool:
        """Return whether there is one."""
        return self._value is not None

    async def header(self) -> Secret | None:
        """Return the value."""
        return self._value

    async def renew(self, rejected: Secret | None) -> bool:
        """There is no other value, unless another source was asked before."""
        return self._value != rejected

    async def certificate(self) -> tuple[str, Secret] | None:
        """There is none."""
        return None


class FileToken:
    """A token in a file, read again every minute and whenever it was rejected. ``instead`` is sent
    as long as the file has none.
    """

    def __init__(
        self, path: Path, now: Callable[[], float], *, instead: Secret | None = None
    ) -> None:
        self._path = path
        self._now = now
        self._read_at = float("-inf")
        self._value = instead

    async def header(self) -> Secret | None:
        """Return the file's token, or the last good one while the file cannot be read."""
        if self._now() - self._read_at >= REREAD_S:
            await self._read()
        return self._value

    async def renew(self, rejected: Secret | None) -> bool:
        """Read the file again."""
        await self._read()
        return self._value != rejected

    async def certificate(self) -> tuple[str, Secret] | None:
        """A token file has none."""
        return None

    def read(self) -> None:
        """Read the file. Blocking. Raises ``CredentialsError`` if there never was a token."""
        try:
            text = self._path.read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            cause = getattr(error, "strerror", None) or "it is not UTF-8 text"
            self._unusable(f"{cause}; correct tokenFile, or the file's mode", error)
            return  # being replaced just now
        self._read_at = self._now()
        if not text or has_control(text):
            what = "has a line break in its token" if text else "is empty"
            self._unusable(f"it {what}; write the token on one line")
            return
        self._value = bearer(text)

    def _unusable(self, what: str, cause: Exception | None = None) -> None:
        if self._value is None:
            raise CredentialsError(f"cannot read token file {self._path}: {what}") from cause

    async def _read(self) -> None:
        await anyio.to_thread.run_sync(self.read)


def has_control(text: str) -> bool:
    """Return whether a text has what no HTTP header may have: a line break or control character."""
    return any(sign != "\t" and (sign < " " or sign == "\x7f") for sign in text)


def bearer(token: str) -> Secret:
    """Return the header value for a token."""
    return Secret(f"Bearer {token}")


def basic(user: str, password: str) -> Secret:
    """Return the header value for a user and a password."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Secret(f"Basic {pair}")
