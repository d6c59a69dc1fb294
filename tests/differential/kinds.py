"""The kinds in the traces, and what to write to each, valid and not."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.differential import objects, widgets, workloads
from tests.differential.trace import Json


@dataclass(frozen=True, slots=True)
class Collection:
    """A kind for the traces."""

    path: str
    make: Callable[[random.Random, str], Json]
    patches: tuple[Json, ...] = ()  # of its content, valid and not
    status: tuple[Json, ...] = ()  # statuses to write; none = no such subresource
    has_scale: bool = False
    is_custom: bool = False
    knows_uid: bool = False  # its own uid is part of the content


def _image(name: str, image: str) -> Json:
    containers = [{"name": name, "image": image}]
    return {"spec": {"template": {"spec": {"containers": containers}}}}


_APPS: Final = "/apis/apps/v1/namespaces/{ns}"
_CUSTOM: Final = f"/apis/{widgets.GROUP}/v1/namespaces/{{ns}}"
_WORKLOAD_PATCHES: Final[tuple[Json, ...]] = (
    {"spec": {"replicas": 5}},
    {"spec": {"replicas": None}},
    {"spec": {"replicas": -1}},
    _image("app", "registry.test/app:9"),
    _image("extra", "registry.test/extra:1"),
)
_COUNTS: Final[tuple[Json, ...]] = ({"replicas": 2}, {"replicas": 0}, {"observedGeneration": 3})

COLLECTIONS: Final = (
    Collection(
        "/api/v1/namespaces/{ns}/configmaps",
        objects.make_config_map,
        ({"data": {"a": "patched"}}, {"data": {"b": None}}, {"data": None}, {"immutable": True}),
    ),
    Collection(f"{_APPS}/deployments", workloads.make_deployment, _WORKLOAD_PATCHES, _COUNTS, True),
    Collection(
        f"{_CUSTOM}/widgets",
        widgets.make_widget,
        tuple({"spec": s} for s in ({"size": 7}, {"color": "no"}, {"size": None}, {"tags": ["q"]})),
        ({"replicas": 2}, {"phase": "Ready"}, {"phase": 3}, {"unknown": "x"}),
        True,
        True,
    ),
    Collection(
        "/api/v1/namespaces/{ns}/secrets",
        objects.make_secret,
        ({"data": {"key": "cmVk"}}, {"stringData": {"plain": "x"}}, {"type": "other"}),
    ),
    Collection(
        "/api/v1/namespaces/{ns}/services",
        objects.make_service,
        ({"spec": {"selector": {"app": "patched"}}}, {"spec": {"ports": []}}),
    ),
    Collection(
        f"{_APPS}/statefulsets", workloads.make_stateful_set, _WORKLOAD_PATCHES, _COUNTS, True
    ),
    Collection(
        f"{_APPS}/daemonsets",
        workloads.make_daemon_set,
        _WORKLOAD_PATCHES[3:],
        ({"numberReady": 2}, {"desiredNumberScheduled": 0}, {"observedGeneration": 3}),
    ),
    Collection(
        f"{_CUSTOM}/gadgets",
        widgets.make_gadget,
        ({"spec": {"a": {"y": 1}}}, {"spec": {"b": None}}, {"status": {"phase": "patched"}}),
        is_custom=True,
    ),
    Collection("/api/v1/namespaces/{ns}/serviceaccounts", objects.make_service_account),
    Collection(
        "/apis/batch/v1/namespaces/{ns}/jobs",
        workloads.make_job,
        ({"spec": {"suspend": True}}, {"spec": {"parallelism": 3}}),
        knows_uid=True,
    ),
    Collection(
        "/apis/batch/v1/namespaces/{ns}/cronjobs",
        workloads.make_cron_job,
        ({"spec": {"suspend": True}}, {"spec": {"schedule": "0 0 * * *"}}),
    ),
    Collection(
        "/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses",
        objects.make_ingress,
        ({"spec": {"ingressClassName": "patched"}},),
        ({"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}},),
    ),
    Collection(
        "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers",
        objects.make_autoscaler,
        ({"spec": {"maxReplicas": 9}},),
    ),
    Collection(
        "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets",
        objects.make_budget,
    ),
    Collection(
        "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases",
        objects.make_lease,
        ({"spec": {"holderIdentity": "patched"}}, {"spec": {"renewTime": None}}),
    ),
    Collection(
        f"{_APPS}/replicasets", workloads.make_replica_set, _WORKLOAD_PATCHES, _COUNTS, True
    ),
    Collection(
        "/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices", objects.make_endpoint_slice
    ),
    Collection("/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles", objects.make_role),
    Collection(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings",
        objects.make_role_binding,
    ),
    Collection(
        "/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies", objects.make_network_policy
    ),
)
