"""Objects that are in sync but not healthy: where they are shown, and which copy decides."""

from __future__ import annotations

from tests.ui.driving import console
from tests.ui.fixture_link import NOW, FixtureLink
from tests.ui.test_confirming import on_problem
from tmcconsole.contract.records import (
    Cell,
    Health,
    HistoryRecord,
    ObjectRecord,
    PlacementRecord,
    SyncState,
    TargetState,
)
from tmcconsole.contract.text import SafeText as S
from tmcconsole.ui.mirror import Mirror, is_ailing
from tmcconsole.ui.rows.problems import problems
from tmcconsole.ui.rows.table import DrawContext

WEB = "deployments.apps/shop/web"


def copy_on(target: str, told: str, health: Health = Health.HEALTHY, **fields: object) -> Cell:
    values = {"state": SyncState.IN_SYNC, "since": NOW - 60, "ready": told} | fields
    return Cell(target=S(target), health=health, told=S(told), **values)  # type: ignore[arg-type]


def refused_on(target: str) -> Cell:
    why, told = S("HostPath"), S("not allowed")
    return copy_on(target, "", state=SyncState.REFUSED, reason=why, message=told)


def web(*cells: Cell, health: Health = Health.UNHEALTHY, name: str = "web") -> ObjectRecord:
    return ObjectRecord(
        kind=S("Deployment"), resource=S("deployments.apps"), namespace=S("shop"), name=S(name),
        created_at=NOW - 900, health=health, summary=S("3/6 ready; us-east-1: 0/3 ready"),
        reason=S("0/3 ready"), reason_target=S("us-east-1"), cells=cells,
    )  # fmt: skip


def only(*records: ObjectRecord | HistoryRecord) -> FixtureLink:
    """Return the fleet with no objects and no history but these."""
    link = FixtureLink()
    for kind, key in [ref for ref in link.board if ref[0] in ("ObjectRecord", "HistoryRecord")]:
        link.drop(kind, key)
    link.put(*records)
    return link


async def found(link: FixtureLink) -> list[tuple[str, str, str]]:
    """Return the problems of objects: state, where, what."""
    mirror = Mirror()
    mirror.apply(await link.changes(mirror.revision), NOW)
    lines = problems(mirror, DrawContext(now=NOW))
    return [(p.sign.word, p.what, p.text) for p in lines if p.subject[0] == "ObjectRecord"]


async def test_what_cannot_be_on_a_target_is_a_problem_and_what_a_person_holds_is_none() -> None:
    cannot = copy_on("eu-west-1", "", state=SyncState.HELD, reason=S("KindNotServed"),
                     message=S("eu-west-1 does not serve it: install its CRD there"))  # fmt: skip
    paused = copy_on("us-east-1", "", state=SyncState.HELD, reason=S("Paused"), message=S("by kim"))
    link = only(web(cannot, paused))

    ((state, where, what),) = await found(link)

    assert (state, where) == ("held", "eu-west-1")
    assert "install its CRD there" in what


async def test_a_copy_in_sync_that_is_not_well_is_a_problem_and_says_why() -> None:
    link = only(web(copy_on("eu-west-1", "3/3 ready"),
                    copy_on("us-east-1", "0/3 ready", Health.UNHEALTHY)))  # fmt: skip

    assert await found(link) == [("unhealthy", "us-east-1", "shop/web: 0/3 ready")]
    async with console(link, size=(160, 45)) as desk:
        await desk.press("6")
        row = next(line for line in desk.lines if " web " in line)
        assert "✗ unhealthy" in row
        assert "✗ unhealthy  by us-east-1" in desk.text
        assert "Unhealthy: 0/3 ready" in desk.text
        await desk.press("exclamation_mark")
        assert any(" web " in line for line in desk.lines)


async def test_what_a_silent_target_is_presumed_to_be_is_its_own_problem_and_no_objects() -> None:
    told = "lab-basement does not respond; last known: 3/3 ready"
    stale = copy_on("lab-basement", told, Health.UNHEALTHY, heard_at=NOW - 400,
                    state=SyncState.STALE)  # fmt: skip
    assert not is_ailing(stale)
    link = only(web(stale))

    assert await found(link) == []
    async with console(link, size=(160, 45)) as desk:
        await desk.press("6", "enter")
        assert "last known: 3/3 ready, heard 6m ago" in " ".join(desk.text.split())


async def test_the_same_trouble_on_several_targets_is_one_line() -> None:
    link = only(
        web(*(refused_on(name) for name in ("eu-west-1", "us-east-1")), name="a"),
        web(refused_on("ap-southeast-1"), name="b"),
        web(copy_on("eu-west-1", "1/3 ready", Health.DEGRADED),
            copy_on("us-east-1", "2/3 ready", Health.DEGRADED), name="c"),
    )  # fmt: skip

    assert await found(link) == [
        ("refused", "ap-southeast-1", "shop/b: host path: not allowed"),
        ("refused", "2 targets", "shop/a: host path: not allowed"),
        ("degraded", "eu-west-1", "shop/c: 1/3 ready"),
        ("degraded", "us-east-1", "shop/c: 2/3 ready"),
    ]


