"""Order, cursor and marks of a table, without a terminal."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.ui.fixture_link import NOW, fleet
from tmcconsole.contract.records import ObjectRecord, TargetRecord
from tmcconsole.ui.filter import parse
from tmcconsole.ui.rows.health import HEALTH_TREE
from tmcconsole.ui.rows.history import HISTORY
from tmcconsole.ui.rows.problems import PROBLEMS
from tmcconsole.ui.rows.queues import QUEUES
from tmcconsole.ui.rows.resources import RESOURCES
from tmcconsole.ui.rows.table import GAP, Column, DrawContext, Listing, fit_widths
from tmcconsole.ui.rows.targets import FLEET, TARGETS
from tmcconsole.ui.view import View

LOOK = DrawContext(NOW)
Objects = dict[str, ObjectRecord]


def make_view() -> tuple[View, Objects]:
    records: Objects = {r.key: r for r in fleet() if isinstance(r, ObjectRecord)}
    view = View(RESOURCES, lambda: records)
    view.settle(LOOK, {})
    return view, records


def changed(record: ObjectRecord, **fields: object) -> ObjectRecord:
    values = {f: getattr(record, f) for f in ObjectRecord.__struct_fields__}
    return ObjectRecord(**(values | fields))


def test_the_cursor_stays_on_its_row_when_rows_come_before_it() -> None:
    view, records = make_view()
    view.move(10)
    stayed = view.cursor
    first = records[view.order[0]]
    new = changed(first, name="aaaa", namespace="aaa")
    records[new.key] = new

    view.touch({new.key})
    view.settle(LOOK, {})

    assert view.cursor == stayed
    assert view.index() == 11


def test_when_the_row_goes_the_cursor_takes_the_one_in_its_place() -> None:
    view, records = make_view()
    view.move(10)
    after = view.order[11]
    gone = view.order[10]
    del records[gone]

    view.touch({gone})
    view.settle(LOOK, {})

    assert view.cursor == after


def test_incremental_order_equals_order_from_scratch() -> None:
    rng = random.Random(3)
    view, records = make_view()
    view.sort_by("S")
    for _ in range(60):
        keys = rng.sample(sorted(records), 5)
        for key in keys[:3]:
            cells = records[key].cells
            records[key] = changed(records[key], cells=cells[: rng.randrange(len(cells) + 1)])
        for key in keys[3:]:
            if rng.random() < 0.3:
                del records[key]
        view.touch(keys)
        view.settle(LOOK, {})

        fresh = View(RESOURCES, lambda: records)
        fresh.sort_by("S")
        fresh.settle(LOOK, {})
        assert view.order == fresh.order


def test_sorting_again_inverts_and_keeps_the_cursor_on_its_row() -> None:
    view, _ = make_view()
    view.move(5)
    kept = view.cursor
    view.sort_by("N")
    view.settle(LOOK, {})
    upward = view.order

    view.sort_by("N")
    view.settle(LOOK, {})

    assert view.order == upward[::-1]
    assert view.cursor == kept
    assert view.order[view.index()] == kept


def test_marks_hidden_by_a_filter_are_counted() -> None:
    view, _ = make_view()
    view.marked = {"configmaps/shop/web", "secrets/shop/web"}

    view.set_filter(parse("kind:Secret"))
    view.settle(LOOK, {})

    assert view.hidden_marks == 1
    assert len(view.chosen()) == 2


def test_a_filter_that_matches_nothing_leaves_no_row_and_none_to_act_on() -> None:
    view, _ = make_view()
    view.set_filter(parse("zzz"))
    view.settle(LOOK, {})

    assert view.order == []
    assert view.chosen() == []


def test_problems_only_shows_none_where_there_are_none() -> None:
    records = {
        r.key: r for r in fleet() if isinstance(r, TargetRecord) and r.name == "eu-central-1"
    }
    view = View(TARGETS, lambda: records)
    view.settle(LOOK, {})
    view.toggle_problems()
    view.settle(LOOK, {})
    assert view.order == []

    view.toggle_problems()
    view.settle(LOOK, {})
    assert view.order == ["eu-central-1"]


def test_worst_targets_come_first_in_the_fleet() -> None:
    records = {r.key: r for r in fleet() if isinstance(r, TargetRecord)}
    view = View(FLEET, lambda: records)
    view.settle(LOOK, {})

    assert view.order[:3] == ["lab-basement", "eu-west-1", "us-east-1"]


def test_next_problem_goes_around_the_end() -> None:
    records = {r.key: r for r in fleet() if isinstance(r, TargetRecord)}
    view = View(TARGETS, lambda: records)
    view.settle(LOOK, {})
    found = []
    for _ in range(3):
        view.next_problem(1)
        found.append(view.cursor)

    assert found == ["eu-west-1", "lab-basement", "eu-west-1"]


def test_columns_give_way_by_priority_and_never_exceed_the_space() -> None:
    column = Column("a", "A", lambda _r, _l: (), least=4, most=20)
    columns = [column, replace(column, id="b", drop=1), replace(column, id="c", drop=9)]

    for space in range(4, 80):
        widths = fit_widths(columns, [20, 20, 20], space)
        taken = [width for width in widths if width]
        assert sum(taken) + 2 * (len(taken) - 1) <= space
        assert widths[0] >= 4
        assert not (widths[2] and not widths[1])


@pytest.mark.parametrize(
    "listing", [FLEET, HEALTH_TREE, HISTORY, PROBLEMS, QUEUES, RESOURCES, TARGETS]
)
def test_a_list_stays_within_every_pane(listing: Listing) -> None:
    for space in range(58, 160):  # from the smallest terminal
        columns = listing.columns(LOOK, space)
        taken = [width for width in fit_widths(columns, [40] * len(columns), space) if width]

        assert sum(taken) + GAP * (len(taken) - 1) <= space


def test_a_queue_shows_its_numbers_whole_beside_a_pane() -> None:
    columns = QUEUES.columns(LOOK, 70)
    widths = fit_widths(columns, [40] * len(columns), 70)
    rooms = {column.title: width for column, width in zip(columns, widths, strict=True)}

    assert all(rooms[title] >= len(title) for title in ("DEPTH", "RETRY", "DEAD"))
