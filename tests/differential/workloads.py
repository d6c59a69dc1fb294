"""Valid workloads, in many variants drawn from a seed."""

from __future__ import annotations

import random

from tests.differential.objects import COLORS, some_object
from tests.differential.trace import Json


def make_deployment(rng: random.Random, name: str) -> Json:
    """Return a Deployment."""
    spec = _workload_spec(rng, name)
    if rng.random() < 0.2:
        spec["strategy"] = {"type": "Recreate"}
    elif rng.random() < 0.2:
        spec["strategy"] = {"rollingUpdate": {"maxSurge": rng.choice([1, "50%"])}}
    if rng.random() < 0.1:
        spec["paused"] = True
    return some_object(rng, "apps/v1", "Deployment", name, spec=spec)


def make_replica_set(rng: random.Random, name: str) -> Json:
    """Return a ReplicaSet."""
    return some_object(rng, "apps/v1", "ReplicaSet", name, spec=_workload_spec(rng, name))


def make_stateful_set(rng: random.Random, name: str) -> Json:
    """Return a StatefulSet."""
    spec = _workload_spec(rng, name) | {"serviceName": "web"}
    if rng.random() < 0.2:
        spec["updateStrategy"] = {"type": "OnDelete"}
    return some_object(rng, "apps/v1", "StatefulSet", name, spec=spec)


def make_daemon_set(rng: random.Random, name: str) -> Json:
    """Return a DaemonSet."""
    spec = _workload_spec(rng, name)
    spec.pop("replicas", None)
    if rng.random() < 0.2:
        spec["updateStrategy"] = {"type": "OnDelete"}
    return some_object(rng, "apps/v1", "DaemonSet", name, spec=spec)


def make_job(rng: random.Random, name: str) -> Json:
    """Return a Job, always with the same pod template: it cannot be changed."""
    containers = [{"name": "main", "image": "registry.test/job:1"}]
    spec: Json = {"template": {"spec": {"containers": containers, "restartPolicy": "Never"}}}
    if rng.random() < 0.4:
        spec["parallelism"] = rng.randrange(1, 3)
    if rng.random() < 0.4:
        spec["backoffLimit"] = rng.randrange(3)
    if rng.random() < 0.3:
        spec["suspend"] = True
    if rng.random() < 0.3:
        spec["ttlSecondsAfterFinished"] = 100
    job = some_object(rng, "batch/v1", "Job", name, spec=spec)
    job["metadata"].setdefault("labels", {"kind": "job"})  # else it gets its template's, late
    return job


def make_cron_job(rng: random.Random, name: str) -> Json:
    """Return a CronJob."""
    pod = {"containers": [_container(rng, "main")], "restartPolicy": "OnFailure"}
    spec: Json = {
        "schedule": rng.choice(["*/5 * * * *", "@hourly"]),
        "jobTemplate": {"spec": {"template": {"spec": pod}}},
    }
    if rng.random() < 0.4:
        spec["concurrencyPolicy"] = rng.choice(["Forbid", "Replace"])
    if rng.random() < 0.3:
        spec["suspend"] = True
    if rng.random() < 0.3:
        spec["timeZone"] = "Europe/Vienna"
    return some_object(rng, "batch/v1", "CronJob", name, spec=spec)


def _workload_spec(rng: random.Random, name: str) -> Json:
    labels = {"app": name}
    spec: Json = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": _pod_spec(rng)},
    }
    if rng.random() < 0.7:
        spec["replicas"] = rng.randrange(4)
    if rng.random() < 0.2:
        spec["minReadySeconds"] = rng.randrange(1, 5)
    return spec


def _pod_spec(rng: random.Random) -> Json:
    pod: Json = {"containers": [_container(rng, "app")]}
    if rng.random() < 0.4:
        pod["containers"].append(_container(rng, "side"))
    if rng.random() < 0.2:
        pod["initContainers"] = [{"name": "first", "image": "registry.test/first"}]
    if rng.random() < 0.3:
        pod["volumes"] = rng.sample(_VOLUMES, rng.randrange(1, 3))
    if rng.random() < 0.2:
        pod["nodeSelector"] = {"disk": rng.choice(["ssd", "hdd"])}
    if rng.random() < 0.2:
        pod["tolerations"] = [{"key": "gpu", "operator": "Exists"}]
    if rng.random() < 0.2:
        pod["serviceAccountName"] = rng.choice(["runner", "other"])
    if rng.random() < 0.2:
        pod["imagePullSecrets"] = [{"name": "registry"}]
    if rng.random() < 0.2:
        pod["securityContext"] = rng.choice([{"runAsNonRoot": True}, {"fsGroup": 1}])
    return pod


# In canonical form or not.
_MEMORY = ["64Mi", "65536Ki", "0.0625Gi", "100M", "1000Ki"]
_VOLUMES: list[Json] = [
    {"name": "settings", "configMap": {"name": "settings"}},
    {"name": "scratch", "emptyDir": {}},
    {"name": "keys", "secret": {"secretName": "keys"}},
]


def _container(rng: random.Random, name: str) -> Json:
    container: Json = {"name": name, "image": f"registry.test/{name}:{rng.choice('12')}"}
    if rng.random() < 0.5:
        container["ports"] = [{"containerPort": 80}]
        if rng.random() < 0.4:
            container["ports"].append({"containerPort": 81, "protocol": "UDP", "name": "dns"})
    if rng.random() < 0.4:
        container["env"] = [
            {"name": key, "value": rng.choice(COLORS)} for key in rng.sample(["A", "B", "C"], 2)
        ]
    if rng.random() < 0.1:
        reference = {"configMapKeyRef": {"name": "settings", "key": rng.choice("ab")}}
        container.setdefault("env", []).append({"name": "D", "valueFrom": reference})
    if rng.random() < 0.3:
        container["resources"] = {
            "requests": {"cpu": rng.choice(["0.5", "1000m"]), "memory": rng.choice(_MEMORY)},
            "limits": {"memory": "128Mi"},
        }
    if rng.random() < 0.2:
        container["readinessProbe"] = {"httpGet": {"port": 80}}
    if rng.random() < 0.2:
        container["args"] = ["--verbose", rng.choice(COLORS)]
    return container
