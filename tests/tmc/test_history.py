"""The history folds repetitions, records recoveries, is bounded and continues after a restart."""

from hypothesis import given
from hypothesis import strategies as st

from tmcconsole.contract.records import HistoryRecord
from tmcconsole.tmc.errors import ErrorType, Failure, failure
from tmcconsole.tmc.history.history import MAX_SUBJECTS, History

WEB = "deployments.apps/shop/web"
API = "deployments.apps/shop/api"


def make_failure(kind: ErrorType = ErrorType.SYNC_TIMEOUT, message: str = "late") -> Failure:
    return failure(kind, message)


def test_the_same_error_is_one_record_with_a_count() -> None:
    history = History()
    for second in range(5):
        history.record_error(make_failure(), target="eu", subject=WEB, at=100.0 + second)

    (record,) = history.records()

    assert (record.count, record.at, record.last_at) == (5, 100.0, 104.0)
    assert (record.event, record.severity, record.recovered_at) == ("SyncTimeout", "Low", 0.0)


def test_objects_of_one_kind_share_a_record_and_other_differences_do_not() -> None:
    history = History()
    history.record_error(make_failure(), target="eu", subject=WEB, at=1)
    history.record_error(make_failure(), target="eu", subject=API, at=2)
    history.record_error(make_failure(), target="us", subject=WEB, at=3)
    history.record_error(make_failure(), target="eu", subject="services/shop/web", at=4)
    history.record_error(
        make_failure(ErrorType.RESOURCE_VALIDATION), target="eu", subject=WEB, at=5
    )

    assert [record.count for record in history.records()] == [2, 1, 1, 1]


def test_a_record_recovers_only_with_its_last_object() -> None:
    history = History()
    history.record_error(make_failure(), target="eu", subject=WEB, at=1)
    history.record_error(make_failure(), target="eu", subject=API, at=2)

    history.record_recovery("eu", WEB, at=3)
    halfway = history.records()[0].recovered_at
    history.record_recovery("eu", API, at=4)

    assert (halfway, history.records()[0].recovered_at) == (0.0, 4)


def test_an_error_after_its_recovery_is_a_new_record() -> None:
    history = History()
    history.record_error(make_failure(), target="eu", subject=WEB, at=1)
    history.record_recovery("eu", WEB, at=2)
    history.record_error(make_failure(), target="eu", subject=WEB, at=3)

    first, second = history.records()

    assert (first.recovered_at, second.recovered_at) == (2, 0.0)
    assert first.id != second.id


def test_a_recovery_of_what_never_failed_changes_nothing() -> None:
    history = History()
    history.record_error(make_failure(), target="eu", subject=WEB, at=1)
    history.pending()

    history.record_recovery("us", WEB, at=2)

    assert history.pending() == ()


def test_all_errors_of_an_object_recover_together() -> None:
    history = History()
    history.record_error(make_failure(), target="eu", subject=WEB, at=1)
    history.record_error(make_failure(ErrorType.SYNC_FAILURE), target="eu", subject=WEB, at=2)

    history.record_recovery("eu", WEB, at=3)

    assert [record.recovered_at for record in history.records()] == [3, 3]


def test_events_are_never_folded() -> None:
    history = History()
    for at in (1.0, 2.0):
        history.record("action", "PauseTarget", at=at, target="eu", actor="ann")

    assert [(r.category, r.event, r.actor) for r in history.records()] == [
        ("action", "PauseTarget", "ann")
    ] * 2


def test_the_ring_drops_what_has_been_quiet_longest_and_says_so() -> None:
    history = History(keep=2)
    dropped: list[str] = []
    history.on_drop(dropped.append)
    old = history.record_error(make_failure(), target="a", subject=WEB, at=1)
    quiet = history.record_error(make_failure(), target="b", subject=WEB, at=2)
    history.record_error(make_failure(), target="a", subject=WEB, at=3)

    history.record("action", "Resync", at=4)

    assert dropped == [quiet.id]
    assert old.id in {record.id for record in history.records()}


def test_a_dropped_error_that_comes_back_is_a_new_record() -> None:
    history = History(keep=1)
    first = history.record_error(make_failure(), target="a", subject=WEB, at=1)
    history.record("action", "Resync", at=2)

    again = history.record_error(make_failure(), target="a", subject=WEB, at=3)

    assert (again.count, again.at) == (1, 3)
    assert again.id != first.id


def test_what_is_remembered_of_one_error_is_bounded() -> None:
    history = History()
    for number in range(MAX_SUBJECTS + 500):
        history.record_error(make_failure(), target="eu", subject=f"pods/shop/p{number}", at=1)

    for number in range(MAX_SUBJECTS):
        history.record_recovery("eu", f"pods/shop/p{number}", at=2)

    assert history.records()[0].count == MAX_SUBJECTS + 500
    assert history.records()[0].recovered_at == 2


