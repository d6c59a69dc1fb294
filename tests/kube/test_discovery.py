"""Discovery in both forms, and with groups that fail."""

from __future__ import annotations

from typing import Any

import anyio
import orjson

from tests.kube.scripted import JSON_TYPE, ScriptedTransport, failure
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.client.discovery import Discovery, discover
from tmcconsole.runtime import Request, Response, TransportError

NOT_ACCEPTABLE = failure(406, "NotAcceptable")
AGGREGATED = {
    "/api": {
        "kind": "APIGroupDiscoveryList",
        "items": [
            {
                "metadata": {},
                "versions": [
                    {
                        "version": "v1",
                        "resources": [
                            {
                                "resource": "configmaps",
                                "responseKind": {"group": "", "version": "v1", "kind": "ConfigMap"},
                                "scope": "Namespaced",
                                "verbs": ["get", "list"],
                            },
                            {
                                "resource": "namespaces",
                                "responseKind": {"kind": "Namespace"},
                                "scope": "Cluster",
                                "verbs": ["list"],
                                "subresources": [{"subresource": "status", "verbs": ["patch"]}],
                            },
                        ],
                    }
                ],
            }
        ],
    },
    "/apis": {
        "kind": "APIGroupDiscoveryList",
        "items": [
            {
                "metadata": {"name": "stale.io"},
                "versions": [{"version": "v1", "freshness": "Stale"}],
            },
            {"metadata": {"name": "odd.io"}, "versions": [{"version": "v1", "resources": "none"}]},
            {
                "metadata": {"name": "apps"},
                "versions": [
                    {
                        "version": version,
                        "resources": [
                            {
                                "resource": "deployments",
                                "responseKind": {"kind": "Deployment"},
                                "scope": "Namespaced",
                                "verbs": ["list"],
                                "subresources": [{"subresource": "scale"}],
                            }
                        ],
                    }
                    for version in ("v1", "v1beta1")
                ],
            },
        ],
    },
}
LEGACY = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/api/v1": {
        "kind": "APIResourceList",
        "resources": [
            {
                "name": "configmaps",
                "kind": "ConfigMap",
                "namespaced": True,
                "verbs": ["get", "list"],
            },
            {"name": "namespaces/status", "kind": "Namespace", "namespaced": False},
            {"name": "namespaces", "kind": "Namespace", "namespaced": False, "verbs": ["list"]},
        ],
    },
    "/apis": {
        "kind": "APIGroupList",
        "groups": [
            {"name": "metrics.k8s.io", "versions": [{"version": "v1beta1"}]},
            {"name": "hangs.io", "versions": [{"version": "v1"}]},
            {
                "name": "apps",
                "versions": [{"version": "v1beta1"}, {"version": "v1"}],
                "preferredVersion": {"version": "v1"},
            },
        ],
    },
    "/apis/apps/v1": {
        "kind": "APIResourceList",
        "resources": [
            {"name": "deployments", "kind": "Deployment", "namespaced": True, "verbs": ["list"]},
            {"name": "deployments/scale", "kind": "Scale", "namespaced": True},
        ],
    },
    "/apis/apps/v1beta1": {
        "kind": "APIResourceList",
        "resources": [
            {"name": "deployments", "kind": "Deployment", "namespaced": True, "verbs": ["list"]}
        ],
    },
}


class Documents(ScriptedTransport):
    """Answers by path; aggregated documents only where they are asked for."""

    def __init__(self, aggregated: dict[str, Any], legacy: dict[str, Any]) -> None:
        super().__init__()
        self.aggregated = aggregated
        self.legacy = legacy

    async def request(self, request: Request) -> Response:
        self.requests.append(request)
        await anyio.lowlevel.checkpoint()
        if "apidiscovery" in request.accept:
            found = self.aggregated.get(request.path, self.legacy.get(request.path))
        else:
            found = self.legacy.get(request.path)
        if isinstance(found, Exception):
            raise found
        if isinstance(found, Response):
            return found
        missing = failure(503, "ServiceUnavailable", "no endpoints")
        return Response(200, JSON_TYPE, orjson.dumps(found)) if found is not None else missing


async def discovered(aggregated: dict[str, Any], legacy: dict[str, Any]) -> Discovery:
    return await discover(Client(Documents(aggregated, legacy), name="test"))


def ids(found: Discovery) -> list[str]:
    return [f"{kind.id} {kind.version}" for kind in found.kinds]


async def test_two_requests_are_enough_where_discovery_is_aggregated() -> None:
    transport = Documents(AGGREGATED, {})

    found = await discover(Client(transport, name="test"))

    assert len(transport.requests) == 2
    assert ids(found) == [
        "configmaps v1",
        "namespaces v1",
        "deployments.apps v1",
        "deployments.apps v1beta1",
    ]
    assert [kind.namespaced for kind in found.kinds] == [True, False, True, True]
    assert [name for name, _ in found.failed] == ["odd.io/v1", "stale.io/v1"]


async def test_an_old_server_is_asked_group_by_group_and_a_failing_group_hides_no_other() -> None:
    hanging = TransportError("no answer", sent=True, reason="Timeout")

    found = await discovered({}, LEGACY | {"/apis/hangs.io/v1": hanging})

    assert ids(found)[2:] == ["deployments.apps v1", "deployments.apps v1beta1"]
    assert found.failed == (
        ("hangs.io/v1", "no answer"),
        ("metrics.k8s.io/v1beta1", "no endpoints"),
    )


async def test_both_forms_find_the_same() -> None:
    new = await discovered(AGGREGATED, {})
    old = await discovered({}, LEGACY)

    assert new.kinds[:3] == old.kinds[:3]
    assert new.preferred() == old.preferred()


async def test_a_server_that_refuses_the_aggregated_form_is_asked_in_the_old_one() -> None:
    found = await discovered({"/api": NOT_ACCEPTABLE, "/apis": NOT_ACCEPTABLE}, LEGACY)

    assert ids(found)[0] == "configmaps v1"


async def test_a_kind_is_found_in_its_preferred_or_in_a_named_version() -> None:
    found = await discovered(AGGREGATED, {})

    preferred, named = found.find("deployments.apps"), found.find("deployments.apps", "v1beta1")

    assert preferred is not None
    assert named is not None
    assert (preferred.version, named.version) == ("v1", "v1beta1")
    assert preferred.subresources == {"scale"}
    assert found.find("pods") is None
