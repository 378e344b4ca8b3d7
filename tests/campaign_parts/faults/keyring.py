"""Faults of the keyring: half way through a rollout it is locked, gone, or doesn't answer.

The container needs a secret of it, and the engine, which is reached by TLS, its key.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.making import played
from tests.campaign_parts.play import CONTINUE, Point, Role, go_on, is_stopped
from tests.campaign_parts.world import SECURE, World
from tests.lab.keyring import LabKeyring

PLACES = (
    "LOCK:outcome",
    "CREATE:before",
    "CREATE:intent",
    "CREATE:outcome",
    "STOP:intent",
    "START:intent",
    "VERIFY:intent",
    "COMMIT:intent",
    "NAME:outcome",
    "UNLOCK:intent",
)
ROLES = (Role(secret=True, kept=True), Role(secret=True, goal="exits-at-once"), Role(secret=True, old=None))


def _fault(name: str, words: str, spoil: Callable[[LabKeyring], None], share: float) -> Fault:
    def play(world: World, point: Point) -> Outcome:
        place = PLACES[point.number * 3 % len(PLACES)]
        role = ROLES[point.number % len(ROLES)]
        with played(world, world.stage(SECURE), point, role) as playing:
            keyring = world.keyring()
            playing.place = f"{words}, at {place}"
            try:
                with playing.start(stop_at=place) as command:
                    if is_stopped(command):
                        spoil(keyring)
                        go_on(command)
                    playing.ended(command)
                if playing.dice.random() < 0.5:
                    # Whoever tries it before the keyring is back loses nothing by that.
                    with playing.running(*CONTINUE) as command:
                        playing.ended(command)
            finally:
                keyring.unlock()
            return outcome(playing, playing.recover())

    return Fault(name, words, play, share=share)


FAULTS = (
    _fault("keyring-locked", "keyring locked half way", LabKeyring.lock, 0.5),
    _fault("keyring-gone", "keyring gone half way", LabKeyring.stop, 0.25),
    _fault("keyring-hangs", "keyring doesn't answer half way", LabKeyring.freeze, 0.1),
)
