"""One-shot commands that ask a running engine: what is sent, what is printed, what is refused."""

from __future__ import annotations

import getpass
import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.ui.fixture_link import FixtureLink
from tmcconsole.cli import main
from tmcconsole.cli.here import serving
from tmcconsole.contract.commands import (
    AdoptDrift,
    AnyCommand,
    CedeField,
    DrainTarget,
    ForgetTarget,
    RetryDeadLetters,
    RevertDrift,
    Why,
)
from tmcconsole.contract.records import Cell, EngineRecord, Health, ObjectRecord, SyncState
from tmcconsole.contract.text import SafeText as S

WEB = "deployments.apps/shop/web"


def on_target(target: str, state: SyncState, reason: str = "") -> Cell:
    return Cell(target=S(target), state=state, reason=S(reason))


def made(name: str, *cells: Cell) -> ObjectRecord:
    return ObjectRecord(
        kind=S("Deployment"), resource=S("deployments.apps"), namespace=S("shop"), name=S(name),
        cells=cells,
    )  # fmt: skip


@pytest.fixture
def link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FixtureLink]:
    """Serve a fake engine where the commands look for one."""
    monkeypatch.setenv("TMC_HUB_IN_CLUSTER", "true")
    monkeypatch.setenv("TMC_TARGETS", "any=in-cluster")
    monkeypatch.setenv("TMC_STATE_DIR", str(tmp_path))
    engine = FixtureLink()
    with serving(engine, tmp_path / "engine.sock"):
        yield engine


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (f"drift adopt {WEB} --at eu-west-1 --field spec.replicas",
         AdoptDrift(key=WEB, target="eu-west-1", field="spec.replicas")),
        (f"drift revert {WEB} --at eu-west-1 --all", RevertDrift(key=WEB, target="eu-west-1")),
        (f"drift cede {WEB} --field /spec/replicas", CedeField(key=WEB, field="/spec/replicas")),
        (f"dead-letters --at us-east-1 --retry {WEB}",
         RetryDeadLetters(target="us-east-1", key=WEB)),
        ("drain eu-west-1 --confirm eu-west-1",
         DrainTarget(target="eu-west-1", confirm="eu-west-1")),
        ("drain eu-west-1 --force --confirm loses",
         DrainTarget(target="eu-west-1", confirm="loses", force=True)),
        ("forget lab-basement --confirm lab-basement",
         ForgetTarget(target="lab-basement", confirm="lab-basement")),
    ],
)  # fmt: skip
def test_an_order_is_sent_as_written_with_who_gives_it(
    link: FixtureLink, line: str, command: AnyCommand
) -> None:
    assert main(line.split()) == 0

    (sent,) = link.sent
    assert sent.actor.split()[0] == getpass.getuser()
    assert msgspec.structs.replace(sent, actor="") == command


