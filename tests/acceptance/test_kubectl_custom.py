"""kubectl and custom resources on a simulated cluster: served, printed, explained, validated."""

from __future__ import annotations

import pytest

from tests.acceptance.kubectl import Kubectl
from tests.manifests import make_definition, make_widget

pytestmark = [pytest.mark.xdist_group("acceptance"), pytest.mark.usefixtures("widgets")]


def test_a_custom_resource_has_the_columns_of_its_definition(kubectl: Kubectl) -> None:
    kubectl.apply(make_widget(size=3))

    table = kubectl("get", "widgets")

    assert [line.split() for line in table.splitlines()] == [["NAME", "SIZE"], ["one", "3"]]


def test_a_column_of_lower_priority_is_shown_wide(kubectl: Kubectl) -> None:
    kubectl.apply(make_widget(size=3))
    change = '{"status":{"phase":"Ready"}}'
    kubectl("patch", "widget", "one", "--subresource=status", "--type=merge", "-p", change)

    table = kubectl("get", "widgets", "-o", "wide")

    assert table.splitlines()[1].split() == ["one", "3", "Ready"]


def test_a_status_is_written_through_its_subresource_only(kubectl: Kubectl) -> None:
    kubectl.apply(make_widget(size=3))

    kubectl("patch", "widget", "one", "--type=merge", "-p", '{"status":{"phase":"Ready"}}')

    assert "status" not in kubectl.tree("get", "widget", "one")


def test_explain_tells_what_the_definition_says(kubectl: Kubectl) -> None:
    told = kubectl("explain", "widget.spec.size")

    assert "FIELD: size <integer>" in told
    assert "How big it is." in told


def test_a_value_out_of_bounds_is_refused(kubectl: Kubectl) -> None:
    complaint = kubectl.refused("apply", "-f", kubectl.file(make_widget(size=0)))

    assert "spec.size in body should be greater than or equal to 1" in complaint


def test_a_value_of_the_wrong_type_is_refused(kubectl: Kubectl) -> None:
    complaint = kubectl.refused("apply", "-f", kubectl.file(make_widget(size="big")))

    assert "spec.size in body must be of type integer" in complaint


def test_an_unknown_field_is_refused(kubectl: Kubectl) -> None:
    complaint = kubectl.refused("apply", "-f", kubectl.file(make_widget(sise=3)))

    assert 'unknown field "spec.sise"' in complaint


def test_an_unknown_field_is_pruned_where_validation_is_off(kubectl: Kubectl) -> None:
    kubectl("create", "--validate=false", "-f", kubectl.file(make_widget(size=3, sise=3)))

    assert kubectl.tree("get", "widget", "one")["spec"] == {"size": 3}


def test_a_custom_resource_is_applied_by_the_server(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", "-f", kubectl.file(make_widget(size=3)))
    theirs = ("apply", "--server-side", "--field-manager=theirs")

    complaint = kubectl.refused(*theirs, "-f", kubectl.file(make_widget(size=4)))

    assert 'conflict with "kubectl": .spec.size' in complaint


def test_a_definition_takes_its_resources_along(kubectl: Kubectl) -> None:
    kubectl.apply(make_definition("gadgets", "Gadget"))
    kubectl("wait", "--for=condition=Established", "crd/gadgets.example.com")
    gadget = {**make_widget(size=3), "kind": "Gadget"}
    kubectl.apply(gadget)

    kubectl("delete", "crd", "gadgets.example.com")

    assert "gadgets.example.com" not in kubectl("get", "crd", "-o", "name")
    kubectl.refused("get", "gadgets.v1.example.com")
