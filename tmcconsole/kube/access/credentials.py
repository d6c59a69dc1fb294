"""From a configured access to an endpoint: address, TLS and a source of tokens."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import anyio.to_thread

from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.exec_plugin import ExecToken, exec_plugin
from tmcconsole.kube.access.http import HttpTransport
from tmcconsole.kube.access.kubeconfig import (
    KubeconfigEntry,
    KubeconfigError,
    KubeContext,
    read_context,
)
from tmcconsole.kube.access.oidc import OidcToken
from tmcconsole.kube.access.tls import Certificates, build_context, pem_of, read_pem
from tmcconsole.kube.access.tokens import FileToken, FixedToken, TokenSource, basic, bearer
from tmcconsole.kube.objects import Json
from tmcconsole.kube.secret import CredentialsError, Secret
from tmcconsole.runtime import TransportError

__all__ = ["CredentialsError", "Endpoint", "dial", "open_endpoint"]

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API server: its address, the authorities to trust, and our credentials."""

    source: str  # FILE#CONTEXT or in-cluster, for messages
    server: str  # with its path: kcp's workspaces are under /clusters/...
    tokens: TokenSource
    read_certificates: Callable[[], Certificates]  # blocking; reads the files again
    server_name: str = ""  # to verify the certificate against, if not the host
    proxy: str = ""
    impersonation: tuple[tuple[str, str], ...] = ()  # headers

    @property
    def is_tls(self) -> bool:
        """Return whether the server uses https."""
        return self.server.startswith("https://")

    async def certificates(self) -> Certificates:
        """Return the current certificates, including the exec plugin's."""
        certificates = await anyio.to_thread.run_sync(self.read_certificates)
        given = await self.tokens.certificate()
        if given is None:
            return certificates
        certificate, key = given
        return Certificates(
            source=certificates.source,
            authority=certificates.authority,
            certificate=certificate,
            key=key,
            is_verified=certificates.is_verified,
        )

    async def tls(self, certificates: Certificates) -> ssl.SSLContext | None:
        """Return a TLS context with them, or None for a server without TLS."""
        if not self.is_tls:
            return None
        return await anyio.to_thread.run_sync(build_context, certificates)


async def dial(access: ClusterAccess, *, now: Clock, wall: Clock) -> HttpTransport:
    """Return the transport of a configured cluster; nothing is sent to it yet.

    Raises ``TransportError``: Kubeconfig if that is unusable, Credentials if those are.
    """
    try:
        return await _connect(await open_endpoint(access, now=now, wall=wall), now)
    except CredentialsError as error:
        reason = "Kubeconfig" if isinstance(error, KubeconfigError) else "Credentials"
        raise TransportError(str(error), sent=False, reason=reason) from error


async def _connect(endpoint: Endpoint, now: Clock) -> HttpTransport:
    transport = HttpTransport(endpoint, now=now)
    try:
        await transport.prepare()
    except BaseException:
        await transport.aclose()
        raise
    return transport


async def open_endpoint(access: ClusterAccess, *, now: Clock, wall: Clock) -> Endpoint:
    """Resolve the configured access. Raises ``CredentialsError``."""
    if access.in_cluster:
        return in_cluster(SERVICE_ACCOUNT, os.environ, now)
    if access.kubeconfig is None:
        raise KubeconfigError("no kubeconfig configured; set kubeconfig, or in_cluster = true")
    context = await anyio.to_thread.run_sync(read_context, access.kubeconfig, access.context)
    return from_context(context, access, now, wall)


def in_cluster(folder: Path, environ: Mapping[str, str], now: Clock) -> Endpoint:
    """Return the API server of the cluster we run in, with our service account."""
    host = environ.get("KUBERNETES_SERVICE_HOST", "")
    port = environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise CredentialsError(
            "in_cluster is set, but KUBERNETES_SERVICE_HOST is not: this process "
            "does not run in a pod; set kubeconfig instead"
        )
    host = f"[{host}]" if ":" in host else host
    authority = folder / "ca.crt"

    def read() -> Certificates:
        return Certificates("in-cluster", read_pem(authority, "the cluster's authority"))

    tokens = FileToken(folder / "token", now)
    return Endpoint("in-cluster", f"https://{host}:{port}", tokens, read)


