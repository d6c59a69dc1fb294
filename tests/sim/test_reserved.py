"""kcp's guard: only system:masters may change keys that end in kcp.io."""

from __future__ import annotations

import random
import time
from typing import Any

import orjson
import pytest

from tmcconsole.runtime import Request, Response
from tmcconsole.sim.faces.cluster import Flavour, SimCluster
from tmcconsole.sim.request.request_info import ADMIN, User

Json = dict[str, Any]
SOMEBODY = User("kcp-admin", ("system:kcp:admin", "system:authenticated"))
MAPS = "/api/v1/namespaces/default/configmaps"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
RESERVED = {"experimental.summarizing.workload.kcp.io": "[]"}
ORDINARY = {"state.workload.kcp.io/6ohB8yeXhwqTQVuBzJRgqcRJTpRjX7yTZu5g5g": "Sync"}


def make_workspace(flavour: Flavour = "kcp") -> SimCluster:
    workspace = SimCluster(
        "ws", now=time.monotonic, wall=time.time, rng=random.Random(1), flavour=flavour
    )
    group = {"kind": "Group", "name": "system:kcp:admin", "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "ClusterRole", "name": "cluster-admin", "apiGroup": group["apiGroup"]}
    send(
        workspace,
        ADMIN,
        "POST",
        BINDINGS,
        {"metadata": {"name": "b"}, "subjects": [group], "roleRef": role},
    )
    return workspace


def send(workspace: SimCluster, user: User, method: str, path: str, tree: Json) -> tuple[int, Json]:
    kind = "application/json" if method == "POST" else "application/merge-patch+json"
    answer = workspace.handle(Request(method, path, (), orjson.dumps(tree), kind), user)
    assert isinstance(answer, Response)
    return answer.status, orjson.loads(answer.body)


def make_map(field: str, marks: dict[str, str]) -> Json:
    meta = {"name": "settings", "namespace": "default", field: marks}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}


@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_a_reserved_key_is_refused_on_creation_and_on_change(field: str) -> None:
    workspace = make_workspace()
    marks = {"kcp.io": "x"} if field == "labels" else RESERVED

    status, body = send(workspace, SOMEBODY, "POST", MAPS, make_map(field, marks))
    assert (status, body["reason"]) == (403, "Forbidden")

    send(workspace, ADMIN, "POST", MAPS, make_map(field, marks))
    off = {"metadata": {field: dict.fromkeys(marks)}}
    assert send(workspace, SOMEBODY, "PATCH", f"{MAPS}/settings", off)[0] == 403
    assert send(workspace, ADMIN, "PATCH", f"{MAPS}/settings", off)[0] == 200


def test_a_key_that_only_has_the_domain_passes_and_so_do_changes_beside_a_reserved_one() -> None:
    workspace = make_workspace()
    send(workspace, ADMIN, "POST", MAPS, make_map("annotations", RESERVED))

    change = {"metadata": {"labels": ORDINARY}, "data": {"a": "b"}}

    assert send(workspace, SOMEBODY, "PATCH", f"{MAPS}/settings", change)[0] == 200


def test_a_plain_hub_has_no_such_guard() -> None:
    workspace = make_workspace("hub")

    assert send(workspace, SOMEBODY, "POST", MAPS, make_map("annotations", RESERVED))[0] == 201
