"""Which namespace on a target stands for which one in the hub, and who owns it."""

from __future__ import annotations

import pytest

from tmcconsole.kube.objects import Json, annotations_of
from tmcconsole.sync.names.identity import Locator, TargetIdentity, namespace_for
from tmcconsole.sync.names.markers import CLUSTER, LOCATOR
from tmcconsole.sync.state.namespace_names import NamespaceClash, NamespaceNames

TARGET = TargetIdentity("root:org:ws", "us-west1", "syncTargetUID")
MODES = ("same", "kcp", "prefix")


def make_names(mode: str = "kcp", target: TargetIdentity = TARGET) -> NamespaceNames:
    return NamespaceNames(target, "root:org:ws", mode, "west-")


def made_by(names: NamespaceNames, namespace: str = "test") -> Json:
    """Return the namespace as the engine behind ``names`` makes it on the cluster."""
    return names.desired(namespace)


def bare(name: str) -> Json:
    return {"metadata": {"name": name}}


@pytest.mark.parametrize(
    ("mode", "name"), [("same", "test"), ("kcp", "kcp-33jbiactwhg0"), ("prefix", "west-test")]
)
def test_the_name_on_the_target(mode: str, name: str) -> None:
    """The hash is the published one of kcp's own unit tests."""
    assert make_names(mode).on_target("test") == name


@pytest.mark.parametrize("mode", MODES)
def test_a_name_handed_out_is_read_backwards(mode: str) -> None:
    names = make_names(mode)

    assert names.in_hub(names.on_target("test")) == "test"


def test_a_hashed_name_is_learnt_from_the_cluster_after_a_restart() -> None:
    found = made_by(make_names())
    fresh = make_names()
    assert fresh.in_hub(found["metadata"]["name"]) is None

    fresh.learn(found)

    assert fresh.in_hub(found["metadata"]["name"]) == "test"


@pytest.mark.parametrize(
    "locator",
    [
        "",
        "not json",
        "[]",
        "{}",
        '{"syncTarget": 7}',
        Locator(TargetIdentity("root:org:ws", "us-west1", "another uid"), "root:org:ws", "test"),
        Locator(TARGET, "another hub", "test"),
    ],
    ids=["empty", "junk", "list", "object", "number", "another target", "another hub"],
)
def test_nothing_is_learnt_from_a_locator_that_is_not_ours(locator: str | Locator) -> None:
    text = locator.to_json() if isinstance(locator, Locator) else locator
    found = bare("kcp-something")
    found["metadata"]["annotations"] = {LOCATOR: text}
    names = make_names()

    names.learn(found)

    assert names.in_hub("kcp-something") is None


@pytest.mark.parametrize("mode", MODES)
def test_a_namespace_we_made_passes_and_is_known_as_ours(mode: str) -> None:
    names = make_names(mode)
    found = made_by(names)

    names.check("test", found)

    assert names.is_made_here("test", found)
    assert not names.is_made_here("other", found)


def test_with_the_same_name_a_foreign_namespace_is_used_but_never_ours() -> None:
    names = make_names("same")

    names.check("test", bare("test"))

    assert not names.is_made_here("test", bare("test"))


@pytest.mark.parametrize("mode", ["kcp", "prefix"])
def test_with_computed_names_a_foreign_namespace_is_a_clash(mode: str) -> None:
    names = make_names(mode)

    with pytest.raises(NamespaceClash, match="stands for nothing of ours"):
        names.check("test", bare(names.on_target("test")))


@pytest.mark.parametrize("mode", MODES)
def test_a_namespace_made_for_another_target_is_a_clash(mode: str) -> None:
    """C7: two installations that share a cluster must not write into one namespace."""
    other = make_names(mode, TargetIdentity("root:org:ws", "us-west1", "another uid"))

    with pytest.raises(NamespaceClash):
        make_names(mode).check("test", made_by(other))


def test_one_proof_of_two_is_not_enough_to_call_a_namespace_ours() -> None:
    names = make_names()
    unlabelled, unlocated = made_by(names), made_by(names)
    del unlabelled["metadata"]["labels"][CLUSTER]
    del unlocated["metadata"]["annotations"][LOCATOR]

    assert not names.is_made_here("test", unlabelled)
    assert not names.is_made_here("test", unlocated)


def test_the_locator_is_kcps() -> None:
    text = annotations_of(made_by(make_names()))[LOCATOR]

    assert namespace_for(Locator.from_json(text)) == "kcp-33jbiactwhg0"


def test_a_name_keeps_its_meaning_until_the_hub_has_its_namespace_no_more() -> None:
    names = make_names()
    name = names.on_target("test")
    names.know(name, "uid-1")

    names.forget(name, is_in_hub=True)
    assert names.in_hub(name) == "test"
    assert not names.is_known(name, "uid-1")

    names.forget(name, is_in_hub=False)
    assert names.in_hub(name) is None


def old_name(names: NamespaceNames, name: str = "kcp-made-long-ago") -> Json:
    """A namespace of ours that was named by an older rule."""
    found = made_by(names)
    found["metadata"]["name"] = name
    return found


def test_a_namespace_made_under_another_rule_keeps_its_name() -> None:
    names = make_names("kcp")

    names.learn(old_name(names))

    assert names.on_target("test") == "kcp-made-long-ago"
    assert names.in_hub("kcp-made-long-ago") == "test"
    names.check("test", old_name(names))


def test_when_the_namespace_of_another_rule_is_gone_the_name_is_the_hash_again() -> None:
    names = make_names("kcp")
    names.learn(old_name(names))

    names.forget("kcp-made-long-ago", is_in_hub=True)

    assert names.on_target("test") == namespace_for(names.locator("test"))


def test_two_namespaces_that_stand_for_the_same_are_a_clash() -> None:
    names = make_names("kcp")
    computed = made_by(names)
    names.learn(computed)
    names.know(computed["metadata"]["name"], "uid")

    names.learn(old_name(names))

    assert not names.is_known(computed["metadata"]["name"], "uid")
    with pytest.raises(NamespaceClash, match="kcp-made-long-ago"):
        names.check("test", computed)


@pytest.mark.parametrize("mode", MODES)
def test_what_has_no_namespace_has_none_anywhere(mode: str) -> None:
    names = make_names(mode)

    assert names.on_target("") == ""
    assert names.in_hub("") == ""


def test_C7_two_namespaces_that_want_one_name_are_told_apart_by_the_whole_locator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "tmcconsole.sync.state.namespace_names.namespace_for", lambda _locator: "kcp-same"
    )
    names = make_names("kcp")
    first = made_by(names, "shop")
    names.check("shop", first)

    with pytest.raises(NamespaceClash, match=r"shop and bank .* both want namespace kcp-same"):
        names.check("bank", made_by(names, "bank"))
    assert names.in_hub("kcp-same") == "shop"


def test_C7_a_namespace_of_another_workspace_is_refused_and_both_are_named() -> None:
    other = NamespaceNames(TARGET, "root:other:ws", "same")

    with pytest.raises(NamespaceClash, match=r"test of root:other:ws .* not for test of root:org"):
        make_names("same").check("test", made_by(other))


def test_C7_a_name_that_would_be_too_long_is_refused_and_not_cut() -> None:
    names = NamespaceNames(TARGET, "root:org:ws", "prefix", "p" * 60)

    assert names.too_long("abc") == ""
    assert "64 characters" in names.too_long("abcd")
    assert names.on_target("abcd") == "p" * 60 + "abcd"
