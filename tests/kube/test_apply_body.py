"""Whatever text JSON can hold arrives through an apply as it is, though the server reads YAML."""

from __future__ import annotations

import orjson
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from tmcconsole.kube.client.apply_body import encode

ODD = "\x00\t\n\x7f\x85\x9f\u2028\u2029\ud7ff\ue000\ufeff\ufffe\uffff\U0001f600\U0001ffff\"\\/:? '"
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.text(ODD)
TREES = st.recursive(
    TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=12
)


@given(st.dictionaries(TEXTS, TREES))
@example({"a": ODD, ODD: "a"})
@example({"k" * 1100: "v", "\x80" * 180: [{'"\\' * 300: "k" * 3000}]})
def test_any_text_reads_the_same_in_yaml_as_in_json(tree: dict[str, object]) -> None:
    body = encode(tree)

    assert yaml.safe_load(body) == tree


@given(st.dictionaries(TEXTS, TREES))
def test_a_tree_without_long_keys_is_still_json(tree: dict[str, object]) -> None:
    assert orjson.loads(encode(tree)) == tree
