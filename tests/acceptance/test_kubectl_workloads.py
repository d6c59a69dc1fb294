"""kubectl runs workloads on a simulated cluster: roll out, scale, wait, delete, drain."""

from __future__ import annotations

import pytest

from tests.acceptance.kubectl import Kubectl
from tests.manifests import make_config_map, make_deployment

pytestmark = pytest.mark.xdist_group("acceptance")


@pytest.fixture
def rolled_out(kubectl: Kubectl) -> Kubectl:
    kubectl.apply(make_deployment())
    kubectl("rollout", "status", "deploy/web")
    return kubectl


def images_of(kubectl: Kubectl) -> set[str]:
    return set(kubectl("get", "pods", "-o", "jsonpath={..containers[*].image}").split())


def names_of(kubectl: Kubectl, kinds: str) -> list[str]:
    return kubectl("get", kinds, "-o", "name").split()


def hold(kubectl: Kubectl, what: str) -> None:
    """Put a finalizer of nobody's on an object, so that it stays when it is deleted."""
    patch = '{"metadata":{"finalizers":["example.com/hold"]}}'
    kubectl("patch", what, "--type=merge", "-p", patch)


def release(kubectl: Kubectl, what: str) -> None:
    kubectl("patch", what, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


def test_rollout_status_waits_for_the_last_replica(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=3))

    told = kubectl("rollout", "status", "deploy/web")

    assert told.splitlines()[-1] == 'deployment "web" successfully rolled out'
    assert kubectl.tree("get", "deploy", "web")["status"]["readyReplicas"] == 3


def test_set_image_replaces_the_pods(rolled_out: Kubectl) -> None:
    rolled_out("set", "image", "deploy/web", "app=nginx:2")
    rolled_out("rollout", "status", "deploy/web")
    rolled_out("wait", "--for=jsonpath={.status.replicas}=2", "deploy/web")

    assert "nginx:2" in images_of(rolled_out)


def test_rollout_history_counts_revisions(rolled_out: Kubectl) -> None:
    rolled_out("set", "image", "deploy/web", "app=nginx:2")
    rolled_out("rollout", "status", "deploy/web")

    told = rolled_out("rollout", "history", "deploy/web").split()

    assert [word for word in told if word.isdigit()] == ["1", "2"]


def test_rollout_undo_goes_back(rolled_out: Kubectl) -> None:
    rolled_out("set", "image", "deploy/web", "app=nginx:2")
    rolled_out("rollout", "status", "deploy/web")

    rolled_out("rollout", "undo", "deploy/web")

    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert rolled_out("get", "deploy/web", "-o", image) == "nginx:1"


def test_rollout_restart_makes_new_pods(rolled_out: Kubectl) -> None:
    before = set(names_of(rolled_out, "pods"))

    rolled_out("rollout", "restart", "deploy/web")
    rolled_out("rollout", "status", "deploy/web")
    rolled_out("wait", "--for=delete", *sorted(before), "--timeout=20s")

    assert before.isdisjoint(names_of(rolled_out, "pods"))


def test_scale_changes_the_replicas(rolled_out: Kubectl) -> None:
    rolled_out("scale", "deploy/web", "--replicas=1")

    rolled_out.until("Running", "get", "pods", "-o", "jsonpath={.items[*].status.phase}")


def test_scale_expects_what_it_is_told_to(rolled_out: Kubectl) -> None:
    complaint = rolled_out.refused("scale", "deploy/web", "--replicas=1", "--current-replicas=7")

    assert "Expected replicas to be 7, was 2" in complaint


def test_the_scale_of_a_workload_can_be_read(rolled_out: Kubectl) -> None:
    scale = rolled_out.tree("get", "deploy/web", "--subresource=scale")

    assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 2})


def test_wait_for_a_condition(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment())

    told = kubectl("wait", "--for=condition=Available", "deploy/web", "--timeout=20s")

    assert told == "deployment.apps/web condition met\n"


def test_wait_for_a_condition_that_does_not_come_times_out(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())

    complaint = kubectl.refused("wait", "--for=condition=Ready", "cm/settings", "--timeout=1s")

    assert "timed out waiting for the condition on configmaps/settings" in complaint


