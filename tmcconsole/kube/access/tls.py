"""TLS contexts from certificates in files or in memory. Blocking: call it in a thread."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tmcconsole.kube.access.kubeconfig import KubeconfigEntry
from tmcconsole.kube.secret import CredentialsError, Secret

_CERTIFICATE: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----"
)


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM texts: trusted authorities (None: the system's), client certificate and key."""

    source: str  # named in errors
    authority: str | None = None
    certificate: str = ""
    key: Secret | None = None
    is_verified: bool = True

    def fingerprint(self) -> bytes:
        """Return a digest that changes when any part changes."""
        key = self.key.reveal() if self.key else ""
        parts = (self.authority or "", self.certificate, key, str(self.is_verified))
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()


def pem_of(entry: KubeconfigEntry, name: str) -> str:
    """Return the PEM text of ``name``-data or of the file at ``name``; "" without either."""
    data = entry.text(f"{name}-data")
    if data:
        return base64.b64decode(data).decode("utf-8", "replace")
    path = entry.path(name)
    return read_pem(path, f"{entry.where}: {name}") if path else ""


def read_pem(path: Path, what: str) -> str:
    """Return the text of a PEM file. Raises ``CredentialsError``."""
    try:
        return path.read_bytes().decode("utf-8", "replace")  # comments may be in any encoding
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        message = f"{what}: cannot read {path}: {cause}; correct the path or the file's mode"
        raise CredentialsError(message) from error


def build_context(certificates: Certificates) -> ssl.SSLContext:
    """Return a client context: TLS 1.2 or newer, host names verified. Takes 20 ms."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.verify_flags |= (
        ssl.VERIFY_X509_PARTIAL_CHAIN
    )  # an intermediate may be a trust anchor, as in Go
    if not certificates.is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif certificates.authority is None:
        context.load_default_certs()
    else:
        _load_authority(context, certificates.authority, certificates.source)
    if certificates.certificate:
        _load_identity(context, certificates)
    return context


def _load_authority(context: ssl.SSLContext, authority: str, source: str) -> None:
    """Trust every certificate in the text. As in Go, comments between them are skipped, and so are
    those that cannot be read as long as one can.
    """
    trusted = 0
    for block in _CERTIFICATE.findall(authority):
        with suppress(ssl.SSLError, ValueError):
            context.load_verify_locations(cadata=block)
            trusted += 1
    if not trusted:
        raise CredentialsError(
            f"{source}: the certificate authority is not a PEM certificate; give the cluster's"
        )


def _load_identity(context: ssl.SSLContext, certificates: Certificates) -> None:
    source = certificates.source
    if certificates.key is None:
        raise CredentialsError(f"{source}: a client certificate without its key; add client-key")

    def refuse() -> str:  # without this OpenSSL would prompt on the terminal
        raise CredentialsError(f"{source}: the client key is encrypted; use an unencrypted one")

    with _private_file(f"{certificates.certificate}\n{certificates.key.reveal()}\n") as path:
        try:
            context.load_cert_chain(path, password=refuse)
        except (ssl.SSLError, OSError) as error:
            message = (
                f"{source}: client certificate and key do not match, or are not PEM; give both anew"
            )
            raise CredentialsError(message) from error


@contextmanager
def _private_file(content: str) -> Iterator[str]:
    """A file that exists only while OpenSSL reads it: in memory on Linux, elsewhere with mode
    0600.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("tls")
        try:
            os.write(descriptor, content.encode())
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    descriptor, path = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        yield path
    finally:
        Path(path).unlink()
