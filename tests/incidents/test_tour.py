"""docs/tour.md is true: its keys are pressed, and what it says is seen."""

from __future__ import annotations

import pytest

from tests.incidents.tour import BOUND, Stop, stops, take

STOPS = {stop.title: stop for stop in stops()}
PATIENCE_S = 600  # for all of them, on a busy machine

pytestmark = [pytest.mark.xdist_group("tour"), pytest.mark.timeout(PATIENCE_S)]


@pytest.fixture(scope="module")
def not_so(request: pytest.FixtureRequest) -> dict[str, str]:
    """Play the stops of the selected tests; return, by title, what was not seen."""
    items = [one for one in request.session.items if isinstance(one, pytest.Function)]
    named = {one.callspec.params.get("title") for one in items if hasattr(one, "callspec")}
    return take(stop for title, stop in STOPS.items() if title in named)


@pytest.mark.parametrize("title", STOPS)
def test_the_keys_of_the_tour_lead_to_what_it_says(not_so: dict[str, str], title: str) -> None:
    assert not_so[title] == ""


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_two_keys_lead_to_the_cause_and_two_more_to_the_remedy(stop: Stop) -> None:
    assert stop.keys_to("cause") <= BOUND
    assert stop.keys_to("remedy") <= BOUND


def test_the_tour_has_ten_incidents() -> None:
    assert len(STOPS) == 10
