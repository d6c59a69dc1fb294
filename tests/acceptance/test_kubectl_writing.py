"""kubectl writes to a simulated cluster: apply in both manners, patches, edits, refusals."""

from __future__ import annotations

import pytest

from tests.acceptance.kubectl import Json, Kubectl
from tests.manifests import make_config_map, make_deployment

pytestmark = pytest.mark.xdist_group("acceptance")


def data_of(kubectl: Kubectl, name: str = "settings") -> Json:
    data: Json = kubectl.tree("get", "cm", name).get("data", {})
    return data


def container_of(kubectl: Kubectl) -> Json:
    tree = kubectl.tree("get", "deploy", "web")
    container: Json = tree["spec"]["template"]["spec"]["containers"][0]
    return container


def managers_of(kubectl: Kubectl) -> list[tuple[str, str]]:
    tree = kubectl.tree("get", "cm", "settings", "--show-managed-fields")
    return [(entry["manager"], entry["operation"]) for entry in tree["metadata"]["managedFields"]]


def test_create_from_a_file_makes_the_object(kubectl: Kubectl) -> None:
    assert (
        kubectl("create", "-f", kubectl.file(make_config_map())) == "configmap/settings created\n"
    )


def test_create_of_something_that_is_there_is_refused(kubectl: Kubectl) -> None:
    file = kubectl.file(make_config_map())
    kubectl("create", "-f", file)

    assert 'configmaps "settings" already exists' in kubectl.refused("create", "-f", file)


def test_create_by_arguments_makes_the_object(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "settings", "--from-literal=color=blue")

    assert data_of(kubectl) == {"color": "blue"}


def test_create_in_a_missing_namespace_is_refused(kubectl: Kubectl) -> None:
    complaint = kubectl.refused("-n", "nowhere", "create", "configmap", "settings")

    assert 'namespaces "nowhere" not found' in complaint


def test_apply_creates_then_finds_nothing_to_change(kubectl: Kubectl) -> None:
    first = kubectl.apply(make_deployment(replicas=0))
    second = kubectl.apply(make_deployment(replicas=0))

    assert (first, second) == ("deployment.apps/web created\n", "deployment.apps/web unchanged\n")


def test_apply_removes_what_the_file_no_longer_has(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map(color="blue", shape="round"))

    assert kubectl.apply(make_config_map(color="blue")) == "configmap/settings configured\n"
    assert data_of(kubectl) == {"color": "blue"}


def test_apply_keeps_the_containers_that_others_added(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=0))
    extra = '{"spec":{"template":{"spec":{"containers":[{"name":"extra","image":"e:1"}]}}}}'
    kubectl("patch", "deploy", "web", "-p", extra)

    kubectl.apply(make_deployment(replicas=0, image="nginx:2"))

    containers = kubectl.tree("get", "deploy", "web")["spec"]["template"]["spec"]["containers"]
    images = {container["name"]: container["image"] for container in containers}
    assert images == {"app": "nginx:2", "extra": "e:1"}


def test_apply_prunes_what_left_the_files(kubectl: Kubectl) -> None:
    marked = [make_config_map(name) for name in ("a", "b")]
    for tree in marked:
        tree["metadata"]["labels"] = {"set": kubectl.namespace}
    kubectl.apply(*marked)

    chosen = ("-l", f"set={kubectl.namespace}", "--prune-allowlist=core/v1/ConfigMap")
    kubectl("apply", "-f", kubectl.file(marked[0]), "--prune", *chosen)

    assert kubectl("get", "cm", "-l", "set", "-o", "name").split() == ["configmap/a"]


