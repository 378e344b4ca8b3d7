"""What a process does once from which programs are forked, so that each of them needn't: a whole rollout.

Whatever is imported late is there then, and what the catalog is asked in the course of a rollout is compiled.
"""

from __future__ import annotations

import gc

# Each program would import what the Secret Service is spoken to with when it opens its catalog.
import keyring.backends.SecretService  # noqa: F401

import mirror_console.vault.secret_service  # noqa: F401
from mirror_console.domain.rollout import RolloutState
from mirror_console.operations import recovery, status
from mirror_console.operations.refresh import refresh
from tests.compiled import keep_compiled
from tests.operations.fleet import small_fleet


def rehearse() -> None:
    """Roll out to one mirror on a simulated engine. What is there afterwards is never collected.

    A collection in a forked process would copy all of it.
    """
    keep_compiled()
    with small_fleet(1, ("alpha",)) as fleet:
        fleet.publish("1")
        fleet.run_mirrors("1")
        refresh(fleet.console, fleet.jobs)
        fleet.publish("2")
        refresh(fleet.console, fleet.jobs)
        rollout = fleet.roll_out()
        assert rollout.state is RolloutState.COMPLETED, rollout
        assert not recovery.interrupted(fleet.console)
        status.survey(fleet.console)
    gc.collect()
    gc.freeze()
