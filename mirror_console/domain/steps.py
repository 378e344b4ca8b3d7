"""Steps: what is done to a target one after the other, by how it is swapped."""

from __future__ import annotations

from enum import StrEnum

from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.swap import Swap


class Step(StrEnum):
    """One change on one target. Each has a predicate that a look at the engine answers: is it done?"""

    PULL = "pull"
    LOCK = "lock"
    PROVIDE = "provide networks and volumes"
    CREATE = "create new"
    MAKE_COMMAND = "make the command's container"
    BACK_UP = "back up"
    RELEASE = "run release command"
    STOP_COMMAND = "stop the command"
    REMOVE_COMMAND = "remove the command's container"
    DISARM = "take restart policy from old"
    STOP = "stop old"
    START = "start new"
    ARM = "give restart policy to new"
    VERIFY = "verify"
    SHELVE = "shelve older way back"
    COMMIT = "rename old away"
    NAME = "name new"
    BAKE = "bake"
    KEEP = "keep image of old"
    RETIRE = "retire older"
    UNLOCK = "unlock"
    STOP_NEW = "stop new"
    REMOVE_NEW = "remove new"
    NAME_BACK = "name old back"
    START_OLD = "start old"
    ARM_OLD = "give restart policy back to old"
    VERIFY_OLD = "verify old"
    CONNECT = "put new on its route"
    PROVE = "prove the route"
    DISCONNECT = "take old from its route"
    DRAIN = "drain"
    CONNECT_OLD = "put old back on its route"
    DISCONNECT_NEW = "take new from its route"
    CHANGE = "change in place"
    CHANGE_BACK = "change back in place"
    UPDATE = "update service"
    ROLL_BACK = "roll service back"


CREATE_STEPS = (
    Step.PULL,
    Step.LOCK,
    Step.PROVIDE,
    Step.CREATE,
    Step.START,
    Step.VERIFY,
    Step.NAME,
    Step.BAKE,
    Step.UNLOCK,
)
RECREATE_STEPS = (
    Step.LOCK,
    Step.PULL,
    Step.PROVIDE,
    Step.CREATE,
    Step.DISARM,
    Step.STOP,
    Step.START,
    Step.VERIFY,
    Step.SHELVE,
    Step.COMMIT,
    Step.NAME,
    Step.BAKE,
    Step.KEEP,
    Step.RETIRE,
    Step.UNLOCK,
)
BESIDE_STEPS = (
    Step.LOCK,
    Step.PULL,
    Step.PROVIDE,
    Step.CREATE,
    Step.START,
    Step.VERIFY,
    Step.CONNECT,
    Step.PROVE,
    Step.DISCONNECT,
    Step.DRAIN,
    Step.DISARM,
    Step.STOP,
    Step.SHELVE,
    Step.COMMIT,
    Step.NAME,
    Step.BAKE,
    Step.KEEP,
    Step.RETIRE,
    Step.UNLOCK,
)
IN_PLACE_STEPS = (Step.LOCK, Step.CHANGE, Step.VERIFY, Step.BAKE, Step.UNLOCK)
SERVICE_STEPS = (Step.LOCK, Step.UPDATE, Step.VERIFY, Step.BAKE, Step.UNLOCK)
STEPS_OF = {
    Swap.CREATE: CREATE_STEPS,
    Swap.RECREATE: RECREATE_STEPS,
    Swap.BESIDE: BESIDE_STEPS,
    Swap.IN_PLACE: IN_PLACE_STEPS,
    Swap.SERVICE: SERVICE_STEPS,
}
"""The steps of each swap, in their order. Those that find nothing to do aren't met."""


def steps_of(planned: PlannedTarget) -> tuple[Step, ...]:
    """The steps that a target's turn may have. Those with nothing to do are passed over."""
    steps = STEPS_OF[planned.swap]
    preparation = planned.preparation
    if preparation is None:
        return steps
    # A service has no new container beside it: what comes before comes right before its update.
    before = steps.index(Step.UPDATE) if planned.swap is Swap.SERVICE else steps.index(Step.CREATE) + 1
    backup = (Step.BACK_UP,) if preparation.backup is not None else ()
    release = (Step.RELEASE,) if preparation.release is not None else ()
    return (*steps[:before], *backup, *release, *steps[before:])
