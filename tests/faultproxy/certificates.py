"""Certificates for the proxy: valid ones, and invalid ones of each kind."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import trustme

from tests.faultproxy.listener import ServingCertificate

LOOPBACK = ("127.0.0.1", "localhost")
LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def issue(
    authority: trustme.CA, folder: Path, *, hosts: tuple[str, ...] = LOOPBACK, expired: bool = False
) -> ServingCertificate:
    """Write a certificate and its key into a folder and return where they are."""
    issued = (
        authority.issue_cert(
            *hosts, not_before=LONG_AGO, not_after=LONG_AGO + datetime.timedelta(days=1)
        )
        if expired
        else authority.issue_cert(*hosts)
    )
    name = f"{hosts[0]}-{'expired' if expired else 'valid'}-{id(authority):x}"
    shown = ServingCertificate(folder / f"{name}.crt", folder / f"{name}.key")
    shown.certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(shown.key)
    return shown


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """Return a client context that trusts only this authority."""
    return ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
