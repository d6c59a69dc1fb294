"""kubectl's imperative commands send protobuf: what is known is read, the rest is refused."""

from __future__ import annotations

import pytest

from tmcconsole.sim.request.protobuf import decode
from tmcconsole.sim.storage.status_errors import StatusError


def field(number: int, value: bytes | int | str) -> bytes:
    """Encode one field; all lengths here are below 128."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    data = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2, len(data)]) + data


def body(version: str, kind: str, raw: bytes) -> bytes:
    return b"k8s\x00" + field(1, field(1, version) + field(2, kind)) + field(2, raw)


META = field(1, field(1, "x") + field(3, "") + field(11, field(1, "app") + field(2, "web")))


def test_config_map_is_read() -> None:
    data = field(2, field(1, "a") + field(2, "b"))

    assert decode(body("v1", "ConfigMap", META + data)) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x", "labels": {"app": "web"}},
        "data": {"a": "b"},
    }


def test_zero_replicas_are_said_and_zero_seconds_are_not() -> None:
    spec = field(2, field(1, 0) + field(5, 0))

    assert decode(body("apps/v1", "Deployment", META + spec))["spec"] == {"replicas": 0}


def test_unknown_field_is_refused_rather_than_dropped() -> None:
    with pytest.raises(StatusError) as refused:
        decode(body("v1", "ConfigMap", META + field(9, "new")))

    assert refused.value.code == 415
    assert "kubectl create -f" in refused.value.message


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(StatusError, match="this server does not read a Toaster"):
        decode(body("example.com/v1", "Toaster", b""))


@pytest.mark.parametrize("broken", [b"", b"{}", b"k8s\x00\x0a\x7f", b"k8s\x00\x12"])
def test_garbage_is_a_bad_request(broken: bytes) -> None:
    with pytest.raises(StatusError) as refused:
        decode(broken)

    assert refused.value.code == 400


def test_status_is_read_with_its_times_and_zeros() -> None:
    container = field(1, "app") + field(4, 0) + field(5, 0) + field(6, "") + field(7, "")
    started = field(1, 60) + field(2, 0)
    status = field(1, "Running") + field(7, started) + field(8, container)

    assert decode(body("v1", "Pod", META + field(3, status)))["status"] == {
        "phase": "Running",
        "startTime": "1970-01-01T00:01:00Z",
        "containerStatuses": [
            {"name": "app", "ready": False, "restartCount": 0, "image": "", "imageID": ""}
        ],
    }


def test_lease_is_read_to_the_microsecond() -> None:
    renewed = field(1, 1) + b"\x10\xc0\x84\x3d"  # 1,000,000 ns
    spec = field(1, "me") + field(2, 15) + field(4, renewed) + field(5, 0)

    assert decode(body("coordination.k8s.io/v1", "Lease", META + field(2, spec)))["spec"] == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "renewTime": "1970-01-01T00:00:01.001000Z",
        "leaseTransitions": 0,
    }