def test_the_plan_of_a_drain_names_what_is_lost_in_the_words_that_start_it(
    link: FixtureLink, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drain", "eu-west-1"]) == 0
    plan = capsys.readouterr().out
    assert main(["drain", "eu-west-1", "--force"]) == 0
    by_force = capsys.readouterr().out.splitlines()[-1]

    assert "nothing has been done yet" in plan
    assert "Stays here: no other target can take it\n" in plan
    assert re.search(r"(?m)^  statefulsets.apps/shop/web  live here only  ", plan)
    assert "to start it: tmc-console drain eu-west-1 --confirm eu-west-1\n" in plan
    lost = re.search(r'--force --confirm "(eu-west-1 loses \d+)"$', by_force)
    assert lost
    assert not any(isinstance(command, DrainTarget) for command in link.sent)

    assert main(["drain", "eu-west-1", "--force", "--confirm", lost[1]]) == 0
    (order,) = [one for one in link.sent if isinstance(one, DrainTarget)]
    assert (order.confirm, order.force) == (lost[1], True)


def test_the_ledger_of_one_object_has_both_values_and_who(
    link: FixtureLink, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drift", "list", WEB]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{WEB}  hub-wins (sync.conflict_policy)"
    assert lines[1].split() == ["OUTCOME", "TARGET", "FIELD", "TIMES", "LAST", "BY"]
    first = lines[2].split()
    assert (first[:4], first[-1]) == (["Fight", "eu-west-1", "spec.replicas", "7"], "kubectl-edit")
    assert lines[3:5] == ["    desired 4", "    actual  3"]


def test_without_a_name_those_are_listed_whose_copies_differ(
    link: FixtureLink, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in [key for kind, key in link.board if kind == "ObjectRecord"]:
        link.drop("ObjectRecord", key)
    link.put(
        made("asked", on_target("eu-west-1", SyncState.DRIFTED, "Manual")),
        made("fought", on_target("us-east-1", SyncState.REFUSED, "Fight")),
        made("left", on_target("eu-west-1", SyncState.IN_SYNC, "FieldsLeft")),
        made("refused", on_target("eu-west-1", SyncState.REFUSED, "HostPath")),
        made("well", on_target("eu-west-1", SyncState.IN_SYNC)),
    )

    assert main(["drift", "list", "-o", "json"]) == 0
    everywhere = json.loads(capsys.readouterr().out)
    assert main(["drift", "list", "--at", "us-east-1", "-o", "json"]) == 0
    there = json.loads(capsys.readouterr().out)

    names = ["asked", "fought", "left"]
    assert [one["key"] for one in everywhere] == [f"deployments.apps/shop/{name}" for name in names]
    assert [one["key"] for one in there] == ["deployments.apps/shop/fought"]


def clear(link: FixtureLink) -> None:
    """Reduce the board to a connected engine without targets and objects."""
    for kind, key in list(link.board):
        if kind in ("ObjectRecord", "TargetRecord"):
            link.drop(kind, key)
    engine = next(one for one in link.board.values() if isinstance(one, EngineRecord))
    link.put(msgspec.structs.replace(engine, hub_connected=True, pending=0, failed=0))


def test_why_lists_the_copies_that_are_not_in_sync_or_not_healthy(
    link: FixtureLink, capsys: pytest.CaptureFixture[str]
) -> None:
    clear(link)
    assert main(["why"]) == 0
    assert capsys.readouterr().out == "everything is in sync and healthy\n"
    refused = on_target("eu-west-1", SyncState.REFUSED, "HostPath")
    cells = (refused, on_target("us-east-1", SyncState.IN_SYNC))
    none_ready = msgspec.structs.replace(
        on_target("eu-west-1", SyncState.IN_SYNC), health=Health.UNHEALTHY, told=S("0/3 ready")
    )
    link.put(made("web", *cells), made("well", on_target("eu-west-1", SyncState.IN_SYNC)))
    link.put(made("worse", none_ready))

    assert main(["why"]) == 3
    head, row, ill, because = capsys.readouterr().out.splitlines()
    assert main(["why", "--at", "us-east-1"]) == 3
    there = capsys.readouterr().out
    assert main(["why", "-o", "json"]) == 3
    told = json.loads(capsys.readouterr().out)

    assert head.split() == ["TARGET", "KEY", "STATE", "REASON", "SINCE"]
    assert row.split()[:5] == ["eu-west-1", WEB, "Refused", "host", "path"]
    assert ill.split() == ["eu-west-1", "deployments.apps/shop/worse", "Unhealthy", "-"]
    assert because.strip() == "0/3 ready"
    assert there == "everything is in sync and healthy\n"
    assert [one["state"] for one in told["troubles"]] == ["Refused", "Unhealthy"]


@pytest.mark.parametrize("line", ["why", "why deploy/shop/web", "status"])
def test_what_cannot_be_asked_is_the_first_line_and_never_called_well(
    link: FixtureLink, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    clear(link)
    engine = next(one for one in link.board.values() if isinstance(one, EngineRecord))
    gone = S("connection refused")
    link.put(msgspec.structs.replace(engine, hub_connected=False, hub_reason=gone, hub_since=1.0))
    link.put(made("web", on_target("eu-west-1", SyncState.IN_SYNC)))

    assert main(line.split()) == 4

    out = capsys.readouterr().out
    assert re.match(r"NOT KNOWN  hub, no answer for \d+d: connection refused\n", out)
    assert "all is in sync" not in out


@pytest.mark.parametrize("word", [WEB, "deploy/shop/web", "Deployment/shop/web"])
def test_why_asks_about_the_object_that_is_meant(link: FixtureLink, word: str) -> None:
    clear(link)
    link.put(made("web", on_target("eu-west-1", SyncState.IN_SYNC)))

    assert main(["why", word]) == 0

    assert [sent.key for sent in link.sent if isinstance(sent, Why)] == [WEB]


def test_a_word_that_may_mean_two_objects_asks_nothing(
    link: FixtureLink, capsys: pytest.CaptureFixture[str]
) -> None:
    web = made("web", on_target("eu-west-1", SyncState.IN_SYNC))
    other = msgspec.structs.replace(web, kind=S("Depot"), resource=S("depots.example.com"))
    link.put(web, other)

    assert main(["why", "dep/shop/web"]) == 1

    assert "write one of deployments.apps/shop/web, depots.example.com" in capsys.readouterr().err
    assert not any(isinstance(sent, Why) for sent in link.sent)


def test_dead_letters_are_printed_with_their_cause(
    link: FixtureLink, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dead-letters", "services/payments/billing"]) == 0

    head, row, cause = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["TARGET", "KEY"]
    assert row.split()[:3] == ["us-east-1", "services/payments/billing", "12"]
    assert "over quota" in cause


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("drift list --at mars", "no target 'mars'; known targets: ap-southeast-1, eu-c"),
        ("drain eu-west-1 --confirm eu", "--confirm 'eu' is not the target's name"),
        ("forget eu-west-1", "this would be refused: eu-west-1 answers: drain it instead"),
    ],
)
def test_what_cannot_be_says_why(
    link: FixtureLink, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    main(line.split())

    assert said in "".join(capsys.readouterr())
    assert not any(isinstance(command, ForgetTarget | DrainTarget) for command in link.sent)


@pytest.mark.parametrize("line", ["why", "drift list", "dead-letters", "drain west", "forget west"])
def test_without_an_engine_the_way_to_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    monkeypatch.setenv("TMC_HUB_IN_CLUSTER", "true")
    monkeypatch.setenv("TMC_TARGETS", "any=in-cluster")
    monkeypatch.setenv("TMC_STATE_DIR", str(tmp_path))

    assert main(line.split()) == 4

    told = capsys.readouterr().err
    assert "start one with tmc-console run" in told
    assert told.count("\n") == 1