def test_wait_for_a_deletion(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())
    hold(kubectl, "cm/settings")
    kubectl("delete", "cm/settings", "--wait=false")

    with kubectl.running("wait", "--for=delete", "cm/settings", "--timeout=30s") as waiting:
        release(kubectl, "cm/settings")
        code = waiting.wait(30)

    assert code == 0


def test_delete_waits_for_finalizers(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())
    hold(kubectl, "cm/settings")

    complaint = kubectl.refused("delete", "cm/settings", "--timeout=1s")

    assert "timed out waiting for the condition" in complaint
    assert kubectl.tree("get", "cm/settings")["metadata"]["deletionTimestamp"]
    release(kubectl, "cm/settings")


def test_delete_in_the_background_takes_the_dependents_along(rolled_out: Kubectl) -> None:
    pods = names_of(rolled_out, "pods")

    rolled_out("delete", "deploy/web")
    rolled_out("wait", "--for=delete", *pods, "--timeout=20s")

    assert names_of(rolled_out, "deploy,rs,pods") == []


def test_delete_in_the_foreground_takes_the_dependents_first(rolled_out: Kubectl) -> None:
    rolled_out("delete", "deploy/web", "--cascade=foreground")

    assert names_of(rolled_out, "deploy,rs,pods") == []


def test_delete_of_an_owner_alone_leaves_orphans(rolled_out: Kubectl) -> None:
    rolled_out("delete", "deploy/web", "--cascade=orphan")

    [left] = rolled_out.tree("get", "rs")["items"]
    assert "ownerReferences" not in left["metadata"]


def test_delete_by_label_takes_all_that_match(kubectl: Kubectl) -> None:
    for name in ("a", "b", "c"):
        kubectl.apply(make_config_map(name))
    kubectl("label", "cm", "a", "b", "old=yes")

    kubectl("delete", "cm", "-l", "old=yes")

    assert names_of(kubectl, "cm") == ["configmap/c", "configmap/kube-root-ca.crt"]


def test_delete_of_a_namespace_empties_it(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())

    kubectl("delete", "namespace", kubectl.namespace)

    assert "not found" in kubectl.refused("get", "namespace", kubectl.namespace)
    assert "not found" in kubectl.refused("get", "cm", "settings")


def test_expose_makes_a_service_with_endpoints(rolled_out: Kubectl) -> None:
    rolled_out("expose", "deploy/web", "--port=80")

    ready = "jsonpath={.items[*].endpoints[*].conditions.ready}"
    rolled_out.until("true true", "get", "endpointslices", "-o", ready)


def test_autoscale_makes_an_autoscaler(rolled_out: Kubectl) -> None:
    rolled_out("autoscale", "deploy/web", "--min=1", "--max=3", "--cpu=50%")

    tree = rolled_out.tree("get", "hpa", "web")
    assert (tree["spec"]["minReplicas"], tree["spec"]["maxReplicas"]) == (1, 3)


def test_run_makes_a_pod_that_gets_ready(kubectl: Kubectl) -> None:
    kubectl("run", "one", "--image=nginx:1")

    assert "condition met" in kubectl("wait", "--for=condition=Ready", "pod/one", "--timeout=20s")


def test_a_job_completes(kubectl: Kubectl) -> None:
    kubectl("create", "job", "once", "--image=busybox")

    told = kubectl("wait", "--for=condition=Complete", "job/once", "--timeout=30s")

    assert told == "job.batch/once condition met\n"


def test_drain_empties_a_node(rolled_out: Kubectl) -> None:
    node = rolled_out("get", "pods", "-o", "jsonpath={.items[0].spec.nodeName}")

    chosen = "--pod-selector=app=web"
    told = rolled_out("drain", node, "--ignore-daemonsets", chosen, "--timeout=30s")
    rolled_out("uncordon", node)

    assert told.splitlines()[-1] == f"node/{node} drained"
    nodes = rolled_out("get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}").split()
    assert node not in nodes
