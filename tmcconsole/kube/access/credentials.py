"""From a configured access to an endpoint: address, TLS and a source of tokens."""

from __future__ import annotations

import dataclasses
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import anyio.to_thread

from tmcconsole.config.settings import ClusterAccess
from tmcconsole.kube.access.exec_plugin import ExecToken, check_exec, exec_plugin
from tmcconsole.kube.access.http import HttpTransport
from tmcconsole.kube.access.kubeconfig import (
    KubeconfigEntry,
    KubeconfigError,
    KubeContext,
    read_context,
)
from tmcconsole.kube.access.oidc import OidcToken
from tmcconsole.kube.access.server_url import BadUrl, ServerUrl, proxy_url, server_url
from tmcconsole.kube.access.tls import Certificates, build_context, pem_of, read_pem
from tmcconsole.kube.access.tokens import (
    FileToken,
    FixedToken,
    TokenSource,
    basic,
    bearer,
    has_control,
)
from tmcconsole.kube.objects import Json
from tmcconsole.kube.secret import CredentialsError, Secret
from tmcconsole.runtime import TransportError, monotonic_clock, wall_clock

__all__ = ["CredentialsError", "Endpoint", "check_access", "dial", "open_endpoint"]

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")

_HEADER_SAFE: Final = "!#$&'*+-.^_`|~"  # client-go escapes everything else in a header's name

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API server: its address, the authorities to trust, and our credentials."""

    source: str  # FILE#CONTEXT or in-cluster, for messages
    server: str  # with its path: kcp's workspaces are under /clusters/...
    tokens: TokenSource
    read_certificates: Callable[[], Certificates]  # blocking; reads the files again
    server_name: str = ""  # to verify the certificate against, if not the host
    proxy: ServerUrl | None = None
    impersonation: tuple[tuple[str, str], ...] = ()  # headers
    # What it was made from, with secrets; None: in-cluster.
    context: KubeContext | None = dataclasses.field(default=None, repr=False)

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
        reopen = partial(open_endpoint, access, now=now, wall=wall)
        return await _connect(HttpTransport(await reopen(), now=now, reopen=reopen))
    except CredentialsError as error:
        reason = "Kubeconfig" if isinstance(error, KubeconfigError) else "Credentials"
        raise TransportError(str(error), sent=False, reason=reason) from error


async def _connect(transport: HttpTransport) -> HttpTransport:
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
        return Certificates("in-cluster", read_pem(authority, "in-cluster"))

    tokens = FileToken(folder / "token", now)
    return Endpoint("in-cluster", f"https://{host}:{port}", tokens, read)


def check_access(access: ClusterAccess) -> None:
    """Check what can be checked of an access without the server or an exec plugin. Blocking.

    Raises ``CredentialsError``, as dialling would. A Pod's own account is not looked for: the
    check may run elsewhere.
    """
    if access.in_cluster or access.kubeconfig is None:
        return
    context = read_context(access.kubeconfig, access.context)
    endpoint = from_context(context, access, monotonic_clock, wall_clock)
    certificates = endpoint.read_certificates()
    if endpoint.is_tls:
        build_context(certificates)
    if isinstance(endpoint.tokens, FileToken):
        endpoint.tokens.read()


def from_context(context: KubeContext, access: ClusterAccess, now: Clock, wall: Clock) -> Endpoint:
    """Return the endpoint that a kubeconfig context describes. Raises ``CredentialsError``."""
    cluster, user = context.cluster, context.user
    server = _server(context)
    _require_sense(cluster, user)
    if cluster.flag("insecure-skip-tls-verify") and not access.insecure_skip_tls_verify:
        raise CredentialsError(
            f"{context.source}: insecure-skip-tls-verify is refused; give the cluster's "
            "certificate-authority, or set insecure_skip_tls_verify = true for it in our config"
        )
    endpoint = Endpoint(
        source=context.source,
        server=server.url,
        tokens=_tokens(context, server, now, wall),
        read_certificates=_reader(context, is_verified=not access.insecure_skip_tls_verify),
        server_name=cluster.text("tls-server-name"),
        proxy=_proxy(cluster),
        impersonation=_impersonation(user),
        context=context,
    )
    if not endpoint.is_tls and not _sends_nothing_secret(endpoint):
        raise CredentialsError(
            f"{context.source}: credentials are not sent over plain http to another machine; "
            "use an https server"
        )
    return endpoint


def _server(context: KubeContext) -> ServerUrl:
    cluster, user = context.cluster, context.user
    written = cluster.text("server")
    if not written:
        raise cluster.fault("has no server; write server: https://HOST:PORT")
    has_authority = any(
        cluster.text(field) for field in ("certificate-authority", "certificate-authority-data")
    )
    is_tls = has_authority or _has_certificate(user) or cluster.flag("insecure-skip-tls-verify")
    try:
        return server_url(written, is_tls=is_tls)
    except BadUrl as error:
        raise cluster.fault(f"server {error}") from error


def _proxy(cluster: KubeconfigEntry) -> ServerUrl | None:
    if not cluster.text("proxy-url"):
        return None
    try:
        return proxy_url(cluster.text("proxy-url"))
    except BadUrl as error:
        raise cluster.fault(f"proxy-url {error}") from error


def _require_sense(cluster: KubeconfigEntry, user: KubeconfigEntry) -> None:
    """Refuse what contradicts itself, as kubectl does."""
    _require_one_identity(user)
    for entry, field in (
        (cluster, "certificate-authority"),
        (user, "client-certificate"),
        (user, "client-key"),
    ):
        is_used = field != "client-key" or _has_certificate(user)
        if is_used and entry.text(field) and entry.text(f"{field}-data"):
            raise entry.fault(f"{field} and {field}-data are both set; remove one")
    if _has_certificate(user) and not (user.text("client-key") or user.text("client-key-data")):
        raise user.fault("client-certificate without client-key; add the key")
    if cluster.flag("insecure-skip-tls-verify") and (
        cluster.text("certificate-authority") or cluster.text("certificate-authority-data")
    ):
        raise cluster.fault(
            "insecure-skip-tls-verify and certificate-authority are both set; remove the first"
        )
    if has_control(cluster.text("tls-server-name")):
        raise cluster.fault("tls-server-name has a line break; write it on one line")


def _require_one_identity(user: KubeconfigEntry) -> None:
    if user.text("token") and (user.text("username") or user.text("password")):
        raise user.fault("token and username or password are both set; remove one of them")
    if "exec" in user.fields:
        check_exec(user.fields["exec"], user.where)
        if "auth-provider" in user.fields:
            raise user.fault("exec and auth-provider are both set; remove auth-provider")


def _has_certificate(user: KubeconfigEntry) -> bool:
    return bool(user.text("client-certificate") or user.text("client-certificate-data"))


def _sends_nothing_secret(endpoint: Endpoint) -> bool:
    is_here = urlsplit(endpoint.server).hostname in ("127.0.0.1", "::1", "localhost")
    return is_here or (isinstance(endpoint.tokens, FixedToken) and not endpoint.tokens.is_set)


def _reader(context: KubeContext, *, is_verified: bool) -> Callable[[], Certificates]:
    def read() -> Certificates:
        has_key = _has_certificate(context.user)  # a key alone is ignored, as by client-go
        key = pem_of(context.user, "client-key") if has_key else ""
        return Certificates(
            source=context.source,
            authority=pem_of(context.cluster, "certificate-authority") or None,
            certificate=pem_of(context.user, "client-certificate"),
            key=Secret(key) if key else None,
            is_verified=is_verified,
        )

    return read


def _tokens(context: KubeContext, server: ServerUrl, now: Clock, wall: Clock) -> TokenSource:
    user = context.user
    token = user.text("token")
    if has_control(token):
        raise user.fault("token has a line break or control character; write it on one line")
    # Read even where a token is preferred to it: kubectl refuses one that makes no sense.
    provider = _auth_provider(user, wall) if "auth-provider" in user.fields else None
    path = user.path("tokenFile")
    if path is not None:
        return FileToken(path, now, instead=bearer(token) if token else None)
    if token:
        return FixedToken(bearer(token))
    if user.text("username"):
        return FixedToken(basic(user.text("username"), user.text("password")))
    if "exec" in user.fields:
        plugin = exec_plugin(
            user.fields["exec"], user.file.parent, user.where, _cluster_info(context.cluster)
        )
        return ExecToken(plugin, now, wall)
    if provider is not None:
        return provider
    if server.user:
        return FixedToken(basic(server.user, server.password.reveal()))
    return FixedToken()


def _auth_provider(user: KubeconfigEntry, wall: Clock) -> TokenSource:
    provider = user.fields["auth-provider"]
    name = provider.get("name", "")
    if name != "oidc":
        raise user.fault(f"auth-provider {name!r} is not known; use an exec plugin instead")
    return OidcToken(user, provider.get("config") or {}, wall)


def _cluster_info(cluster: KubeconfigEntry) -> Json:
    """The cluster information for an exec plugin (client.authentication.k8s.io Cluster)."""
    fields = (
        "tls-server-name",
        "insecure-skip-tls-verify",
        "certificate-authority-data",
        "proxy-url",
    )
    info: Json = {"server": cluster.text("server")}
    info |= {field: cluster.fields[field] for field in fields if cluster.fields.get(field)}
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
            raise user.fault("sets as-uid, as-groups or as-user-extra but not as; add as")
        return ()
    headers = [("Impersonate-User", name)]
    headers += [("Impersonate-Uid", uid)] if uid else []
    headers += [("Impersonate-Group", group) for group in groups]
    headers += [
        (f"Impersonate-Extra-{quote(key, safe=_HEADER_SAFE)}", value)
        for key, values in sorted(extra.items())
        for value in values
    ]
    if any(has_control(value) for _, value in headers):
        raise user.fault("as, as-uid, as-groups or as-user-extra has a line break; remove it")
    return tuple(headers)
