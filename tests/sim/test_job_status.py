"""A Job's status changes only as a real API server allows; each case was observed on one."""

from __future__ import annotations

import pytest

from tests.sim.talk import Answer, Api, Json

pytestmark = pytest.mark.anyio

JOBS = "/apis/batch/v1/namespaces/default/jobs"
FIRST, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z"


def true(*kinds: str) -> list[Json]:
    return [{"type": kind, "status": "True"} for kind in kinds]


@pytest.fixture
async def running(api: Api) -> Api:
    pods = {"restartPolicy": "Never", "containers": [{"name": "app", "image": "i"}]}
    made = await api.post(JOBS, {"metadata": {"name": "j"}, "spec": {"template": {"spec": pods}}})
    assert made.status == 201, made.body
    started = await write(api, startTime=FIRST, active=1, failed=2)
    assert started.status == 200, started.body
    return api


async def write(api: Api, **status: object) -> Answer:
    return await api.patch(f"{JOBS}/j/status", {"status": status})


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"startTime": LATER}, "immutable for unsuspended job once set"),
        ({"startTime": None}, "immutable for unsuspended job once set"),
        ({"failed": 1}, "cannot decrease the failed counter"),
        ({"conditions": true("FailureTarget", "Failed")}, "active>0 is invalid for finished job"),
        ({"active": 0, "conditions": true("Failed")}, "without the FailureTarget=true condition"),
        ({"active": 0, "conditions": true("Complete")}, "completionTime is required"),
        ({"completionTime": LATER}, "when there is no Complete=True condition"),
    ],
    ids=str,
)
async def test_a_status_that_takes_something_back_is_refused(
    running: Api, status: Json, told: str
) -> None:
    answer = await write(running, **status)

    assert answer.status == 422
    assert told in answer.body["message"]


async def test_an_end_with_its_reason_is_taken_and_stays(running: Api) -> None:
    ended = await write(running, active=0, conditions=true("FailureTarget", "Failed"))
    taken_back = await write(running, conditions=None)

    assert ended.status == 200
    assert taken_back.status == 422
