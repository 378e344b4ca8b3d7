"""What several tests of operations stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.operations.check_desk import Desk
from tests.operations.fleet import Fleet, small_fleet


@pytest.fixture
def desk() -> Iterator[Desk]:
    with small_fleet(prepared=Fleet.fall_behind) as fleet:
        yield Desk(fleet)
