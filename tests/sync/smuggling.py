"""What tenants may try to smuggle to a cluster: each row has a name, a whole object and a field.

A row also has, for each of the three profiles, the reason of the refusal, or "" if it passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tmcconsole.kube.objects import Json, Kind

ALL = frozenset({"get", "list", "watch", "create", "patch", "delete"})
CONFIGMAPS = Kind("", "v1", "configmaps", "ConfigMap", True, ALL)
SECRETS = Kind("", "v1", "secrets", "Secret", True, ALL)
SERVICES = Kind("", "v1", "services", "Service", True, ALL)
PODS = Kind("", "v1", "pods", "Pod", True, ALL)
DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment", True, ALL)
CRON_JOBS = Kind("batch", "v1", "cronjobs", "CronJob", True, ALL)
INGRESSES = Kind("networking.k8s.io", "v1", "ingresses", "Ingress", True, ALL)
ROUTES = Kind("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", True, ALL)
ROLLOUTS = Kind("argoproj.io", "v1alpha1", "rollouts", "Rollout", True, ALL)


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt to smuggle."""

    name: str
    kind: Kind
    tree: Json
    field: str  # its path, as the refusal must name it
    restricted: str
    baseline: str
    trusted: str = ""

    def wanted(self, profile: str) -> str:
        """Return the reason why a profile refuses it, or "" if it passes."""
        return {
            "restricted": self.restricted,
            "baseline": self.baseline,
            "trusted": self.trusted,
        }[profile]


def make(kind: Kind, **fields: Any) -> Json:
    """Return an object in the namespace ``shop``."""
    meta = {"name": "smuggled", "namespace": "shop", **fields.pop("metadata", {})}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta, **fields}


def pod_spec(container: Json | None = None, **spec: Any) -> Json:
    """Return a pod's spec with one container and no token mounted, as ``restricted`` requires."""
    one = {"name": "main", "image": "registry.example/web:1", **(container or {})}
    return {"automountServiceAccountToken": False, "containers": [one], **spec}


def in_deployment(spec: Json, annotations: Json | None = None) -> Json:
    """Return a Deployment of such pods."""
    meta: Json = {"labels": {"app": "web"}}
    if annotations:
        meta["annotations"] = annotations
    return make(
        DEPLOYMENTS,
        spec={
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": meta, "spec": spec},
        },
    )


def in_cron_job(spec: Json) -> Json:
    """Return a CronJob of such pods."""
    job = {"spec": {"template": {"spec": {"restartPolicy": "Never", **spec}}}}
    return make(CRON_JOBS, spec={"schedule": "0 * * * *", "jobTemplate": job})


def ingress(*hosts: str, **spec: Any) -> Json:
    """Return an Ingress for these hosts."""
    return make(INGRESSES, spec={"rules": [{"host": host} for host in hosts], **spec})


def _pod(name: str, reason: str, field: str, container: Json | None = None, **spec: Any) -> Row:
    """A row that no pod template may have, except in a hub with a single tenant."""
    tree = in_deployment(pod_spec(container, **spec))
    return Row(name, DEPLOYMENTS, tree, f"spec.template.spec.{field}", reason, reason)


def _secured(name: str, reason: str, field: str, **context: Any) -> Row:
    """A row in a container's security context."""
    at = f"containers[0].securityContext.{field}"
    return _pod(name, reason, at, {"securityContext": context})


def _inner(name: str, field: str) -> Row:
    """A privileged container that is not in the ordinary ``containers`` list."""
    extra: Json = {"name": "x", "image": "x", "securityContext": {"privileged": True}}
    path = f"{field}[0].securityContext.privileged"
    more: dict[str, Any] = {field: [extra]}
    return _pod(name, "Privileged", path, **more)