def from_context(context: KubeContext, access: ClusterAccess, now: Clock, wall: Clock) -> Endpoint:
    """Return the endpoint that a kubeconfig context describes. Raises ``CredentialsError``."""
    cluster, user = context.cluster, context.user
    server = cluster.text("server").rstrip("/")
    if urlsplit(server).scheme not in ("http", "https") or not urlsplit(server).hostname:
        raise CredentialsError(f"{context.source}: server {server!r} is not an http(s) URL")
    insecure = cluster.flag("insecure-skip-tls-verify")
    if insecure and not access.insecure_skip_tls_verify:
        raise CredentialsError(
            f"{context.source}: insecure-skip-tls-verify is refused; give the cluster's "
            "certificate-authority, or set insecure_skip_tls_verify = true for it in our config"
        )
    endpoint = Endpoint(
        source=context.source,
        server=server,
        tokens=_tokens(context, now, wall),
        read_certificates=_reader(context, is_verified=not access.insecure_skip_tls_verify),
        server_name=cluster.text("tls-server-name"),
        proxy=cluster.text("proxy-url"),
        impersonation=_impersonation(user),
    )
    if not endpoint.is_tls and not _sends_nothing_secret(endpoint):
        raise CredentialsError(
            f"{context.source}: credentials are not sent over plain http to another machine; "
            "use an https server"
        )
    return endpoint


def _sends_nothing_secret(endpoint: Endpoint) -> bool:
    is_here = urlsplit(endpoint.server).hostname in ("127.0.0.1", "::1", "localhost")
    return is_here or (isinstance(endpoint.tokens, FixedToken) and not endpoint.tokens.is_set)


def _reader(context: KubeContext, *, is_verified: bool) -> Callable[[], Certificates]:
    def read() -> Certificates:
        key = pem_of(context.user, "client-key")
        return Certificates(
            source=context.source,
            authority=pem_of(context.cluster, "certificate-authority") or None,
            certificate=pem_of(context.user, "client-certificate"),
            key=Secret(key) if key else None,
            is_verified=is_verified,
        )

    return read


def _tokens(context: KubeContext, now: Clock, wall: Clock) -> TokenSource:
    user = context.user
    source = f"{user.file}: user {user.name!r}"
    path = user.path("tokenFile")
    if path is not None:
        return FileToken(path, now)
    if user.text("token"):
        return FixedToken(bearer(user.text("token").strip()))
    if user.text("username"):
        return FixedToken(basic(user.text("username"), user.text("password")))
    if user.fields.get("exec"):
        cluster = _cluster_info(context.cluster)
        return ExecToken(
            exec_plugin(user.fields["exec"], user.file.parent, source, cluster), now, wall
        )
    if user.fields.get("auth-provider"):
        return _auth_provider(user, source, wall)
    return FixedToken()


def _auth_provider(user: KubeconfigEntry, source: str, wall: Clock) -> TokenSource:
    provider = user.fields["auth-provider"]
    name = provider.get("name") if isinstance(provider, dict) else None
    config = provider.get("config") if isinstance(provider, dict) else None
    if name != "oidc" or not isinstance(config, dict):
        raise CredentialsError(
            f"{source}: auth-provider {name!r} is not known; use an exec plugin instead"
        )
    return OidcToken(user, config, wall)


def _cluster_info(cluster: KubeconfigEntry) -> Json:
    """The cluster information for an exec plugin (client.authentication.k8s.io Cluster)."""
    info: Json = {"server": cluster.text("server")}
    fields = {
        "tls-server-name": "tls-server-name",
        "insecure-skip-tls-verify": "insecure-skip-tls-verify",
        "certificate-authority-data": "certificate-authority-data",
        "proxy-url": "proxy-url",
    }
    info |= {
        there: cluster.fields[here] for here, there in fields.items() if cluster.fields.get(here)
    }
    for extension in cluster.fields.get("extensions") or ():
        if extension.get("name") == "client.authentication.k8s.io/exec":
            info["config"] = extension.get("extension")
    return info


def _impersonation(user: KubeconfigEntry) -> tuple[tuple[str, str], ...]:
    name, uid = user.text("as"), user.text("as-uid")
    groups = user.fields.get("as-groups") or []
    extra = user.fields.get("as-user-extra") or {}
    if not name:
        if uid or groups or extra:
            raise CredentialsError(
                f"{user.file}: user {user.name!r} sets as-uid or as-groups but not as"
            )
        return ()
    headers = [("Impersonate-User", name)]
    headers += [("Impersonate-Uid", uid)] if uid else []
    headers += [("Impersonate-Group", str(group)) for group in groups]
    headers += [
        (f"Impersonate-Extra-{key}", str(value))
        for key, values in sorted(extra.items())
        for value in values
    ]
    return tuple(headers)
