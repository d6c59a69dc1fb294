"""The proxy in front of a real API server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trustme

from tests.envtest.planes import Plane
from tests.faultproxy.listener import ServingCertificate
from tests.faultproxy.proxy import Proxy, open_proxy


@asynccontextmanager
async def proxied(plane: Plane) -> AsyncIterator[Proxy]:
    """Serve a proxy that presents the plane's own certificate.

    ``plane.kubeconfig_for(ADMIN, url=proxy.url)`` is the kubeconfig that goes through it.
    """
    shown = ServingCertificate(plane.identity.certificate, plane.identity.key)
    async with open_proxy(plane.url, trust=plane.ssl_context(), shown=shown) as proxy:
        yield proxy


def authority_of(plane: Plane) -> trustme.CA:
    """Return the plane's authority, to issue trusted certificates for the proxy."""
    identity = plane.identity
    return trustme.CA.from_pem(identity.authority.read_bytes(), identity.authority_key.read_bytes())
