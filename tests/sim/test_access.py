"""The small RBAC: bindings grant, their absence denies, and impersonation needs permission."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.manifests import make_config_map
from tests.sim.talk import Api
from tmcconsole.runtime import Request, Response
from tmcconsole.sim.faces.cluster import SimCluster
from tmcconsole.sim.request.request_info import User

pytestmark = pytest.mark.anyio
RBAC = "/apis/rbac.authorization.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"
ROBOT = User("system:serviceaccount:default:robot", ("system:authenticated",))
Json = dict[str, Any]


def as_user(
    cluster: SimCluster, user: User, method: str, path: str, **headers: str
) -> tuple[int, Json]:
    body = orjson.dumps(make_config_map()) if method == "POST" else b""
    sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    request = Request(method, path, (), body, "application/json", headers=sent)
    answer = cluster.handle(request, user)
    assert isinstance(answer, Response)
    return answer.status, orjson.loads(answer.body)


async def allow(api: Api, namespace: str, **rule: list[str]) -> None:
    """Give the robot a role, in one namespace or everywhere."""
    scope, kind = (f"/namespaces/{namespace}", "") if namespace else ("", "Cluster")
    prefix = kind.lower()
    role = {"metadata": {"name": "r"}, "rules": [{"apiGroups": [""], **rule}]}
    await api.post(f"{RBAC}{scope}/{prefix}roles", role)
    robot = {"kind": "ServiceAccount", "name": "robot", "namespace": "default"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": f"{kind}Role", "name": "r"}
    binding = {"metadata": {"name": "b"}, "subjects": [robot], "roleRef": reference}
    await api.post(f"{RBAC}{scope}/{prefix}rolebindings", binding)


def test_nobody_may_do_anything_unbound(cluster: SimCluster) -> None:
    status, body = as_user(cluster, ROBOT, "GET", MAPS)

    assert (status, body["reason"]) == (403, "Forbidden")
    assert f'User "{ROBOT.name}" cannot list resource "configmaps"' in body["message"]


async def test_role_gives_its_verbs_in_its_namespace(api: Api, cluster: SimCluster) -> None:
    await allow(api, "default", resources=["configmaps"], verbs=["list"])

    assert as_user(cluster, ROBOT, "GET", MAPS)[0] == 200
    assert as_user(cluster, ROBOT, "POST", MAPS)[0] == 403
    assert as_user(cluster, ROBOT, "GET", "/api/v1/namespaces/kube-system/configmaps")[0] == 403
    assert as_user(cluster, ROBOT, "GET", "/api/v1/configmaps")[0] == 403


async def test_cluster_role_gives_its_verbs_everywhere(api: Api, cluster: SimCluster) -> None:
    await allow(api, "", resources=["*"], verbs=["*"])

    assert as_user(cluster, ROBOT, "GET", "/api/v1/configmaps")[0] == 200
    assert as_user(cluster, ROBOT, "GET", "/apis/apps/v1/deployments")[0] == 403


async def test_review_says_what_a_request_would_meet(api: Api, cluster: SimCluster) -> None:
    await allow(api, "default", resources=["configmaps"], verbs=["list"])
    asks = {"namespace": "default", "resource": "configmaps"}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

    answers = []
    for verb in ("list", "create"):
        spec = {"user": ROBOT.name, "resourceAttributes": {**asks, "verb": verb}}
        answers.append((await api.post(path, {"spec": spec})).body["status"]["allowed"])

    assert answers == [True, False]


def test_F4_administrator_may_act_as_another_and_has_only_its_rights(cluster: SimCluster) -> None:
    admin = User("root", ("system:masters",))

    assert as_user(cluster, admin, "GET", MAPS)[0] == 200
    assert as_user(cluster, admin, "GET", MAPS, impersonate_user="bob")[0] == 403


def test_F4_empty_impersonation_is_refused_not_ignored(cluster: SimCluster) -> None:
    admin = User("root", ("system:masters",))

    assert as_user(cluster, admin, "GET", MAPS, impersonate_user="")[0] == 400
    assert as_user(cluster, admin, "GET", MAPS, impersonate_group="x")[0] == 400


def test_F4_others_cannot_impersonate(cluster: SimCluster) -> None:
    status, body = as_user(cluster, ROBOT, "GET", MAPS, impersonate_user="system:admin")

    assert status == 403
    assert 'cannot impersonate resource "users"' in body["message"]


async def test_F4_the_verb_impersonate_lets_one_act_as_that_account_and_no_other(
    api: Api, cluster: SimCluster
) -> None:
    await allow(api, "default", resources=["serviceaccounts"], verbs=["impersonate"])
    ours, theirs = "system:serviceaccount:default:shop", "system:serviceaccount:other:shop"

    status, body = as_user(cluster, ROBOT, "GET", MAPS, impersonate_user=ours)
    assert status == 403
    assert f'User "{ours}" cannot list' in body["message"]
    status, body = as_user(cluster, ROBOT, "GET", MAPS, impersonate_user=theirs)
    assert status == 403
    assert "cannot impersonate resource" in body["message"]
    assert 'in the namespace "other"' in body["message"]
