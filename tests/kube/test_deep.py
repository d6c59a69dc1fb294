"""A list is split into its items, whatever they contain."""

from __future__ import annotations

import orjson
import pytest

from tests.kube.scripted import CONFIG_MAPS, make_tree
from tmcconsole.kube.client.deep_lists import split_items
from tmcconsole.kube.client.ingest import Quarantined, split_page, take, to_event

DEEP = "[" * 5000 + "]" * 5000


@pytest.mark.parametrize(
    "items",
    [
        [],
        [{}],
        [{"a": ']}\\"', "items": [{"b": [1, {"c": None}]}]}, {"d": "{["}],
        [{"metadata": {"name": "x"}}, {"metadata": {"name": "y"}}],
    ],
)
@pytest.mark.parametrize("head", [{"kind": "L"}, {"metadata": {"items": [1]}, "x": "items"}])
def test_items_come_out_as_they_went_in(head: dict[str, object], items: list[object]) -> None:
    envelope, found = split_items(orjson.dumps({**head, "items": items, "z": [[2]]}))

    assert [orjson.loads(item) for item in found] == items
    assert orjson.loads(envelope) == {**head, "items": [], "z": [[2]]}


def test_what_has_no_items_stays_whole() -> None:
    body = b'{"kind":"Status","details":{"items":[{}]}}'

    assert split_items(body) == (body, [])


def test_G1_one_object_without_a_bottom_leaves_the_others_readable() -> None:
    good = orjson.dumps(make_tree("good", 3)).decode()
    body = (
        '{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":['
        f'{{"metadata":{{"name":"bad"}},"data":{DEEP}}},{good}]}}'
    )

    items, version, _, _ = split_page(body.encode(), CONFIG_MAPS)
    bad, sound = (take(item, CONFIG_MAPS) for item in items)

    assert version == "7"
    assert isinstance(bad, Quarantined)
    assert not isinstance(sound, Quarantined)
    assert sound.name == "good"


def test_G1_an_event_without_a_bottom_does_not_end_the_stream() -> None:
    line = f'{{"type":"ADDED","object":{{"metadata":{{"name":"bad"}},"data":{DEEP}}}}}'

    event = to_event(line.encode(), CONFIG_MAPS)

    assert isinstance(event, Quarantined)
    assert event.reason == "a ConfigMap is nested too deeply to be read"
