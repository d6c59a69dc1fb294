"""What objects refer to, and what is synced along with the workloads of a namespace."""

from __future__ import annotations

import pytest

from tests.sync.trees import make_tree
from tmcconsole.kube.objects import Json
from tmcconsole.kube.plurals import plural, resource_id
from tmcconsole.sync.assignment.closure import Links, closure, is_workload, links_of
from tmcconsole.sync.assignment.references import Reference, references


def pods(**spec: object) -> Json:
    return make_tree(spec={"template": {"spec": spec}})


@pytest.mark.parametrize(
    ("kind", "tree", "found"),
    [
        ("deployments.apps", pods(), set()),
        ("deployments.apps", pods(serviceAccountName="sa"), {"serviceaccounts/sa"}),
        ("deployments.apps", pods(imagePullSecrets=[{"name": "pull"}]), {"secrets/pull"}),
        (
            "deployments.apps",
            pods(
                volumes=[
                    {"configMap": {"name": "c"}},
                    {"secret": {"secretName": "s"}},
                    {"persistentVolumeClaim": {"claimName": "p"}},
                    {"emptyDir": {}},
                ]
            ),
            {"configmaps/c", "secrets/s", "persistentvolumeclaims/p"},
        ),
        (
            "daemonsets.apps",
            pods(
                volumes=[
                    {
                        "projected": {
                            "sources": [
                                {"configMap": {"name": "c"}},
                                {"secret": {"name": "s"}},
                                {"serviceAccountToken": {"path": "t"}},
                            ]
                        }
                    }
                ]
            ),
            {"configmaps/c", "secrets/s"},
        ),
        (
            "statefulsets.apps",
            pods(
                initContainers=[{"envFrom": [{"configMapRef": {"name": "c"}}]}],
                containers=[
                    {"envFrom": [{"secretRef": {"name": "s"}}]},
                    {"env": [{"valueFrom": {"configMapKeyRef": {"name": "d", "key": "k"}}}]},
                    {"env": [{"valueFrom": {"secretKeyRef": {"name": "t"}}}, {"value": "plain"}]},
                ],
            ),
            {"configmaps/c", "configmaps/d", "secrets/s", "secrets/t"},
        ),
        ("statefulsets.apps", make_tree(spec={"serviceName": "db"}), {"services/db"}),
        ("pods", make_tree(spec={"serviceAccountName": "sa"}), {"serviceaccounts/sa"}),
        (
            "cronjobs.batch",
            make_tree(
                spec={
                    "jobTemplate": {
                        "spec": {"template": {"spec": {"imagePullSecrets": [{"name": "x"}]}}}
                    }
                }
            ),
            {"secrets/x"},
        ),
        (
            "ingresses.networking.k8s.io",
            make_tree(
                spec={
                    "tls": [{"secretName": "cert"}],
                    "defaultBackend": {"service": {"name": "main"}},
                    "rules": [{"http": {"paths": [{"backend": {"service": {"name": "api"}}}]}}],
                }
            ),
            {"secrets/cert", "services/main", "services/api"},
        ),
        (
            "horizontalpodautoscalers.autoscaling",
            make_tree(
                spec={
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
                }
            ),
            {"deployments.apps/web"},
        ),
        (
            "serviceaccounts",
            make_tree(secrets=[{"name": "a"}], imagePullSecrets=[{"name": "b"}]),
            {"secrets/a", "secrets/b"},
        ),
        (
            "persistentvolumeclaims",
            make_tree(spec={"dataSource": {"kind": "PersistentVolumeClaim", "name": "old"}}),
            {"persistentvolumeclaims/old"},
        ),
        ("configmaps", make_tree(data={"configMapRef": "x"}), set()),
    ],
)
def test_what_an_object_refers_to(kind: str, tree: Json, found: set[str]) -> None:
    assert {f"{one.kind}/{one.name}" for one in references(kind, tree)} == found


def test_odd_shapes_refer_to_nothing() -> None:
    odd = pods(volumes=[3, {"configMap": 1}], containers="none", imagePullSecrets=[{"name": {}}])

    assert references("deployments.apps", odd) == frozenset()