async def test_an_error_that_an_object_tells_itself_is_told_once() -> None:
    error = HistoryRecord(
        id="1", at=NOW - 90, last_at=NOW - 60, category="error", severity="High",
        event="ResourceConflict", target=S("eu-west-1"), subject=S(WEB), message=S("again"),
    )  # fmt: skip
    failed = copy_on("eu-west-1", "", state=SyncState.FAILED, reason=S("Conflict"))
    link = only(web(failed), error)
    mirror = Mirror()
    mirror.apply(await link.changes(mirror.revision), NOW)

    told = [
        p
        for p in problems(mirror, DrawContext(now=NOW))
        if "again" in p.text or "shop/web" in p.text
    ]
    assert [p.subject[0] for p in told] == ["ObjectRecord"]


async def test_why_a_target_does_not_respond_is_one_line_that_says_when_it_is_tried_again() -> None:
    fields = {"at": NOW - 60, "last_at": NOW - 1, "category": "error", "severity": "High"}
    why = S("connection refused")
    link = only(HistoryRecord(id="e1", event=S("ClusterUnreachable"), target=S("ap-southeast-1"),
                              message=why, **fields))  # type: ignore[arg-type]  # fmt: skip
    silent = {"state": TargetState.UNREACHABLE, "ready": False, "next_try_at": NOW}
    link.change("ap-southeast-1", reason=S("Unreachable"), message=why, **silent)
    mirror = Mirror()
    mirror.apply(await link.changes(mirror.revision), NOW)

    lines = [one for one in problems(mirror, DrawContext(now=NOW)) if one.what == "ap-southeast-1"]

    assert [one.text for one in lines] == ["unreachable: connection refused; retry now"]


async def test_targets_that_another_replica_writes_to_are_well() -> None:
    link = FixtureLink()
    for name in ("ap-southeast-1", "eu-central-1"):
        link.change(name, state=TargetState.STANDBY, holder=S("node-2"), reason=S("HeldByAnother"))
    async with console(link, size=(160, 45)) as desk:
        assert "2/6 targets (2 standby)" in desk.text


async def test_what_can_be_done_about_a_target_is_offered_where_it_can() -> None:
    async with console(size=(160, 45)) as desk:
        await desk.press("2")
        assert "O forget" not in desk.lines[-1]
        assert "D allow deletes" not in desk.lines[-1]
        await desk.press("j", "j")
        await desk.frame()
        assert "D allow deletes" in desk.lines[-1]
        await desk.press("j")
        await desk.frame()
        assert "O forget" in desk.lines[-1]
        await desk.press("O")
        await desk.frame()
        assert "pause" not in desk.lines[-1]


async def test_a_placement_that_chose_no_target_is_a_problem_and_says_why() -> None:
    told = S("no valid target: eu is cordoned")
    link = only()
    link.put(PlacementRecord(name=S("lost"), phase="Pending", strategy="OneToAny", targets=(),
                             reason=told))  # fmt: skip
    async with console(link, size=(160, 45)) as desk:
        line = next(line for line in desk.lines if "▲ no target" in line)
        assert "lost" in line
        assert told in line
        await desk.press("tab", "slash")
        await desk.write("lost")
        await desk.press("enter", "enter")
        assert "Placement: lost" in desk.text
        assert "OneToAny" in desk.text


async def test_a_status_that_cannot_be_made_is_told_on_the_object() -> None:
    error = HistoryRecord(
        id="1", at=NOW - 90, last_at=NOW - 60, category="error", severity="Medium",
        event="AggregationFailure", target=S("hub"), subject=S(WEB),
        message=S("status.phase: no such key"), hint=S("Mend the rule, or its kind."),
    )  # fmt: skip
    link = only(web(copy_on("eu-west-1", "3/3 ready"), health=Health.HEALTHY), error)
    async with console(link, size=(160, 45)) as desk:
        await desk.press("6", "enter")

        assert "In the hub" in desk.text
        assert "status not merged" in desk.text
        assert "status.phase: no such key" in desk.text
        assert "Mend the rule" in desk.text


async def test_the_answers_of_a_question_are_never_cut_off() -> None:
    async with console(size=(80, 24)) as desk:
        await desk.press("2", "G", "F", "x", "w")

        line = next(line for line in desk.lines if "only marks" in line)
        for word in ("c cut", "s silent", "e ends", "g 410", "d disorder", "b no marks"):
            assert word in line


async def test_a_target_is_paused_from_its_details() -> None:
    async with console() as desk:
        await desk.press("2", "enter", "p")
        await desk.press("enter")

        assert desk.link.target("ap-southeast-1").pause is not None


async def test_a_problem_tells_the_cause_that_its_cluster_gives_while_it_lasts() -> None:
    link = only(web(copy_on("us-east-1", "0/3 ready", Health.UNHEALTHY)))
    async with console(link, size=(160, 45)) as desk:
        await on_problem(desk, 1)
        await desk.frame()
        assert "CrashLoopBackOff: exit 1, 14 times; 0/3 ready" in desk.text
        assert "read its logs there" in desk.text

        link.put(web(copy_on("us-east-1", "3/3 ready"), health=Health.HEALTHY))
        await desk.frame()
        assert "CrashLoopBackOff" not in desk.text
