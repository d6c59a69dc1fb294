"""The breaker opens after five failures, tries once a minute, and closes on any sign of life."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmcconsole.tmc.errors import ErrorType, failure
from tmcconsole.tmc.recovery.breaker import RESET_S, THRESHOLD, Breaker, BreakerState, counts


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(THRESHOLD):
        breaker = breaker.failed(at)
    return breaker


def test_it_opens_at_the_threshold_and_not_before() -> None:
    breaker = Breaker()
    for _ in range(THRESHOLD - 1):
        breaker = breaker.failed(1.0)

    assert breaker.state(1.0) is BreakerState.CLOSED
    assert breaker.failed(1.0).state(1.0) is BreakerState.OPEN


def test_a_success_between_failures_starts_the_count_anew() -> None:
    breaker = Breaker()
    for _ in range(THRESHOLD * 3):
        breaker = breaker.failed(1.0).succeeded()

    assert breaker == Breaker()


def test_nothing_passes_while_open() -> None:
    admitted, after = opened().admit(RESET_S - 0.001)

    assert not admitted
    assert after.state(RESET_S - 0.001) is BreakerState.OPEN


def test_one_trial_passes_after_the_reset_time() -> None:
    first, during = opened().admit(RESET_S)
    second, _ = during.admit(RESET_S + 1)

    assert during.state(RESET_S) is BreakerState.HALF_OPEN
    assert (first, second) == (True, False)


def test_a_failed_trial_opens_for_another_reset_time() -> None:
    _, during = opened().admit(RESET_S)

    again = during.failed(RESET_S + 2)

    assert again.state(RESET_S + 3) is BreakerState.OPEN
    assert again.closes_in(RESET_S + 2) == RESET_S


def test_a_trial_that_never_reports_does_not_lock_the_breaker() -> None:
    _, during = opened().admit(RESET_S)

    admitted, _ = during.admit(2 * RESET_S)

    assert admitted


def test_a_late_failure_does_not_put_off_the_trial() -> None:
    late = opened(at=0.0).failed(RESET_S - 1)

    assert late.admit(RESET_S)[0]


@given(st.lists(st.tuples(st.sampled_from("fsa"), st.floats(0, 30)), max_size=80))
def test_at_most_one_trial_per_reset_time_passes_while_not_closed(
    steps: list[tuple[str, float]],
) -> None:
    breaker, now, last_trial = Breaker(), 0.0, -RESET_S
    for step, elapsed in steps:
        now += elapsed
        was_closed = breaker.state(now) is BreakerState.CLOSED
        if step == "f":
            breaker = breaker.failed(now)
        elif step == "s":
            breaker, last_trial = breaker.succeeded(), -RESET_S
        else:
            admitted, breaker = breaker.admit(now)
            assert admitted or not was_closed
            if admitted and not was_closed:
                assert now - last_trial >= RESET_S - 1e-6
                last_trial = now


@pytest.mark.parametrize(
    ("kind", "retry_after_s", "expected"),
    [
        (ErrorType.CLUSTER_UNREACHABLE, None, True),
        (ErrorType.SYNC_TIMEOUT, None, True),
        (ErrorType.CLUSTER_UNAVAILABLE, None, True),
        (ErrorType.CLUSTER_UNAVAILABLE, 2.0, False),
        (ErrorType.RESOURCE_VALIDATION, None, False),
        (ErrorType.INTERNAL_ERROR, None, False),
    ],
)
def test_only_failures_of_the_cluster_count(
    kind: ErrorType, retry_after_s: float | None, expected: bool
) -> None:
    assert counts(failure(kind, "x", retry_after_s=retry_after_s)) is expected
