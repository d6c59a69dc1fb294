"""Credentials from a program named in a kubeconfig, run so that it can neither prompt nor hang.

Contract: client.authentication.k8s.io/v1 and v1beta1 (KEP-541). The program gets no terminal, no
shell, thirty seconds, and bounded output.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from subprocess import DEVNULL
from typing import Any, Final

import anyio
import orjson
from anyio.abc import Process

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.access.tokens import bearer, has_control
from tmcconsole.kube.objects import Json
from tmcconsole.kube.redact import redact_text
from tmcconsole.kube.secret import CredentialsError, Secret

TIMEOUT_S: Final = 30.0
MAX_OUTPUT: Final = 1 << 20  # bytes kept from each pipe; the rest is discarded
_PIECE: Final = 1 << 16  # bytes read at once
_PIECES: Final = 32  # read after the end: more than a pipe holds; a helper may write without end
REFRESH_AT: Final = 0.8  # of a credential's lifetime
RERUN_S: Final = 10.0  # at least, between two runs caused by rejected credentials
_LOOKED_AT: Final = 1 << 16  # bytes of stderr, of which the last 500 are shown
_VERSIONS: Final = (
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
)


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """What to run. ``command`` with a slash is relative to the kubeconfig, otherwise found in
    PATH.
    """

    source: str  # the kubeconfig's user, for messages
    api_version: str
    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    cluster: Json | None = None  # passed on if the kubeconfig asks for it
    install_hint: str = ""


@dataclass(frozen=True, slots=True)
class ExecCredential:
    """The plugin's output. ``expires_at`` is Unix seconds; None: valid until rejected."""

    header: Secret | None
    certificate: tuple[str, Secret] | None
    expires_at: float | None


def check_exec(spec: Json, source: str) -> None:
    """Raise ``CredentialsError`` for an exec that can never be run. Its fields have their types.

    Without interactiveMode a plugin is run, without a terminal.
    """
    if not spec.get("command"):
        raise CredentialsError(f"{source}: exec has no command; write command: PROGRAM")
    if spec.get("apiVersion") not in _VERSIONS:
        raise CredentialsError(
            f"{source}: exec apiVersion {spec.get('apiVersion')!r} is unknown; use {_VERSIONS[0]}"
        )
    mode = spec.get("interactiveMode") or "IfAvailable"
    if mode not in ("Never", "IfAvailable", "Always"):
        raise CredentialsError(
            f"{source}: exec interactiveMode {mode!r} is unknown; write Never or IfAvailable"
        )
    if mode == "Always":
        raise CredentialsError(f"{source}: the exec plugin needs a terminal; log in another way")
    values = [value for entry in spec.get("env") or () for value in _variable(entry, source)]
    if any("\0" in text for text in (spec["command"], *(spec.get("args") or ()), *values)):
        raise CredentialsError(f"{source}: exec has a NUL character; remove it")


def exec_plugin(spec: Json, folder: Path, source: str, cluster: Json) -> ExecPlugin:
    """Return the exec plugin of a kubeconfig user. Raises ``CredentialsError``."""
    check_exec(spec, source)
    hint = spec.get("installHint") or ""
    return ExecPlugin(
        source=source,
        api_version=spec["apiVersion"],
        command=_executable(spec["command"], folder, source, hint),
        args=tuple(spec.get("args") or ()),
        env=tuple(_variable(entry, source) for entry in spec.get("env") or ()),
        cluster=cluster if spec.get("provideClusterInfo") else None,
        install_hint=hint,
    )


def _variable(entry: Json, source: str) -> tuple[str, str]:
    """Return name and value as the operating system splits them, at the first =."""
    name, equals, rest = f"{entry.get('name', '')}={entry.get('value', '')}".partition("=")
    if not name or not equals:
        raise CredentialsError(f"{source}: an entry of exec env has no name; write name: NAME")
    return name, rest


def _executable(command: str, folder: Path, source: str, hint: str) -> str:
    name = str(folder / command) if "/" in command else command
    found = shutil.which(name)
    if found is None:
        advice = f" {hint}" if hint else " install it, or correct the command"
        raise CredentialsError(f"{source}: exec command {command!r} not found;{advice}")
    return found


async def run_plugin(plugin: ExecPlugin) -> ExecCredential:
    """Run it once. Raises ``CredentialsError`` with its stderr, sanitised."""
    info = {
        "apiVersion": plugin.api_version,
        "kind": "ExecCredential",
        "spec": {"interactive": False} | ({"cluster": plugin.cluster} if plugin.cluster else {}),
    }
    environment = {
        **os.environ,
        **dict(plugin.env),
        "KUBERNETES_EXEC_INFO": orjson.dumps(info).decode(),
    }
    name = f"{plugin.source}: {Path(plugin.command).name}"
    try:
        code, output, complaint = await _run([plugin.command, *plugin.args], environment)
    except OSError as error:
        message = f"{name} cannot be run: {error.strerror}; correct the command or its mode"
        raise CredentialsError(message) from error
    if code is None:
        raise CredentialsError(
            f"{name} did not end within {TIMEOUT_S:.0f} s; "
            f"run it by hand to see what it waits for. {_harmless(complaint)}"
        )
    if code != 0:
        raise CredentialsError(f"{name} failed ({code}): {_harmless(complaint) or 'no output'}")
    return _credential(output, plugin)


