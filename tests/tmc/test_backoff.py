"""Waits are bounded on both sides, grow, and obey the server."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmcconsole.backoff import Backoff, Retries
from tmcconsole.tmc.errors import ErrorType, Pace, failure
from tmcconsole.tmc.retry_pacing import MAX_RETRY_AFTER_S, RECHECK_S, bounds, delay

paces = st.sampled_from(Pace)
attempts = st.integers(min_value=1, max_value=10_000)


@given(pace=paces, tries=attempts, seed=st.integers())
def test_a_wait_lies_within_its_bounds(pace: Pace, tries: int, seed: int) -> None:
    low, high = bounds(pace, tries)

    wait = delay(failure(ErrorType.SYNC_FAILURE, "x", pace=pace), tries, random.Random(seed))

    assert 0 < low <= wait <= high


@given(pace=paces, tries=attempts)
def test_bounds_never_shrink_with_more_failures(pace: Pace, tries: int) -> None:
    low, high = bounds(pace, tries)
    next_low, next_high = bounds(pace, tries + 1)

    assert next_low >= low
    assert next_high >= high


@given(pace=paces, seconds=st.floats(min_value=1, max_value=3600))
def test_tries_in_any_time_are_bounded_by_the_schedule(pace: Pace, seconds: float) -> None:
    least_elapsed, tries = 0.0, 0
    while least_elapsed < seconds:
        tries += 1
        least_elapsed += bounds(pace, tries)[0]

    assert tries <= 20 + seconds / 30


@pytest.mark.parametrize(
    ("pace", "first", "last"),
    [
        (Pace.PROMPT, (0.001, 0.01), (30, 300)),
        (Pace.NORMAL, (0.01, 0.1), (30, 300)),
        (Pace.SLOW, (30, 60), (60, 600)),
        (Pace.REFUSED, (RECHECK_S, 660), (RECHECK_S, 660)),
    ],
)
def test_the_schedule_is_as_written(
    pace: Pace, first: tuple[float, float], last: tuple[float, float]
) -> None:
    assert bounds(pace, 1) == pytest.approx(first)
    assert bounds(pace, 1000) == pytest.approx(last)


@pytest.mark.parametrize(
    ("asked", "obeyed"), [(7.0, 7.0), (1e9, MAX_RETRY_AFTER_S), (float("inf"), MAX_RETRY_AFTER_S)]
)
def test_retry_after_is_obeyed_within_reason(asked: float, obeyed: float) -> None:
    busy = failure(ErrorType.CLUSTER_UNAVAILABLE, "busy", retry_after_s=asked)

    wait = delay(busy, 1, random.Random(1))

    assert obeyed < wait <= obeyed + bounds(Pace.NORMAL, 1)[1]


def test_waits_double_until_it_has_gone_well_for_a_while() -> None:
    clock = [0.0]
    retries = Retries(Backoff(1.0, 8.0, least=1.0), lambda: clock[0], random.Random(1), 60.0)

    def fail(after_s: float) -> float:
        clock[0] += after_s
        wait = retries.next_delay()
        clock[0] += wait
        return wait

    assert [fail(0.0) for _ in range(5)] == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert fail(59.0) == 8.0
    assert fail(60.0) == 1.0
