"""Certificates, tokens and kubeconfigs of one control plane."""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import trustme
import yaml

ADMIN = "admin"  # in system:masters: exempt from RBAC, and from priority and fairness
TENANT = "tenant"  # may do nothing until a test grants it something


@dataclass(frozen=True, slots=True)
class Identity:
    """Where a plane's secrets are, all readable only by their owner."""

    folder: Path
    tokens: tuple[tuple[str, str], ...]  # (user, bearer token)

    @property
    def authority(self) -> Path:
        """The certificate authority, PEM."""
        return self.folder / "ca.crt"

    @property
    def authority_key(self) -> Path:
        """The private key of the authority, to issue more certificates, such as a proxy's."""
        return self.folder / "ca.key"

    @property
    def certificate(self) -> Path:
        """The serving certificate for 127.0.0.1 and localhost, PEM."""
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        """The private key of the certificate; it signs service account tokens too."""
        return self.folder / "server.key"

    @property
    def token_file(self) -> Path:
        """The API server's static token file."""
        return self.folder / "tokens.csv"

    def token(self, user: str) -> str:
        """Return the bearer token of a user."""
        return dict(self.tokens)[user]


def make_identity(folder: Path) -> Identity:
    """Create authority, serving certificate and one token per user in ``folder``."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = trustme.CA()
    serving = authority.issue_cert("127.0.0.1", "localhost")
    identity = Identity(folder, tuple((user, secrets.token_hex(16)) for user in (ADMIN, TENANT)))
    write_private(identity.authority, authority.cert_pem.bytes())
    write_private(identity.authority_key, authority.private_key_pem.bytes())
    write_private(identity.certificate, b"".join(b.bytes() for b in serving.cert_chain_pems))
    write_private(identity.key, serving.private_key_pem.bytes())
    groups = {ADMIN: ',"system:masters"', TENANT: ""}
    lines = (f"{token},{user},{user}{groups[user]}\n" for user, token in identity.tokens)
    write_private(identity.token_file, "".join(lines).encode())
    return identity


def write_kubeconfig(path: Path, *, name: str, url: str, authority: bytes, token: str) -> None:
    """Write a kubeconfig (0600) with one context called ``name``."""
    ca = base64.b64encode(authority).decode()
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": url, "certificate-authority-data": ca}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    write_private(path, yaml.safe_dump(document, sort_keys=False).encode())


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, even while it is being written."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
