"""What the API server fills in: the defaults of the common built-in kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from tmcconsole.kube.objects import Json
from tmcconsole.sim.admission.clusterdefaults import HOOKS, fill
from tmcconsole.sim.schema.quantities import canonical

TEMPLATE_GENERATION: Final = "deprecated.daemonset.template.generation"  # an annotation


def apply_defaults(kind_id: str, tree: Json) -> None:
    """Fill in the defaults of a built-in kind, in place."""
    hook = _HOOKS.get(kind_id)
    if hook:
        hook(tree)


def _pod_spec(spec: Json) -> None:
    fill(
        spec,
        dnsPolicy="ClusterFirst",
        restartPolicy="Always",
        schedulerName="default-scheduler",
        securityContext={},
        terminationGracePeriodSeconds=30,
    )
    for container in _all_containers(spec):
        _container(container)
    for volume in spec.get("volumes") or ():
        _volume(volume)
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")  # its old name
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account


def _all_containers(spec: Json) -> Iterable[Json]:
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def _container(container: Json) -> None:
    fill(
        container,
        imagePullPolicy=_pull_policy(container.get("image") or ""),
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )
    _resources(container["resources"])
    for port in container.get("ports") or ():
        fill(port, protocol="TCP")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe):
            _probe(container[probe])
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference:
            fill(reference, apiVersion="v1")


def _resources(resources: Json) -> None:
    for name in ("limits", "requests"):
        amounts = resources.get(name)
        if isinstance(amounts, dict):
            resources[name] = {key: canonical(amount) for key, amount in amounts.items()}


def _pull_policy(image: str) -> str:
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if "@" not in image and tag in ("", "latest") else "IfNotPresent"


def _probe(probe: Json) -> None:
    fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if probe.get("httpGet"):
        fill(probe["httpGet"], path="/", scheme="HTTP")


def _volume(volume: Json) -> None:
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        if volume.get(source) is not None:
            fill(volume[source], defaultMode=420)
    if volume.get("hostPath"):
        volume["hostPath"].setdefault("type", "")
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}


def _template(spec: Json) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    _pod_spec(template.setdefault("spec", {}))


def _deployment(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    fill(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = spec.setdefault("strategy", {})
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(strategy.setdefault("rollingUpdate", {}), maxSurge="25%", maxUnavailable="25%")
    _template(spec)


def _replica_set(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    fill(spec, replicas=1)
    _template(spec)


def _stateful_set(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    spec.setdefault("serviceName", "")
    fill(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady")
    strategy = spec.setdefault("updateStrategy", {})
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(strategy.setdefault("rollingUpdate", {}), partition=0)
    keep = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    fill(spec, persistentVolumeClaimRetentionPolicy=keep)
    for claim in spec.get("volumeClaimTemplates") or ():
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")
        fill(claim.setdefault("spec", {}), volumeMode="Filesystem")
        claim.setdefault("status", {"phase": "Pending"})
    _template(spec)


def _daemon_set(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    tree["metadata"].setdefault("annotations", {}).setdefault(TEMPLATE_GENERATION, "0")
    fill(spec, revisionHistoryLimit=10)
    strategy = spec.setdefault("updateStrategy", {})
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(strategy.setdefault("rollingUpdate", {}), maxSurge=0, maxUnavailable=1)
    _template(spec)


def _replication_controller(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    fill(spec, replicas=1)
    _template(spec)
    labels = spec["template"]["metadata"].get("labels")
    if labels:
        spec.setdefault("selector", dict(labels))
        tree["metadata"].setdefault("labels", dict(labels))


def _job_spec(spec: Json) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        fill(spec, completions=1, parallelism=1)
    fill(spec, parallelism=1, completionMode="NonIndexed", suspend=False)
    fill(spec, podReplacementPolicy="TerminatingOrFailed", manualSelector=False)
    fill(spec, backoffLimit=6)
    _template(spec)


def _job(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    _job_spec(spec)
    _conditions(tree)
    labels = spec["template"]["metadata"].get("labels")
    if labels and not tree["metadata"].get("labels"):
        tree["metadata"]["labels"] = dict(labels)


def _conditions(tree: Json) -> None:
    """These two times of a condition are always present, null if unknown."""
    for condition in (tree.get("status") or {}).get("conditions") or ():
        condition.setdefault("lastProbeTime", None)
        condition.setdefault("lastTransitionTime", None)


def _cron_job(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    fill(spec, concurrencyPolicy="Allow", suspend=False)
    fill(spec, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    # Only the pod template is defaulted here; the Job itself is when one is created.
    job = spec.setdefault("jobTemplate", {})
    job.setdefault("metadata", {})
    _template(job.setdefault("spec", {}))


def _service(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    fill(spec, sessionAffinity="None", type="ClusterIP")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    if spec["sessionAffinity"] == "ClientIP":
        fill(spec, sessionAffinityConfig={"clientIP": {"timeoutSeconds": 10800}})
    for port in spec.get("ports") or ():
        fill(port, protocol="TCP")
        if port.get("targetPort") in (None, "", 0):
            port["targetPort"] = port.get("port")
    _traffic(spec)
    balancer = tree.setdefault("status", {}).setdefault("loadBalancer", {})
    for point in balancer.get("ingress") or ():
        if point.get("ip"):
            fill(point, ipMode="VIP")


def _traffic(spec: Json) -> None:
    if spec["type"] in ("NodePort", "LoadBalancer") or spec.get("externalIPs"):
        fill(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        fill(spec, allocateLoadBalancerNodePorts=True)
    if spec["type"] != "ExternalName":
        fill(spec, internalTrafficPolicy="Cluster")


def _secret(tree: Json) -> None:
    fill(tree, type="Opaque")


def _namespace(tree: Json) -> None:
    meta = tree["metadata"]
    if meta.get("name"):
        meta.setdefault("labels", {})["kubernetes.io/metadata.name"] = meta["name"]
    fill(tree.setdefault("status", {}), phase="Active")


def _pod(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    _pod_spec(spec)
    fill(spec, enableServiceLinks=True)
    _conditions(tree)
    status = tree.get("status") or {}
    for kind in ("containerStatuses", "initContainerStatuses"):
        for one in status.get(kind) or ():
            _container_states(one)
    for container in _all_containers(spec):
        limits = (container.get("resources") or {}).get("limits")
        if limits:
            requests = container["resources"].setdefault("requests", {})
            for name, value in limits.items():
                requests.setdefault(name, value)


def _container_states(status: Json) -> None:
    for name in ("state", "lastState"):
        ended = status.setdefault(name, {}).get("terminated")
        if ended is not None:
            ended.setdefault("startedAt", None)
            ended.setdefault("finishedAt", None)


def _claim(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    fill(spec, volumeMode="Filesystem")
    _resources(spec.get("resources") or {})
    fill(tree.setdefault("status", {}), phase="Pending")


def _limit_range(tree: Json) -> None:
    """The default limit is the max, unless given; the default request is the default limit."""
    for item in (tree.get("spec") or {}).get("limits") or ():
        if item.get("type") != "Container":
            continue
        limits = {**(item.get("max") or {}), **(item.get("default") or {})}
        requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
        for name, values in (("default", limits), ("defaultRequest", requests)):
            if values:
                item[name] = values


def _network_policy(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    spec.setdefault("podSelector", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for rule in (spec.get("ingress") or []) + (spec.get("egress") or []):
        for port in rule.get("ports") or ():
            fill(port, protocol="TCP")


def _autoscaler(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    fill(spec, minReplicas=1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    if "status" in tree:
        fill(tree["status"], desiredReplicas=0)
        tree["status"].setdefault("currentMetrics", None)  # required, though null


def _role_binding(tree: Json) -> None:
    reference = tree.get("roleRef") or {}
    fill(reference, apiGroup="rbac.authorization.k8s.io")
    for subject in tree.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            fill(subject, apiGroup="rbac.authorization.k8s.io")


def _custom_resource_definition(tree: Json) -> None:
    spec = tree.setdefault("spec", {})
    fill(spec, conversion={"strategy": "None"})
    names = spec.setdefault("names", {})
    kind = names.get("kind") or ""
    fill(names, singular=kind.lower(), listKind=f"{kind}List")


_HOOKS: Final[dict[str, Callable[[Json], None]]] = {
    **HOOKS,
    "pods": _pod,
    "services": _service,
    "secrets": _secret,
    "namespaces": _namespace,
    "limitranges": _limit_range,
    "replicationcontrollers": _replication_controller,
    "podtemplates": _template,
    "persistentvolumeclaims": _claim,
    "deployments.apps": _deployment,
    "replicasets.apps": _replica_set,
    "statefulsets.apps": _stateful_set,
    "daemonsets.apps": _daemon_set,
    "jobs.batch": _job,
    "cronjobs.batch": _cron_job,
    "networkpolicies.networking.k8s.io": _network_policy,
    "horizontalpodautoscalers.autoscaling": _autoscaler,
    "rolebindings.rbac.authorization.k8s.io": _role_binding,
    "clusterrolebindings.rbac.authorization.k8s.io": _role_binding,
    "customresourcedefinitions.apiextensions.k8s.io": _custom_resource_definition,
}