async def _run(command: list[str], environment: dict[str, str]) -> tuple[int | None, bytes, bytes]:
    """Return exit code, stdout and stderr; no code if it did not end in time.

    What a plugin that succeeded has left running is left alone, even if it holds the pipes open: it
    may be an agent that the next run needs. What one leaves that failed or hangs is ended.
    """
    output, complaint = _Pipe(), _Pipe()
    try:
        process = await anyio.open_process(
            command,
            stdin=DEVNULL,
            stdout=output.writer,
            stderr=complaint.writer,
            env=environment,
            start_new_session=True,  # no terminal to prompt on
        )
        output.close_writer()
        complaint.close_writer()
        code = await _wait(process, output, complaint)
        return code, bytes(output.kept), bytes(complaint.kept)
    finally:
        output.close()
        complaint.close()


async def _wait(process: Process, output: _Pipe, complaint: _Pipe) -> int | None:
    """Read what it writes, and return its exit code, or None after ``TIMEOUT_S``."""
    try:
        with anyio.move_on_after(TIMEOUT_S):
            async with anyio.create_task_group() as group:
                group.start_soon(output.drain, name="exec plugin stdout")
                group.start_soon(complaint.drain, name="exec plugin stderr")
                await process.wait()
                group.cancel_scope.cancel()
        output.take_rest()
        complaint.take_rest()
        return process.returncode
    finally:
        if process.returncode != 0:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        with anyio.CancelScope(shield=True):
            await process.aclose()


class _Pipe:
    """A pipe from a plugin, of which the first ``MAX_OUTPUT`` bytes are kept."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.kept = bytearray()
        self._is_open = True  # our copy of the writing end

    async def drain(self) -> None:
        """Read until all writers have closed it."""
        while True:
            await anyio.wait_readable(self.reader)
            if not self._take():
                return

    def take_rest(self) -> None:
        """Read what is in it now: everything that an ended process wrote."""
        with suppress(BlockingIOError):
            for _ in range(_PIECES):
                if not self._take():
                    return

    def close_writer(self) -> None:
        """Close our copy of the writing end."""
        if self._is_open:
            os.close(self.writer)
            self._is_open = False

    def close(self) -> None:
        """Close both ends."""
        self.close_writer()
        os.close(self.reader)

    def _take(self) -> bool:
        chunk = os.read(self.reader, _PIECE)
        self.kept += chunk[: MAX_OUTPUT - len(self.kept)]
        return bool(chunk)


def _harmless(text: bytes | bytearray) -> str:
    """Return its end, redacted before the cut, since half a secret may not look like one."""
    return SafeText(
        redact_text(bytes(text[-_LOOKED_AT:]).decode("utf-8", "replace").strip())[-500:]
    )


def _credential(output: bytes, plugin: ExecPlugin) -> ExecCredential:
    name = f"{plugin.source}: {Path(plugin.command).name}"
    try:
        document = orjson.loads(output)
    except orjson.JSONDecodeError as error:
        raise CredentialsError(f"{name} printed no ExecCredential: {error}") from error
    if not isinstance(document, dict) or document.get("kind") != "ExecCredential":
        raise CredentialsError(f"{name} did not print an ExecCredential")
    if document.get("apiVersion") != plugin.api_version:
        raise CredentialsError(f"{name} answered with apiVersion {document.get('apiVersion')!r}")
    status = document.get("status")
    if not isinstance(status, dict):
        raise CredentialsError(f"{name} printed no status; you may have to log in")
    token, certificate = status.get("token"), status.get("clientCertificateData")
    key = status.get("clientKeyData")
    if not token and not (certificate and key):
        raise CredentialsError(f"{name} returned neither a token nor a certificate with its key")
    if has_control(str(token or "")):
        raise CredentialsError(f"{name} returned a token with a line break; correct the plugin")
    return ExecCredential(
        bearer(str(token)) if token else None,
        (str(certificate), Secret(str(key))) if certificate and key else None,
        _expiry(status.get("expirationTimestamp"), name),
    )


def _expiry(value: Any, name: str) -> float | None:
    if not value:
        return None
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError as error:
        raise CredentialsError(
            f"{name} returned an invalid expirationTimestamp: {value!r}"
        ) from error


class ExecToken:
    """Runs the plugin when there is no credential, before it expires, and when it was rejected."""

    def __init__(
        self, plugin: ExecPlugin, now: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self._plugin = plugin
        self._now = now
        self._wall = wall
        self._lock = anyio.Lock()
        self._current: ExecCredential | None = None
        self._refresh_at = float("inf")  # Unix seconds
        self._ran_at = float("-inf")

    async def header(self) -> Secret | None:
        """Return the token; the old one while it is valid and no new one is available."""
        return (await self._credential()).header

    async def certificate(self) -> tuple[str, Secret] | None:
        """Return the client certificate, if the plugin provides one."""
        return (await self._credential()).certificate

    async def renew(self, rejected: Secret | None) -> bool:
        """Run the plugin again, unless another request has just done so."""
        async with self._lock:
            before = self._current
            if before is not None and before.header != rejected:
                return True
            if self._now() - self._ran_at < RERUN_S:
                return False
            await self._run()
        return self._current != before

    async def _credential(self) -> ExecCredential:
        async with self._lock:
            current = self._current
            if current is None or self._wall() >= self._refresh_at:
                try:
                    await self._run()
                except CredentialsError:
                    if current is None or self._wall() >= (current.expires_at or 0.0):
                        raise
                    self._refresh_at = self._wall() + RERUN_S
            assert self._current is not None
            return self._current

    async def _run(self) -> None:
        self._ran_at, started = self._now(), self._wall()
        self._current = await run_plugin(self._plugin)
        expires = self._current.expires_at
        life = (expires - started) * REFRESH_AT if expires else float("inf")
        self._refresh_at = started + max(life, RERUN_S)
