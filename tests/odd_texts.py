"""Text that JSON can hold and other notations cannot, sent to a server as a ConfigMap."""

from __future__ import annotations

import random

import pytest

from tests.kube.scripted import CONFIG_MAPS
from tests.manifests import make_config_map
from tmcconsole.kube.client.client import Client
from tmcconsole.kube.errors import Invalid

ODD = "\t\n\r\x00\x7f\x85\x9f\u2028\u2029\ud7ff\ue000\ufeff\ufffe\uffff\U0001f600\U0001ffff"
LONG = "k" * 1100
VALID_KEY = "a valid config key must consist of"
TOO_LONG = "must be no more than 253"


def make_texts(count: int = 40, seed: int = 11) -> list[str]:
    """Return the text of all odd characters at once, and some at random."""
    rng = random.Random(seed)
    some = ("".join(rng.choices(ODD + "a '\"\\:?#", k=rng.randrange(1, 9))) for _ in range(count))
    return [ODD, *some]


async def arrives(client: Client, namespace: str, texts: list[str]) -> None:
    """Apply a ConfigMap with the texts as values and annotations; what is stored is the same."""
    tree = make_config_map("odd", **{f"t{number}": text for number, text in enumerate(texts)})
    notes = {f"example.com/t{number}": text for number, text in enumerate(texts)}
    tree["metadata"] |= {"namespace": namespace, "annotations": notes}

    stored = (await client.apply(CONFIG_MAPS, tree, manager="ours")).decode()

    assert stored["data"] == tree["data"]
    assert stored["metadata"]["annotations"] == notes


async def is_refused_for_its_key(client: Client, namespace: str, key: str, why: str) -> None:
    """Apply a ConfigMap with a key that none may have; the answer says so, and names it."""
    tree = make_config_map("keys", **{key: "value"})
    tree["metadata"]["namespace"] = namespace
    with pytest.raises(Invalid, match=why):
        await client.apply(CONFIG_MAPS, tree, manager="ours")
