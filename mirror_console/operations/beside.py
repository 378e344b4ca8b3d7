"""Start beside: a new container runs beside the old one, gets its requests when it is well, and only then the old one
goes.

By an alias: the new one joins the route, the old one leaves it, and goes on for as long as what it was asked may take.
At every instant one of them is on the route. By labels that a proxy follows, both get requests for a while: there
nothing can be taken from the old one but by stopping it.
"""

from __future__ import annotations

from mirror_console.domain.health import Verdict
from mirror_console.domain.observation import Container
from mirror_console.domain.rollout import TargetState
from mirror_console.domain.route import Route, proof_of
from mirror_console.domain.steps import Step
from mirror_console.operations import companions
from mirror_console.operations.containers import (
    LOOK_EVERY,
    commit,
    disarm_old,
    judge_now,
    name_new,
    start_new,
    stop_old,
    verify,
)
from mirror_console.operations.fetching import Fetcher
from mirror_console.operations.routing import is_on, join, leave, route_of
from mirror_console.operations.swap import finish, make_ready
from mirror_console.operations.turn import Turn

IN_A_ROW = 4
"""So many requests through the proxy are answered well before the old container goes: it may ask either of two."""


def start_beside(turn: Turn, fetcher: Fetcher) -> None:
    """Replace a container by one that is started beside it. Something serves all the time."""
    old, new = make_ready(turn, fetcher)
    turn.become(TargetState.SWAPPING)
    started = start_new(turn, new)
    turn.become(TargetState.VERIFYING)
    verify(turn, started)
    switch(turn, old, started)
    companions.take_over(turn, started)
    way_back = commit(turn, old, started)
    name_new(turn, started)
    companions.settle(turn)
    finish(turn, started, old, way_back)


def switch(turn: Turn, old: Container, new: Container) -> None:
    """Have the new container get what the old one got, and stop the old one. Goes on from wherever it was cut off."""
    route = turn.planned.settings.route
    if route is None:
        stop_old(turn, old)
        return
    turn.become(TargetState.SWAPPING, "goes on its route")
    join(turn, Step.CONNECT, new, [route.alias], "new")
    prove(turn, route, new)
    leave(turn, Step.DISCONNECT, old, "old")
    drain(turn, route, old, new)
    disarm_old(turn, old)
    stop_old(turn, old)


def prove(turn: Turn, route: Route, new: Container) -> None:
    """Look whether the new container is on the route; where an address is given for that, that the proxy answers well.

    Changes nothing. That a request reached the new one can't be told while both are there: it is asked several times.
    """

    def done() -> str | None:
        seen = turn.last_look(new.id)
        if route_of(turn) is not None and not is_on(seen, route, [route.alias]):
            return f"the new container isn't found as '{route.alias}' in {route.network}"
        return _answers(turn, route, IN_A_ROW)

    turn.step(Step.PROVE, lambda: None, done, objects={"new": new.id})


def drain(turn: Turn, route: Route, old: Container, new: Container) -> None:
    """Let the old container go on for as long as its route says, while the new one must stay well. Changes nothing."""
    seen = turn.last_look(old.id)
    if seen is None or not seen.running or not route.drain:
        return
    what = "the old one ends what it was asked" if route.by_alias else "both run while the proxy learns of the new one"
    turn.become(TargetState.SWAPPING, f"{what}: {route.drain:g} s")
    until = turn.console.monotonic() + route.drain

    def well() -> str | None:
        # The last look is after the last rest: what fell ill in it must not be all that is left.
        while (judged := judge_now(turn, new, turn.inspect(new.id))).verdict is not Verdict.ILL:
            left = until - turn.console.monotonic()
            if left <= 0 or turn.breaks_off():
                break
            turn.keep()
            turn.console.sleep(min(LOOK_EVERY, left))
        else:
            return f"while the old one drained: {judged.words}"
        turn.demand_going_on(Step.DRAIN)
        # Now that the old one gets nothing any more, it is the new one that answers.
        return _answers(turn, route, 1)

    turn.step(Step.DRAIN, lambda: None, well, objects={"old": old.id})


def _answers(turn: Turn, route: Route, in_a_row: int) -> str | None:
    """Ask the proxy until it has answered well so many times in a row, or for as long as health is waited for."""
    if not route.proof:
        return None
    asked, test = proof_of(route.proof), turn.planned.settings.health
    until = turn.console.monotonic() + (turn.health_limit or test.limit)
    well = 0
    while True:
        answer = turn.session.probe(asked.port, asked.path, timeout=5.0, host=asked.host)
        good = answer.status is not None and test.answers_from <= answer.status <= test.answers_to
        well = well + 1 if good else 0
        if well >= in_a_row:
            return None
        if turn.console.monotonic() >= until:
            told = f"answered {answer.status}" if answer.status is not None else f"didn't answer: {answer.words}"
            return f"{route.proof} {told}"
        turn.keep()
        turn.demand_going_on(Step.PROVE)
        if not good:
            turn.console.sleep(LOOK_EVERY)
