"""The campaign's pictures of an engine: what has ended on its own nobody did, and all else is a change."""

from __future__ import annotations

import pytest

from tests.campaign_parts.asked import ENDED, UP, Picture, differ

BEFORE: Picture = {"shop": ("1", UP, "no")}


@pytest.mark.parametrize("after", [BEFORE, {"shop": ("1", ENDED, "no")}])
def test_nobody_did_anything(after: Picture) -> None:
    assert not differ(BEFORE, after)


@pytest.mark.parametrize(
    "after",
    [
        {},
        {"shop": ("1", "exited", "no")},
        {"shop": ("1", ENDED, "always")},
        {"shop": ("2", ENDED, "no")},
        BEFORE | {"another": ("3", "created", "no")},
    ],
)
def test_somebody_did(after: Picture) -> None:
    assert differ(BEFORE, after)
    assert differ({"shop": ("1", "created", "no")}, BEFORE)
