"""Windows and freezes in the audit: told in their own words, those of lines from before as far as they say so."""

from __future__ import annotations

from typing import Any

import pytest

from mirror_console.domain.audit import Act, Doing, Noun, doing_words
from mirror_console.operations.act_words import how_words

pytestmark = pytest.mark.usefixtures("in_berlin")

NIGHT: dict[str, Any] = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "ends": 120, "zone": "UTC"}
WHOLE = NIGHT | {"begins": 0, "account": "", "application_id": None, "environment": ""}
OURS = NIGHT | {"application_id": "7514cd44cea1"}
XMAS = {"begins_at": "2026-12-20T17:00:00+00:00", "ends_at": "2026-12-27T23:00:00+00:00", "reason": "Christmas"}


def act(noun: Noun, doing: Doing, before: dict[str, Any], after: dict[str, Any], title: str = "") -> Act:
    why = str(after.get("reason", ""))
    return Act(noun, doing, "one", title or "Dunes Bakery", why=why, before=before, after=after)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (act(Noun.WINDOW, Doing.ADDED, {}, OURS), "every day 00:00–02:00 UTC, Dunes Bakery"),
        (act(Noun.WINDOW, Doing.REMOVED, OURS, {}), "every day 00:00–02:00 UTC, Dunes Bakery"),
        (
            act(Noun.WINDOW, Doing.ADDED, {}, OURS | {"account": "ACC-1", "environment": "live"}, "Dunes ACC-1 live"),
            "every day 00:00–02:00 UTC, account ACC-1 · Dunes · live",
        ),
        (
            act(
                Noun.WINDOW, Doing.CHANGED, WHOLE | OURS | {"mirror": "Dunes"}, WHOLE | {"days": ["sat"]}, "all mirrors"
            ),
            "every day 00:00–02:00 UTC, Dunes → sat 00:00–02:00 UTC, everything",
        ),
        (
            act(Noun.FREEZE, Doing.ADDED, {}, XMAS, "all mirrors"),
            "20 Dec 2026 18:00:00 – 28 Dec 2026 00:00:00, everything",
        ),
        # Its reason doesn't stand beside it.
        (
            act(Noun.FREEZE, Doing.REMOVED, XMAS, {}, "all mirrors"),
            "20 Dec 2026 18:00:00 – 28 Dec 2026 00:00:00, everything: Christmas",
        ),
    ],
)
def test_what_held_is_told_in_its_own_words(told: Act, words: str) -> None:
    assert how_words(told) == (words,)


def test_of_a_change_from_before_the_whole_was_told_what_differs_is() -> None:
    window = act(Noun.WINDOW, Doing.CHANGED, {"begins": 1166, "days": ["sat"]}, {"begins": 0, "days": ["sat", "sun"]})
    freeze = act(Noun.FREEZE, Doing.CHANGED, {"ends_at": XMAS["begins_at"]}, {"ends_at": XMAS["ends_at"]})
    most = act(Noun.WINDOW, Doing.CHANGED, NIGHT, NIGHT | {"days": ["sun"], "ends": 180, "zone": "Europe/Berlin"})
    others = act(Noun.WINDOW, Doing.CHANGED, {"application_id": "b"}, {"application_id": None}, "all mirrors")

    assert how_words(window) == ("from: 19:26 → 00:00", "days: sat → sat, sun")
    assert how_words(freeze) == ("until: 20 Dec 2026 18:00:00 → 28 Dec 2026 00:00:00",)
    # When it begins, and for whom it holds, isn't said: it stayed.
    assert how_words(most) == ("days: every day → sun", "to: 02:00 → 03:00", "zone: UTC → Europe/Berlin")
    assert how_words(others) == ("mirror: a mirror → nothing",)


def test_what_was_changed_is_told_short_without_what_stayed() -> None:
    before = WHOLE | OURS | {"mirror": "Dunes"}

    assert doing_words(act(Noun.WINDOW, Doing.CHANGED, before, WHOLE | {"begins": 60})) == (
        "maintenance window changed: from, mirror"
    )


@pytest.mark.parametrize("broken", [{"days": ["caturday"]}, {"ends": None}, {"zone": 7, "days": 3}])
def test_a_line_that_is_not_understood_is_told_as_it_stands(broken: dict[str, Any]) -> None:
    assert how_words(act(Noun.WINDOW, Doing.ADDED, {}, NIGHT | broken))[0].startswith("days: ")
