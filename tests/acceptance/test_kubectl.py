"""kubectl reads a simulated cluster: discovery, tables, every output format, selectors, watches."""

from __future__ import annotations

import pytest
import yaml

from tests.acceptance.kubectl import Kubectl
from tests.manifests import make_config_map, make_deployment

pytestmark = pytest.mark.xdist_group("acceptance")


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines()]


def test_version_names_the_server(kubectl: Kubectl) -> None:
    assert "Server Version: v1.36" in kubectl("version")


def test_cluster_info_names_the_control_plane(kubectl: Kubectl) -> None:
    assert "Kubernetes control plane is running at http://127.0.0.1:" in kubectl("cluster-info")


def test_api_versions_list_the_groups(kubectl: Kubectl) -> None:
    listed = set(kubectl("api-versions").split())

    assert {"v1", "apps/v1", "batch/v1", "coordination.k8s.io/v1"} <= listed


def test_api_resources_tell_short_name_scope_and_kind(kubectl: Kubectl) -> None:
    resources = rows(kubectl("api-resources"))

    assert ["deployments", "deploy", "apps/v1", "true", "Deployment"] in resources
    assert ["nodes", "no", "v1", "false", "Node"] in resources


def test_api_resources_can_be_chosen_by_group_and_verb(kubectl: Kubectl) -> None:
    names = kubectl("api-resources", "--api-group=batch", "--verbs=patch", "-o", "name")

    assert names.split() == ["cronjobs.batch", "jobs.batch"]


def test_raw_paths_are_answered(kubectl: Kubectl) -> None:
    assert kubectl("get", "--raw", "/readyz") == "ok"


def test_get_prints_the_columns_of_the_kind(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())

    head, row = rows(kubectl("get", "configmap", "settings"))

    assert head == ["NAME", "DATA", "AGE"]
    assert row[:2] == ["settings", "1"]


def test_get_wide_adds_columns(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=0))

    head, row = rows(kubectl("get", "deploy", "-o", "wide"))

    assert head[5:] == ["CONTAINERS", "IMAGES", "SELECTOR"]
    assert row[5:] == ["app", "nginx:1", "app=web"]


def test_get_shows_labels_as_columns(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=0))

    [head, row] = rows(kubectl("get", "deploy", "-L", "app", "--show-labels"))

    assert (head[-2:], row[-2:]) == (["APP", "LABELS"], ["web", "app=web"])


def test_get_yaml_is_the_object(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())

    tree = yaml.safe_load(kubectl("get", "cm", "settings", "-o", "yaml"))

    assert (tree["kind"], tree["data"]) == ("ConfigMap", {"color": "blue"})


def test_get_json_is_the_object(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())

    assert kubectl.tree("get", "cm", "settings")["data"] == {"color": "blue"}


def test_get_json_of_many_is_a_list(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map("a"), make_config_map("b"))

    listed = kubectl.tree("get", "cm", "a", "b")

    assert [item["metadata"]["name"] for item in listed["items"]] == ["a", "b"]


def test_get_name_prints_kind_and_name(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=0))

    assert kubectl("get", "deploy", "-o", "name").split() == ["deployment.apps/web"]


def test_get_jsonpath_prints_one_field(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map(color="blue"))

    assert kubectl("get", "cm", "settings", "-o", "jsonpath={.data.color}") == "blue"


def test_get_custom_columns_prints_what_is_asked(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map(color="blue"))

    table = kubectl("get", "cm", "settings", "-o", "custom-columns=N:.metadata.name,C:.data.color")

    assert rows(table) == [["N", "C"], ["settings", "blue"]]


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("size=small", ["a"]),
        ("size!=small", ["b", "c"]),
        ("size in (small,large)", ["a", "b"]),
        ("size notin (small)", ["b", "c"]),
        ("size", ["a", "b"]),
        ("!size", ["c"]),
        ("size,size!=large", ["a"]),
    ],
)
def test_get_by_label(kubectl: Kubectl, selector: str, found: list[str]) -> None:
    for name, labels in (("a", {"size": "small"}), ("b", {"size": "large"}), ("c", {})):
        tree = make_config_map(name)
        kubectl.apply({**tree, "metadata": {"name": name, "labels": {"mine": "yes", **labels}}})

    listed = kubectl("get", "cm", "-l", f"mine,{selector}", "-o", "name").split()

    assert listed == [f"configmap/{name}" for name in found]


def test_get_by_field(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map("a"), make_config_map("b"))

    found = kubectl("get", "cm", "--field-selector", "metadata.name=b", "-o", "name")

    assert found.split() == ["configmap/b"]


def test_get_by_an_unknown_field_is_refused(kubectl: Kubectl) -> None:
    complaint = kubectl.refused("get", "cm", "--field-selector", "data.color=blue")

    assert '"data.color" is not a known field selector: only "metadata.name"' in complaint


def test_get_everywhere_names_the_namespace(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map("here"))

    found = rows(kubectl("get", "cm", "-A", "--field-selector", "metadata.name=here"))

    assert [row[:2] for row in found] == [["NAMESPACE", "NAME"], [kubectl.namespace, "here"]]


def test_get_sorts(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment("small", 0), make_deployment("big", 3))

    listed = kubectl("get", "deploy", "--sort-by=.spec.replicas", "-o", "name").split()

    assert listed == ["deployment.apps/small", "deployment.apps/big"]


