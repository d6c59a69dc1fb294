"""kubectl can switch from client-side to server-side apply without a conflict with itself."""

from __future__ import annotations

import orjson
import pytest

from tests.manifests import make_config_map
from tests.sim.talk import Api, Json

pytestmark = pytest.mark.anyio
MAPS = "/api/v1/namespaces/default/configmaps"
ONE = f"{MAPS}/settings"
ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"


def make_applied(**data: str) -> Json:
    """An object as client-side apply leaves it."""
    tree = make_config_map(**data)
    text = orjson.dumps(tree).decode()
    return {**tree, "metadata": {**tree["metadata"], "annotations": {ANNOTATION: text}}}


@pytest.fixture(autouse=True)
async def applied(api: Api) -> None:
    await api.post(MAPS, make_applied(color="blue"), fieldManager="kubectl-client-side-apply")


async def test_kubectl_takes_over_what_client_side_apply_set(api: Api) -> None:
    answer = await api.apply(ONE, make_config_map(color="red"), "kubectl")

    assert (answer.status, answer.body["data"]) == (200, {"color": "red"})


async def test_the_annotation_follows_what_is_applied(api: Api) -> None:
    answer = await api.apply(ONE, make_config_map(color="red"), "kubectl")

    text = answer.body["metadata"]["annotations"][ANNOTATION]
    assert orjson.loads(text)["data"] == {"color": "red"}


async def test_another_manager_conflicts_as_ever(api: Api) -> None:
    answer = await api.apply(ONE, make_config_map(color="red"), "somebody")

    assert answer.status == 409


async def test_what_others_changed_since_stays_contested(api: Api) -> None:
    await api.patch(ONE, {"data": {"color": "green"}}, fieldManager="somebody")

    answer = await api.apply(ONE, make_config_map(color="red"), "kubectl")

    assert answer.status == 409
    assert 'conflict with "somebody"' in answer.body["message"]


async def test_managers_can_be_stated_by_an_update(api: Api) -> None:
    [entry] = (await api.get(ONE)).body["metadata"]["managedFields"]
    theirs = {**entry, "manager": "theirs"}

    answer = await api.patch(ONE, {"metadata": {"managedFields": [theirs]}})

    assert [e["manager"] for e in answer.body["metadata"]["managedFields"]] == ["theirs"]