POD_ROWS = (
    _pod("host path", "HostPath", "volumes[0].hostPath", volumes=[{"name": "h", "hostPath": {}}]),
    _pod("host network", "HostNetwork", "hostNetwork", hostNetwork=True),
    _pod("host processes", "HostPID", "hostPID", hostPID=True),
    _pod("host IPC", "HostIPC", "hostIPC", hostIPC=True),
    _pod("a node by name", "NodeName", "nodeName", nodeName="control-plane-1"),
    _pod(
        "system priority",
        "Priority",
        "priorityClassName",
        priorityClassName="system-node-critical",
    ),
    _pod(
        "host port",
        "HostPort",
        "containers[0].ports[1].hostPort",
        {"ports": [{"containerPort": 80}, {"containerPort": 81, "hostPort": 81}]},
    ),
    _secured("privileged", "Privileged", "privileged", privileged=True),
    _secured(
        "capability", "Capabilities", "capabilities.add[1]", capabilities={"add": ["KILL", "BPF"]}
    ),
    _secured(
        "all capabilities", "Capabilities", "capabilities.add[0]", capabilities={"add": ["ALL"]}
    ),
    _secured("proc mount", "ProcMount", "procMount", procMount="Unmasked"),
    _secured("seccomp", "Seccomp", "seccompProfile.type", seccompProfile={"type": "Unconfined"}),
    _secured(
        "AppArmor", "AppArmor", "appArmorProfile.type", appArmorProfile={"type": "Unconfined"}
    ),
    _secured("SELinux type", "SELinux", "seLinuxOptions.type", seLinuxOptions={"type": "spc_t"}),
    _secured("SELinux user", "SELinux", "seLinuxOptions.user", seLinuxOptions={"user": "root"}),
    _secured("SELinux role", "SELinux", "seLinuxOptions.role", seLinuxOptions={"role": "admin"}),
    _secured(
        "Windows host process",
        "HostProcess",
        "windowsOptions.hostProcess",
        windowsOptions={"hostProcess": True},
    ),
    _pod(
        "sysctl",
        "Sysctls",
        "securityContext.sysctls[0].name",
        securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]},
    ),
    _pod(
        "seccomp of the pod",
        "Seccomp",
        "securityContext.seccompProfile.type",
        securityContext={"seccompProfile": {"type": "Unconfined"}},
    ),
    _pod(
        "Windows host process of the pod",
        "HostProcess",
        "securityContext.windowsOptions.hostProcess",
        securityContext={"windowsOptions": {"hostProcess": True}},
    ),
    _pod(
        "probe of another host",
        "HostProbe",
        "containers[0].livenessProbe.httpGet.host",
        {"livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}}},
    ),
    _pod(
        "hook to another host",
        "HostProbe",
        "containers[0].lifecycle.preStop.tcpSocket.host",
        {"lifecycle": {"preStop": {"tcpSocket": {"host": "10.0.0.1", "port": 1}}}},
    ),
    _inner("privileged init container", "initContainers"),
    _inner("privileged ephemeral container", "ephemeralContainers"),
)

HARMLESS = (
    (DEPLOYMENTS, in_deployment(pod_spec())),
    (
        DEPLOYMENTS,
        in_deployment(
            pod_spec(
                {
                    "securityContext": {
                        "privileged": False,
                        "procMount": "Default",
                        "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
                        "seccompProfile": {"type": "RuntimeDefault"},
                        "appArmorProfile": {"type": "Localhost", "localhostProfile": "web"},
                        "seLinuxOptions": {"type": "container_t", "level": "s0:c1"},
                    },
                    "livenessProbe": {"httpGet": {"path": "/", "port": 80}},
                    "ports": [{"containerPort": 80, "hostPort": 0}],
                },
                securityContext={"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]},
                hostNetwork=False,
                volumes=[{"name": "scratch", "emptyDir": {}}],
                serviceAccountName="default",
            )
        ),
    ),
    (CRON_JOBS, in_cron_job(pod_spec())),
    (SECRETS, make(SECRETS, type="Opaque")),
    (SECRETS, make(SECRETS, metadata={"name": "kube-root-ca.crt"})),
    (SECRETS, make(SECRETS, type="kubernetes.io/tls")),
    (SECRETS, make(SECRETS, type="kubernetes.io/dockerconfigjson")),
    (SERVICES, make(SERVICES, spec={"ports": [{"port": 80}]})),
    (SERVICES, make(SERVICES, spec={"type": "NodePort", "ports": [{"port": 80}]})),
    (CONFIGMAPS, make(CONFIGMAPS, data={"containers": "hostPath"})),
)
