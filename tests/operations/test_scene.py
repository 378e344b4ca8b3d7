"""What labels of a container tell of the one before it, also where somebody else has written them."""

from __future__ import annotations

import pytest

from mirror_console.domain.environment import RestartPolicy
from mirror_console.domain.observation import LABEL
from mirror_console.operations.scene import old_restart


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("on-failure:3", (RestartPolicy.ON_FAILURE, 3)),
        ("always:", (RestartPolicy.ALWAYS, 0)),
        ("always:²", (RestartPolicy.ALWAYS, 0)),
        ("on-failure:" + "9" * 5000, (RestartPolicy.ON_FAILURE, 0)),
        ("never:1", None),
        ("", None),
    ],
)
def test_the_restart_policy_before(told: str, meant: tuple[RestartPolicy, int] | None) -> None:
    assert old_restart({LABEL + "prev-restart": told}) == meant