def test_get_in_chunks_finds_everything(kubectl: Kubectl) -> None:
    names = [f"map-{number}" for number in range(7)]
    kubectl.apply(*[make_config_map(name) for name in names])

    listed = kubectl("get", "cm", "--chunk-size=2", "-o", "name").split()

    assert {f"configmap/{name}" for name in names} <= set(listed)


def test_get_all_shows_a_workload_with_what_it_made(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=1))
    kubectl("rollout", "status", "deploy/web")

    kinds = {name.partition("/")[0] for name in kubectl("get", "all", "-o", "name").split()}

    assert kinds == {"pod", "deployment.apps", "replicaset.apps"}


def test_get_of_something_missing_names_it(kubectl: Kubectl) -> None:
    complaint = kubectl.refused("get", "cm", "nothing")

    assert complaint == 'Error from server (NotFound): configmaps "nothing" not found\n'


def test_get_of_an_unknown_kind_names_it(kubectl: Kubectl) -> None:
    assert 'doesn\'t have a resource type "gadgets"' in kubectl.refused("get", "gadgets")


def test_watch_prints_a_row_for_each_change(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())
    chosen = ("--field-selector", "metadata.name=settings")

    with kubectl.running("get", "cm", "-w", "--no-headers", *chosen) as watching:
        assert watching.stdout is not None
        first = watching.stdout.readline().split()
        kubectl.apply(make_config_map(color="red", shape="round"))
        second = watching.stdout.readline().split()

    assert [first[:2], second[:2]] == [["settings", "1"], ["settings", "2"]]


def test_watch_tells_what_happened(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())
    chosen = ("--field-selector", "metadata.name=settings")

    with kubectl.running(
        "get", "cm", "-w", "--no-headers", "--output-watch-events", *chosen
    ) as watching:
        assert watching.stdout is not None
        first = watching.stdout.readline().split()
        kubectl("delete", "cm", "settings")
        second = watching.stdout.readline().split()

    assert [first[0], second[0]] == ["ADDED", "DELETED"]


def test_describe_shows_a_workload_with_its_events(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment())
    kubectl("rollout", "status", "deploy/web")

    told = kubectl("describe", "deploy", "web")

    assert "2 desired | 2 updated | 2 total | 2 available" in told
    assert "Scaled up replica set" in told


def test_describe_shows_a_node_with_its_pods(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=1))
    kubectl("rollout", "status", "deploy/web")
    node = kubectl("get", "pods", "-o", "jsonpath={.items[0].spec.nodeName}")

    assert f"{kubectl.namespace} " in kubectl("describe", "node", node)


def test_events_tell_who_went_where(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=1))
    kubectl("rollout", "status", "deploy/web")

    assert "Successfully assigned" in kubectl("events", "--types=Normal")


def test_events_of_one_object_can_be_chosen(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=1))
    kubectl("rollout", "status", "deploy/web")

    [_, row] = rows(kubectl("events", "--for=deploy/web"))

    assert row[1:4] == ["Normal", "ScalingReplicaSet", "Deployment/web"]


def test_explain_tells_of_the_fields_of_a_built_in_kind(kubectl: Kubectl) -> None:
    told = kubectl("explain", "deployment.spec.template.spec.containers.image")

    assert "FIELD: image <string>" in told


def test_explain_tells_of_all_fields_below(kubectl: Kubectl) -> None:
    told = kubectl("explain", "pod.spec", "--recursive")

    assert "containers\t<[]Container> -required-" in told
    assert "imagePullPolicy\t<string>" in told


def test_explain_of_an_unknown_field_is_refused(kubectl: Kubectl) -> None:
    assert 'field "speck" does not exist' in kubectl.refused("explain", "deployment.speck")


def test_auth_says_who_i_am(kubectl: Kubectl) -> None:
    assert kubectl.tree("auth", "whoami")["status"]["userInfo"]["username"] == "system:admin"


def test_auth_says_what_i_may(kubectl: Kubectl) -> None:
    assert kubectl("auth", "can-i", "create", "deployments.apps").strip() == "yes"


def test_auth_lists_what_i_may(kubectl: Kubectl) -> None:
    assert rows(kubectl("auth", "can-i", "--list"))[1] == ["*.*", "[]", "[]", "[*]"]


def test_a_token_is_refused_with_the_reason(kubectl: Kubectl) -> None:
    complaint = kubectl.refused("create", "token", "default")

    assert complaint == "error: failed to create token: a simulated cluster issues no tokens\n"


def test_logs_are_refused_with_the_reason(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=1))
    kubectl("rollout", "status", "deploy/web")

    assert "pods of a simulated cluster run nothing" in kubectl.refused("logs", "deploy/web")


def test_exec_is_refused_with_the_reason(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=1))
    kubectl("rollout", "status", "deploy/web")

    complaint = kubectl.refused("exec", "deploy/web", "--", "true")

    assert "pods of a simulated cluster run nothing" in complaint


def test_explain_by_the_old_document_names_the_fields(kubectl: Kubectl) -> None:
    told = kubectl("explain", "deployment.spec.strategy", "--output=plaintext-openapiv2")

    assert "RESOURCE: strategy <Object>" in told
    assert "rollingUpdate\t<Object>" in told


def test_explain_describes_each_field(kubectl: Kubectl) -> None:
    told = kubectl("explain", "pod.spec.containers")

    assert "FIELD: containers <[]Container>" in told
    assert "List of containers (Container), told apart by name. Required." in told