def test_plurals_are_the_usual_ones() -> None:
    kinds = ["Deployment", "Ingress", "NetworkPolicy", "Gateway", "Endpoints", "Mesh"]

    assert [plural(kind) for kind in kinds] == [
        *("deployments", "ingresses", "networkpolicies", "gateways", "endpoints", "meshes")
    ]
    assert resource_id("v1", "Pod") == "pods"
    assert resource_id("apps/v1", "Deployment") == "deployments.apps"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("deployments.apps", True),
        ("pods", True),
        ("databases.example.com", True),
        ("configmaps", False),
        ("services", False),
        ("ingresses.networking.k8s.io", False),
        ("horizontalpodautoscalers.autoscaling", False),
    ],
)
def test_workloads_are_what_makes_pods_and_custom_resources(kind: str, expected: bool) -> None:
    assert is_workload(kind) is expected


def taken(*objects: tuple[str, str, Json]) -> dict[str, str]:
    links: dict[Reference, Links] = {
        Reference(kind, name): links_of(kind, tree) for kind, name, tree in objects
    }
    return {
        f"{one.kind}/{one.name}": f"{because.kind}/{because.name}" if because else ""
        for one, because in closure(links).items()
    }


def web(**spec: object) -> tuple[str, str, Json]:
    template = {"metadata": {"labels": {"app": "web", "v": "1"}}, "spec": spec}
    return "deployments.apps", "web", make_tree(spec={"template": template})


def test_what_is_referred_to_goes_along_and_nothing_else() -> None:
    found = taken(
        web(volumes=[{"configMap": {"name": "used"}}, {"secret": {"secretName": "not there"}}]),
        ("configmaps", "used", make_tree()),
        ("configmaps", "unused", make_tree()),
        ("secrets", "unused", make_tree()),
    )

    assert found == {"deployments.apps/web": "", "configmaps/used": "deployments.apps/web"}


def test_references_are_followed_as_far_as_they_go_and_cycles_end() -> None:
    claim = {"dataSource": {"kind": "PersistentVolumeClaim", "name": "old"}}
    back = {"dataSource": {"kind": "PersistentVolumeClaim", "name": "new"}}

    found = taken(
        web(volumes=[{"persistentVolumeClaim": {"claimName": "new"}}], serviceAccountName="sa"),
        ("persistentvolumeclaims", "new", make_tree(spec=claim)),
        ("persistentvolumeclaims", "old", make_tree(spec=back)),
        ("serviceaccounts", "sa", make_tree(secrets=[{"name": "pull"}])),
        ("secrets", "pull", make_tree()),
    )

    assert found["persistentvolumeclaims/old"] == "persistentvolumeclaims/new"
    assert found["secrets/pull"] == "serviceaccounts/sa"
    assert len(found) == 5


def test_what_serves_a_workload_goes_with_it_and_takes_along_what_it_needs() -> None:
    ingress = {
        "tls": [{"secretName": "cert"}],
        "defaultBackend": {"service": {"name": "web"}},
    }
    scaled = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}
    other = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gone"}}

    found = taken(
        web(),
        ("services", "web", make_tree(spec={"selector": {"app": "web"}})),
        ("services", "other", make_tree(spec={"selector": {"app": "other"}})),
        ("services", "bare", make_tree(spec={})),
        ("ingresses.networking.k8s.io", "front", make_tree(spec=ingress)),
        ("secrets", "cert", make_tree()),
        ("horizontalpodautoscalers.autoscaling", "web", make_tree(spec=scaled)),
        ("horizontalpodautoscalers.autoscaling", "lost", make_tree(spec=other)),
        (
            "poddisruptionbudgets.policy",
            "web",
            make_tree(spec={"selector": {"matchLabels": {"v": "1"}}}),
        ),
        ("networkpolicies.networking.k8s.io", "all", make_tree(spec={"podSelector": {}})),
    )

    assert sorted(found) == [
        "deployments.apps/web",
        "horizontalpodautoscalers.autoscaling/web",
        "ingresses.networking.k8s.io/front",
        "networkpolicies.networking.k8s.io/all",
        "poddisruptionbudgets.policy/web",
        "secrets/cert",
        "services/web",
    ]
    assert found["ingresses.networking.k8s.io/front"] == "services/web"
