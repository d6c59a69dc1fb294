"""Ages, counts and durations as people read them."""

from __future__ import annotations

import pytest

from tmcconsole.contract.words import because, words
from tmcconsole.ui.style import format as shown
from tmcconsole.ui.style.ink import Run, elide, fit, plain, width_of, wrap

NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (9, "now"),
        (10, "10s"),
        (59, "50s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (4300, "1h10"),
        (36_000, "10h"),
        (100_000, "27h"),
        (200_000, "2d"),
    ],
)
def test_age_moves_in_coarse_steps(seconds: float, text: str) -> None:
    assert shown.age(NOW - seconds, NOW) == text


def test_what_never_happened_has_no_age() -> None:
    assert shown.age(0, NOW) == "-"
    assert shown.ago(0, NOW) == "never"


def test_a_clock_ahead_of_ours_is_now_and_not_negative() -> None:
    assert shown.age(NOW + 30, NOW) == "now"
    assert shown.countdown(NOW - 5, NOW) == "now"


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("1h30m", 5400), ("45s", 45), ("2d", 172_800)]
)
def test_duration_is_read(text: str, seconds: float) -> None:
    assert shown.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "m", "1h3", "soon", "-5m"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write 30m"):
        shown.parse_duration(text)


def test_latency_has_two_significant_digits() -> None:
    assert [shown.millis(v) for v in (0, 7.4, 123, 1444, 42_000)] == [
        "-", "7ms", "120ms", "1.4s", "42s",
    ]  # fmt: skip


def test_middle_ellipsis_keeps_both_ends_of_a_name() -> None:
    assert elide("us-west-2-edge-retail-07", 13, middle=True) == "us-wes…ail-07"


def test_fit_is_exact_for_wide_characters_too() -> None:
    for width in range(1, 12):
        for middle in (False, True):
            assert width_of(fit((Run("日本語テキスト"),), width, middle=middle)) == width
            assert width_of(fit((Run("日本"), Run("語 abc")), width, middle=middle)) == width


def test_wrap_loses_no_word() -> None:
    text = "connect to 10.9.8.7:6443 timed out; " + "x" * 50
    lines = wrap(text, 20)

    assert all(width_of(line) <= 20 for line in lines)
    assert "".join(map(plain, lines)).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(("reason", "told"), [
    ("QuotaExceeded", "quota exceeded"), ("CRDMissing", "CRD missing"), ("Ready", "ready"),
    ("403 Forbidden", "403 Forbidden"), ("PlacementCapacity", "over quota or limit"),
    ("APIImportsReady", "API imports ready"), ("", ""),
])  # fmt: skip
def test_inner_words_are_shown_as_words(reason: str, told: str) -> None:
    assert words(reason) == told


def test_a_reason_that_says_what_the_state_says_is_told_once() -> None:
    assert because("Collision", words("Collision")) == "collision"
    assert because("Failed", words("QuotaExceeded")) == "failed: quota exceeded"
