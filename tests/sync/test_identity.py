"""kcp's published hash vectors."""

import pytest

from tmcconsole.sync.names.identity import (
    Locator,
    TargetIdentity,
    dns_id,
    namespace_for,
    short_hash,
    target_key,
    tenant_id,
)

US_WEST = TargetIdentity("root:org:ws", "us-west1", "syncTargetUID")
LOCATOR = Locator(US_WEST, "root:org:ws", "test")


@pytest.mark.parametrize(
    ("cluster", "name", "key"),
    [
        ("root", "dp-8568db4", "cKK89Yvux7z7kBVBj3oVPIY9VBlLrL97v8mjtz"),
        ("root:org:ws", "us-west1", "6ohB8yeXhwqTQVuBzJRgqcRJTpRjX7yTZu5g5g"),
        ("", "c1", "aQtdeEWVcqU7h7AKnYMm3KRQ96U4oU2W04yeOa"),
        ("", "c2", "aPkhvUbGK0xoZIjMnM2pA0AuV1g7i4tBwxu5m4"),
    ],
)
def test_target_key_equals_kcps_published_value(cluster: str, name: str, key: str) -> None:
    assert target_key(cluster, name) == key


def test_target_key_of_kcp_v010_had_no_separator() -> None:
    old = target_key("", "root:users:zu:yc:kcp-admin:mycomputecontrol")

    assert old == "7rzSmzjAZbTuojUVeewmOGHckRDGrJQjwlLare"


def test_downstream_namespace_and_tenant_equal_kcps_published_values() -> None:
    assert namespace_for(LOCATOR) == "kcp-33jbiactwhg0"
    assert tenant_id(LOCATOR) == "9Fn3Q4y5UDPmCOrYCujwdgCbD9SwOcKdcefYE7"


def test_dns_id_and_short_hash_equal_kcps_published_values() -> None:
    assert dns_id(US_WEST, "root:org:ws") == "kcp-dns-us-west1-1nuzj7pw-2fcy2vpi"
    assert short_hash("/clusters/root:compute") == "1pre20xf"


def test_locator_survives_its_own_json() -> None:
    assert Locator.from_json(LOCATOR.to_json()) == LOCATOR


def test_locator_of_kcp_v010_is_understood() -> None:
    text = (
        '{"syncTarget":{"workspace":"root:org:ws","name":"us-west1","uid":"syncTargetUID"},'
        '"workspace":"root:org:ws","namespace":"test"}'
    )

    assert Locator.from_json(text) == LOCATOR


def test_locator_of_a_cluster_scoped_object_has_an_empty_namespace() -> None:
    text = Locator(US_WEST, "", "").to_json()

    assert text.endswith('"uid":"syncTargetUID"},"namespace":""}')
    assert Locator.from_json(text) == Locator(US_WEST, "", "")


def test_locator_of_kcp_v06_is_understood() -> None:
    text = (
        '{"syncTarget":{"path":"root:org:ws","name":"us-west1","uid":"syncTargetUID"},'
        '"workspace":"root:org:ws","namespace":"test"}'
    )

    assert Locator.from_json(text) == LOCATOR


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"syncTarget":3}'])
def test_nonsense_is_no_locator(text: str) -> None:
    with pytest.raises(ValueError):
        Locator.from_json(text)
