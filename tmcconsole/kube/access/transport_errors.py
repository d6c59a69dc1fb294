"""What an aiohttp error means: whether the request was sent, and what to tell the user."""

from __future__ import annotations

import ssl
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from tmcconsole.contract.text import SafeText
from tmcconsole.kube.redact import redact_text
from tmcconsole.runtime import TransportError

# With these the connection was never established, so nothing was sent.
_NOT_SENT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)


def as_transport_error(
    error: Exception, server: str, source: str, proxy: str = ""
) -> TransportError:
    """Return the error to raise; its message names the server, or the proxy whose trouble it is,
    and contains no secret.
    """
    sent = not isinstance(error, _NOT_SENT)
    where = _place(error, server, proxy)
    trouble = _tls_trouble(error)
    if trouble is not None:
        message = f"TLS with {where} failed: {_certificate_text(trouble)} (see {source})"
        return TransportError(SafeText(message), sent=sent, reason="Certificate")
    if isinstance(error, TimeoutError | aiohttp.ServerTimeoutError):
        message = f"{where}: timed out"
        return TransportError(SafeText(message), sent=sent, reason="Timeout")
    text = redact_text(_plain_text(error)) or type(error).__name__
    message = text if where in text else f"{where}: {text}"
    return TransportError(SafeText(message), sent=sent)


def _place(error: Exception, server: str, proxy: str) -> str:
    """Return whose trouble it is: the proxy's if it could not be reached or refused to connect."""
    where, through = urlsplit(server).netloc, urlsplit(proxy).netloc
    if not proxy:
        return where
    if isinstance(error, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
        return f"proxy {through}"
    if isinstance(error, aiohttp.ClientConnectorError) and error.host == urlsplit(proxy).hostname:
        return f"proxy {through}"
    return f"{where} through proxy {through}"


def _plain_text(error: Exception) -> str:
    """Return the operating system's reason for a failed connection, or the proxy's, in words."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        advice = "; correct user and password in proxy-url" if error.status == 407 else ""
        return f"it refused to connect us: HTTP {error.status} {error.message}{advice}"
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if cause.strerror and "Connect call failed" not in cause.strerror:
            return f"cannot connect: {cause.strerror}"
    return str(error)


def _tls_trouble(error: Exception) -> ssl.SSLError | None:
    """Return the TLS error behind an aiohttp error, if there is one."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        found: BaseException | None = error.certificate_error
    elif isinstance(error, aiohttp.ClientConnectorError):
        found = error.os_error
    else:
        found = error
    for candidate in (found, error.__cause__, error.__context__):
        if isinstance(candidate, ssl.SSLError) and not _is_mere_close(candidate):
            return candidate
    return None


def _is_mere_close(error: ssl.SSLError) -> bool:
    return isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)


def _certificate_text(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate was rejected: {error.verify_message}"
    reason = str(error.reason or error).lower().replace("_", " ")
    if "wrong version" in reason or "http request" in reason:
        return (
            f"{reason}: the server does not seem to speak TLS; check http or https in the address"
        )
    return reason
