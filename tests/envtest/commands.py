"""The command lines of a control plane's processes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from tests.envtest.identity import Identity

ASSETS = "KUBEBUILDER_ASSETS"  # the usual name for the folder with the binaries
REMEDY = (
    f"set {ASSETS} to a folder with etcd and kube-apiserver: "
    "`setup-envtest use -p path` prints one, and so does tests/envtest/build.sh where Go is"
)

HUB_CONTROLLERS = ("namespace-controller", "garbage-collector-controller")
CLUSTER_CONTROLLERS = (
    *HUB_CONTROLLERS,
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemonset-controller",
    "job-controller",
    "cronjob-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "disruption-controller",
    "resourcequota-controller",
    "ttl-after-finished-controller",
)

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the programs are."""

    etcd: Path
    api_server: Path
    controllers: Path | None  # setup-envtest's archives have none


@dataclass(frozen=True, slots=True)
class PlaneFolder:
    """Where one plane keeps its files and listens."""

    folder: Path
    identity: Identity
    port: int
    audit: bool = False

    @property
    def url(self) -> str:
        """The API server's address."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """Where audit events go, one JSON document per line."""
        return self.folder / "audit.jsonl"

    @property
    def etcd_socket(self) -> str:
        """etcd's address: a Unix socket, so that no free port has to be guessed."""
        return f"unix://{self.folder / 'etcd.sock'}"


def find_binaries(environ: dict[str, str] | None = None) -> Binaries | None:
    """Return the binaries in ``KUBEBUILDER_ASSETS``, or None if a needed one is missing."""
    folder = (environ or dict(os.environ)).get(ASSETS, "")
    if not folder:
        return None
    etcd_path, server, manager = (
        Path(folder) / name for name in ("etcd", "kube-apiserver", "kube-controller-manager")
    )
    if not all(os.access(path, os.X_OK) for path in (etcd_path, server)):
        return None
    return Binaries(etcd_path, server, manager if os.access(manager, os.X_OK) else None)


def etcd(binaries: Binaries, place: PlaneFolder) -> tuple[str, ...]:
    """Return the command of an etcd that trades durability for speed."""
    return (
        str(binaries.etcd),
        f"--data-dir={place.folder / 'etcd'}",
        f"--listen-client-urls={place.etcd_socket}",
        "--advertise-client-urls=http://127.0.0.1:1",  # must be a port; one member never uses it
        "--listen-peer-urls=http://127.0.0.1:0",
        "--unsafe-no-fsync",
        "--log-level=warn",
    )


def api_server(binaries: Binaries, place: PlaneFolder, role: str) -> tuple[str, ...]:
    """Return the command of an API server with RBAC on."""
    identity = place.identity
    command = [
        str(binaries.api_server),
        f"--etcd-servers={place.etcd_socket}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={place.port}",
        f"--tls-cert-file={identity.certificate}",
        f"--tls-private-key-file={identity.key}",
        f"--client-ca-file={identity.authority}",
        f"--token-auth-file={identity.token_file}",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={identity.key}",
        f"--service-account-signing-key-file={identity.key}",
        "--profiling=false",
    ]
    if role == "hub" or binaries.controllers is None:
        # Nothing makes service accounts there, so pods would be refused for lack of one.
        command.append("--disable-admission-plugins=ServiceAccount")
    if place.audit:
        policy = place.folder / "audit-policy.json"
        policy.write_text(json.dumps(AUDIT_POLICY))
        command += [f"--audit-policy-file={policy}", f"--audit-log-path={place.audit_log}"]
    return tuple(command)


def controllers(program: Path, place: PlaneFolder, role: str) -> tuple[str, ...]:
    """Return the command of the controllers that fit the role."""
    names = HUB_CONTROLLERS if role == "hub" else CLUSTER_CONTROLLERS
    return (
        str(program),
        f"--kubeconfig={place.kubeconfig}",
        f"--controllers={','.join(names)}",
        f"--service-account-private-key-file={place.identity.key}",
        f"--root-ca-file={place.identity.authority}",
        "--secure-port=0",
        # A held Lease says that workloads run here, which is not true of a hub.
        f"--leader-elect={'false' if role == 'hub' else 'true'}",
        "--profiling=false",
    )