def test_listeners_hear_every_change() -> None:
    history = History()
    heard: list[HistoryRecord] = []
    history.on_record(heard.append)
    history.record_error(make_failure(), target="eu", subject=WEB, at=1)
    history.record_error(make_failure(), target="eu", subject=WEB, at=2)
    history.record_recovery("eu", WEB, at=3)

    assert [(record.count, record.recovered_at) for record in heard] == [(1, 0), (2, 0), (2, 3)]


def test_pending_gives_each_change_once_in_its_newest_form() -> None:
    history = History()
    history.record_error(make_failure(), target="eu", subject=WEB, at=1)
    history.record_error(make_failure(), target="eu", subject=WEB, at=2)

    (record,) = history.pending()

    assert record.count == 2
    assert history.pending() == ()


def test_what_could_not_be_saved_is_pending_again() -> None:
    history = History()
    history.record("lifecycle", "Started", at=1)
    taken = history.pending()

    history.unsaved(taken)

    assert history.pending() == taken


def test_a_restart_goes_on_counting_and_sees_the_recovery() -> None:
    before = History()
    before.record_error(make_failure(), target="eu", subject=WEB, at=1)
    after = History()
    after.load(before.records())

    after.record_error(make_failure(), target="eu", subject=WEB, at=9)
    after.record_recovery("eu", WEB, at=10)

    (record,) = after.records()
    assert (record.at, record.count, record.recovered_at) == (1, 2, 10)


def test_ids_are_not_used_again_after_a_restart() -> None:
    before = History()
    old = before.record("action", "Resync", at=1)
    after = History()
    after.load(before.records())

    assert after.record("action", "Resync", at=2).id != old.id


def test_loading_is_nothing_to_save() -> None:
    before, after = History(), History()
    before.record("action", "Resync", at=1)
    after.load(before.records())

    assert after.pending() == ()


steps = st.lists(
    st.tuples(
        st.sampled_from(["fail", "mend", "event"]),
        st.sampled_from([ErrorType.SYNC_TIMEOUT, ErrorType.SYNC_FAILURE]),
        st.sampled_from(["eu", "us"]),
        st.sampled_from([WEB, API, "", "services/shop/web"]),
    ),
    max_size=60,
)


def play(history: History, story: list[tuple[str, ErrorType, str, str]]) -> dict[str, int]:
    counted = {"errors": 0, "events": 0}
    for at, (step, kind, target, subject) in enumerate(story, start=1):
        if step == "fail":
            history.record_error(failure(kind, "x"), target=target, subject=subject, at=at)
            counted["errors"] += 1
        elif step == "mend":
            history.record_recovery(target, subject, at=at)
        else:
            history.record("action", "Resync", at=at, target=target)
            counted["events"] += 1
    return counted


@given(steps)
def test_folding_loses_no_occurrence(story: list[tuple[str, ErrorType, str, str]]) -> None:
    history = History()

    counted = play(history, story)

    errors = [record for record in history.records() if record.category == "error"]
    assert sum(record.count for record in errors) == counted["errors"]
    assert len(history) - len(errors) == counted["events"]
    assert all(r.at <= r.last_at and (not r.recovered_at or r.recovered_at > r.at) for r in errors)


@given(steps)
def test_when_everything_recovers_no_error_stays_open(
    story: list[tuple[str, ErrorType, str, str]],
) -> None:
    history = History()
    play(history, story)

    for target in ("eu", "us"):
        for subject in (WEB, API, "", "services/shop/web"):
            history.record_recovery(target, subject, at=1000)

    assert all(r.recovered_at for r in history.records() if r.category == "error")


@given(story=steps, keep=st.integers(1, 5))
def test_a_small_ring_stays_within_its_bound_and_keeps_working(
    story: list[tuple[str, ErrorType, str, str]], keep: int
) -> None:
    history = History(keep=keep)
    alive: dict[str, HistoryRecord] = {}
    history.on_drop(alive.__delitem__)
    history.on_record(lambda record: alive.update({record.id: record}))

    play(history, story)

    assert len(history) <= keep
    assert alive == {record.id: record for record in history.records()}
    assert len(history.pending()) == len(history)


@given(steps)
def test_the_same_story_makes_the_same_records(
    story: list[tuple[str, ErrorType, str, str]],
) -> None:
    one, other = History(), History()
    play(one, story)
    play(other, story)

    assert one.records() == other.records()
