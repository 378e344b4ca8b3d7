"""Surroundings: what an engine is asked once besides its containers, and the checks of a target that need it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from mirror_console.domain.check import Check, CheckResult
from mirror_console.domain.image import Image
from mirror_console.domain.observation import Container, Listed, State
from mirror_console.domain.plan import PlannedTarget
from mirror_console.domain.swap import Swap
from mirror_console.domain.way import Way
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.container_checks import health_check, stopping, values
from mirror_console.operations.here import Here, asleep, strangers
from mirror_console.operations.place_checks import named_volumes, networks, own_networks, volumes
from mirror_console.operations.route_check import check_route, known_by_it
from mirror_console.operations.swarm_checks import check_service
from mirror_console.operations.target_checks import EngineScene, said

MOST_STRANGERS = 100
"""So many containers that are nobody's in the catalog are looked at; with more of them it is an engine of others."""
MOST_ASLEEP = 50
"""So many containers that don't run are looked at for whether they may come back."""
STRANGERS_AT_ONCE = 4


def with_surroundings(
    console: Console,
    jobs: Jobs,
    scene: EngineScene,
    here: Here,
    targets: Sequence[PlannedTarget],
    *,
    deep: bool,
) -> EngineScene:
    """The scene with what its targets need to be known: its volumes where one names some.

    With `deep` also what else runs there, as far as it is nobody's in the catalog, and what doesn't run and may come
    back to a port where a target wants some. Raises EngineError.
    """
    session = scene.session
    runs = (found.id for target in targets if (found := scene.named(target.container)) and found.state is State.RUNNING)
    wants_ports = any(port.host for target in targets for port in target.settings.ports)
    sleeping = asleep(here, scene.listed, targets)[:MOST_ASLEEP] if deep and wants_ports else []
    looked_at = _look(jobs, scene, strangers(here, scene.listed)[:MOST_STRANGERS]) if deep else ()
    return replace(
        scene,
        # A command in somebody's container is nothing that a console does that only reads.
        inside="" if console.read_only else next(runs, ""),
        strangers=looked_at,
        asleep=_look(jobs, scene, sleeping),
        volumes=session.volumes() if any(named_volumes(target.settings) for target in targets) else frozenset(),
    )


def _look(jobs: Jobs, scene: EngineScene, several: Sequence[Listed]) -> tuple[Container, ...]:
    def bound(container_id: str) -> Callable[[], Container | None]:
        return lambda: scene.session.inspect(container_id)

    outcomes = jobs.side_by_side({one.id: bound(one.id) for one in several}, at_once=STRANGERS_AT_ONCE)
    found = []
    for outcome in outcomes.values():
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is not None:
            found.append(outcome)
    return tuple(found)


def check_container(scene: EngineScene, here: Here, target: PlannedTarget, way: Way | None) -> Iterator[CheckResult]:
    """The checks of what a target's container is made of and needs. `way` as for a whole engine. Raises EngineError."""
    if target.swap is Swap.SERVICE:
        yield said(target, Check.VALUES, *values(target.settings))
        placed = here.environments.get(target.environment_id)
        of_catalog = placed.settings if placed is not None else None
        lost, one_node = scene.lost_before.get(target.before_image_id, ""), scene.facts.swarm_nodes == 1
        found = check_service(scene.session, target, way, of_catalog, lost_before=lost, one_node=one_node)
        yield from (said(target, *one) for one in found)
        return
    old = scene.inspect(target.container)
    before = here.applied.get((target.environment_id, target.process))
    others = known_by_it(target, here.environments.values(), here.title, scene.strangers)
    yield from check_route(scene.network_names, target, old, others)
    yield said(target, Check.VALUES, *values(target.settings))
    yield said(
        target, Check.NETWORKS, *networks(target.settings, scene.networks() if own_networks(target.settings) else ())
    )
    yield said(target, Check.VOLUMES, *volumes(target, old, before, scene.volumes))
    if way is not None:
        image = _planned_image(scene, target)
        runs = scene.image(old.image_id) if old is not None and image is None else None
        yield said(target, Check.HEALTH_CHECK, *health_check(target, way, image or runs, planned=image is not None))
        yield said(target, Check.STOPPING, *stopping(target, old))


def _planned_image(scene: EngineScene, target: PlannedTarget) -> Image | None:
    """The planned image where the engine has it, under the names by which the plan knows it."""
    for name in (target.image_id, target.reference):
        found = scene.image(name) if name else None
        if found is not None and target.is_met_by(found):
            return found
    return None