def test_server_side_apply_records_its_manager(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", "-f", kubectl.file(make_config_map()))

    assert managers_of(kubectl) == [("kubectl", "Apply")]


def test_server_side_apply_tells_of_a_conflict(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", "-f", kubectl.file(make_config_map(color="blue")))
    theirs = ("apply", "--server-side", "--field-manager=theirs")

    complaint = kubectl.refused(*theirs, "-f", kubectl.file(make_config_map(color="red")))

    assert 'Apply failed with 1 conflict: conflict with "kubectl": .data.color' in complaint
    assert data_of(kubectl) == {"color": "blue"}


def test_server_side_apply_takes_over_where_forced(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", "-f", kubectl.file(make_config_map(color="blue")))
    theirs = ("apply", "--server-side", "--field-manager=theirs", "--force-conflicts")

    kubectl(*theirs, "-f", kubectl.file(make_config_map(color="red")))

    assert data_of(kubectl) == {"color": "red"}


def test_server_side_apply_drops_what_nobody_applies_any_more(kubectl: Kubectl) -> None:
    ours = ("apply", "--server-side", "-f")
    kubectl(*ours, kubectl.file(make_config_map(color="blue", shape="round")))
    kubectl(*ours, kubectl.file(make_config_map(color="blue")))

    assert data_of(kubectl) == {"color": "blue"}


def test_server_side_apply_takes_over_from_client_side(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map(color="blue"))

    kubectl("apply", "--server-side", "-f", kubectl.file(make_config_map(color="red")))

    assert data_of(kubectl) == {"color": "red"}
    assert managers_of(kubectl) == [("kubectl-last-applied", "Apply"), ("kubectl", "Apply")]


def test_diff_shows_what_would_change_and_changes_nothing(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map(color="blue"))

    said = kubectl.tried("diff", "-f", kubectl.file(make_config_map(color="red")))

    assert (said.code, "-  color: blue\n+  color: red" in said.out) == (1, True)
    assert data_of(kubectl) == {"color": "blue"}


def test_diff_of_what_is_applied_is_empty(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=0))

    assert kubectl("diff", "-f", kubectl.file(make_deployment(replicas=0))) == ""


def test_dry_run_shows_the_defaults_and_stores_nothing(kubectl: Kubectl) -> None:
    file = kubectl.file(make_deployment())

    tree = kubectl.tree("apply", "--dry-run=server", "-f", file)

    assert tree["spec"]["strategy"]["type"] == "RollingUpdate"
    assert kubectl("get", "deploy", "-o", "name") == ""


def test_strategic_patch_merges_a_list_by_name(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=0))
    env = '{"name":"app","env":[{"name":"A","value":"1"}]}'

    kubectl(
        "patch",
        "deploy",
        "web",
        "-p",
        f'{{"spec":{{"template":{{"spec":{{"containers":[{env}]}}}}}}}}',
    )

    found = container_of(kubectl)
    assert (found["image"], found["env"]) == ("nginx:1", [{"name": "A", "value": "1"}])


def test_merge_patch_removes_with_null(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map(color="blue", shape="round"))

    kubectl("patch", "cm", "settings", "--type=merge", "-p", '{"data":{"color":null}}')

    assert data_of(kubectl) == {"shape": "round"}


def test_json_patch_does_what_its_operations_say(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map(color="blue"))
    operations = (
        '[{"op":"test","path":"/data/color","value":"blue"},'
        '{"op":"move","from":"/data/color","path":"/data/paint"}]'
    )

    kubectl("patch", "cm", "settings", "--type=json", "-p", operations)

    assert data_of(kubectl) == {"paint": "blue"}


def test_json_patch_whose_test_fails_changes_nothing(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map(color="blue"))
    operations = (
        '[{"op":"replace","path":"/data/color","value":"red"},'
        '{"op":"test","path":"/data/color","value":"green"}]'
    )

    kubectl.refused("patch", "cm", "settings", "--type=json", "-p", operations)

    assert data_of(kubectl) == {"color": "blue"}


def test_status_patch_leaves_the_spec_alone(kubectl: Kubectl) -> None:
    kubectl("create", "-f", kubectl.file(make_claim()))
    change = '{"spec":{"volumeName":"other"},"status":{"phase":"Lost"}}'

    kubectl("patch", "pvc", "disk", "--subresource=status", "--type=merge", "-p", change)

    tree = kubectl.tree("get", "pvc", "disk")
    assert (tree["status"]["phase"], tree["spec"].get("volumeName") == "other") == ("Lost", False)


def test_replace_of_the_whole_object(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map(color="blue"))

    kubectl("replace", "-f", kubectl.file(make_config_map(shape="round")))

    assert data_of(kubectl) == {"shape": "round"}


def test_replace_of_an_old_version_is_refused(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map(color="blue"))
    old = kubectl.tree("get", "cm", "settings")
    kubectl("label", "cm", "settings", "newer=yes")

    complaint = kubectl.refused("replace", "-f", kubectl.file(old))

    assert "the object has been modified" in complaint


def test_edit_sends_what_the_editor_saved(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map(color="blue"))

    kubectl.editing('sed -i "s/color: blue/color: red/" "$1"')("edit", "cm", "settings")

    assert data_of(kubectl) == {"color": "red"}


def test_edit_without_a_change_writes_nothing(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())
    before = kubectl.tree("get", "cm", "settings")

    said = kubectl.editing("true").tried("edit", "cm", "settings")

    assert "no changes made" in said.err
    assert kubectl.tree("get", "cm", "settings") == before


def test_edit_of_something_invalid_is_refused(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=0))
    editing = kubectl.editing('sed -i "s/replicas: 0/replicas: -1/" "$1"')

    complaint = editing.refused("edit", "deploy", "web")

    assert 'deployments.apps "web" is invalid' in complaint
    assert kubectl.tree("get", "deploy", "web")["spec"]["replicas"] == 0


def test_label_sets_and_removes(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())

    kubectl("label", "cm", "settings", "a=1", "b=2")
    kubectl("label", "cm", "settings", "a-")

    assert kubectl.tree("get", "cm", "settings")["metadata"]["labels"] == {"b": "2"}


def test_label_overwrites_only_where_asked(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())
    kubectl("label", "cm", "settings", "a=1")

    assert "'a' already has a value (1)" in kubectl.refused("label", "cm", "settings", "a=2")
    assert "labeled" in kubectl("label", "cm", "settings", "a=2", "--overwrite")


def test_an_invalid_label_is_refused(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())
    patch = '{"metadata":{"labels":{"a":"not a label"}}}'

    complaint = kubectl.refused("patch", "cm", "settings", "-p", patch)

    assert 'metadata.labels: Invalid value: "not a label"' in complaint


def test_annotate_sets_an_annotation(kubectl: Kubectl) -> None:
    kubectl.apply(make_config_map())

    kubectl("annotate", "cm", "settings", "note=seen")

    assert kubectl.tree("get", "cm", "settings")["metadata"]["annotations"]["note"] == "seen"


def test_an_immutable_field_stays_as_it_is(kubectl: Kubectl) -> None:
    kubectl.apply(make_deployment(replicas=0))
    change = '{"spec":{"selector":{"matchLabels":{"app":"other"}}}}'

    complaint = kubectl.refused("patch", "deploy", "web", "-p", change)

    assert "field is immutable" in complaint


def test_an_unknown_field_is_refused_with_its_path(kubectl: Kubectl) -> None:
    tree = make_deployment()
    tree["spec"]["template"]["spec"]["containers"][0]["imagee"] = "nginx"

    complaint = kubectl.refused("apply", "-f", kubectl.file(tree))

    assert 'unknown field "spec.template.spec.containers[0].imagee"' in complaint


def test_an_unknown_field_is_dropped_with_a_warning_where_asked(kubectl: Kubectl) -> None:
    tree = make_deployment(replicas=0)
    tree["spec"]["replica"] = 3

    said = kubectl.tried("create", "--validate=warn", "-f", kubectl.file(tree))

    assert (said.code, 'Warning: unknown field "spec.replica"' in said.err) == (0, True)
    assert "replica" not in kubectl.tree("get", "deploy", "web")["spec"]


def test_a_field_of_the_wrong_type_is_refused_with_its_path(kubectl: Kubectl) -> None:
    tree = make_deployment()
    tree["spec"]["replicas"] = "two"

    complaint = kubectl.refused("create", "-f", kubectl.file(tree))

    assert "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas" in complaint


def test_the_causes_of_an_invalid_object_are_told(kubectl: Kubectl) -> None:
    tree = make_deployment()
    tree["spec"]["template"]["metadata"]["labels"] = {"app": "other"}

    complaint = kubectl.refused("apply", "-f", kubectl.file(tree))

    assert "spec.template.metadata.labels: Invalid value" in complaint


def make_claim() -> Json:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "disk"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "none",
        },
    }
