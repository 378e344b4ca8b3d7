"""Services of a Swarm are seen beside containers: what they run, how they stand, what was changed of them by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror_console.domain.alignment import Alignment
from mirror_console.domain.application import Application, Kind
from mirror_console.domain.cell import Cell
from mirror_console.domain.cell_words import cell_texts
from mirror_console.domain.environment import Limits
from mirror_console.domain.expectation import Expected
from mirror_console.domain.observation import Health, Observation, State
from mirror_console.domain.release import current
from mirror_console.domain.selection import matches, parse
from mirror_console.domain.status import Status
from mirror_console.domain.verdict import verdict
from mirror_console.operations.accepting import accept
from mirror_console.operations.locks import all_locks
from mirror_console.operations.refresh import refresh
from mirror_console.operations.status import survey
from mirror_console.operations.where import where
from mirror_console.simulator.engine import SimulatedEngine
from tests.operations.fleet import REPOSITORY, Fleet, small_fleet
from tests.operations.test_refresh import counted
from tests.operations.test_watch import until, watched

pytestmark = pytest.mark.slow

SERVICE = "mirror-01-live"


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Of two mirrors on one engine the first is a service of its Swarm, both of what their source has."""
    with small_fleet(2, ("alpha",), prepared=_prepare) as made:
        yield made


def _prepare(made: Fleet) -> None:
    digest = made.publish("26.8.2", health_interval=0.02)
    made.run_mirrors("26.8.2")
    engine(made).lose_container(SERVICE)
    engine(made).manage_swarm()
    to_swarm(made)
    serve(made, digest)
    engine(made).state.events.forget()


def engine(fleet: Fleet) -> SimulatedEngine:
    return fleet.simulated.engines["alpha"]


def to_swarm(fleet: Fleet, *, swarm: bool = True) -> None:
    environment = fleet.environment(fleet.mirrors[0], "live")
    with fleet.console.catalog.write() as books:
        books.environments.save(replace(environment, swarm=swarm))


def serve(fleet: Fleet, digest: str, replicas: int = 2) -> None:
    variables = dict(fleet.environment(fleet.mirrors[0], "live").settings.variables)
    further = {"Labels": {"of.stack": "shop"}}
    engine(fleet).serve(
        SERVICE,
        f"{REPOSITORY}@{digest}",
        replicas=replicas,
        variables=variables,
        login=fleet.simulated.login,
        further=further,
    )
    settled(fleet, replicas)
    engine(fleet).update_by_hand(SERVICE, StopGracePeriod=1_000_000_000)
    settled(fleet, replicas)


def settled(fleet: Fleet, replicas: int = 2) -> None:
    """Wait until its Swarm has come to rest."""

    def rests() -> bool:
        runs = len(engine(fleet).service_runs(SERVICE)) == replicas
        return runs and not engine(fleet).service(SERVICE).updating

    until(rests, "that all tasks run")


def looked(fleet: Fleet) -> Cell:
    refresh(fleet.console, fleet.jobs)
    return cell(fleet)


def cell(fleet: Fleet, slug: str = "mirror-01") -> Cell:
    row = next(one for one in survey(fleet.console).rows if one.application.slug == slug)
    return row.cells["live"]


def seen(fleet: Fleet) -> Observation:
    found = looked(fleet).observation
    assert found is not None
    return found


def test_it_is_aligned_like_any_other(fleet: Fleet) -> None:
    found = looked(fleet)
    assert (found.status, found.alignment) == (Status.ALIGNED, Alignment.ALIGNED)
    observed = found.observation
    assert observed is not None
    assert (observed.state, observed.health, observed.version) == (State.RUNNING, Health.HEALTHY, "26.8.2")
    assert observed.container_name == SERVICE
    assert observed.health_output == "2 of 2 tasks run"
    assert observed.differences == ()
    assert cell(fleet, "mirror-02").status is Status.ALIGNED
    rows, moment = survey(fleet.console).rows, fleet.console.clock()
    assert [row.application.slug for row in rows if matches(parse("live:swarm"), row, moment)] == ["mirror-01"]
    fleet.publish("26.8.3", health_interval=0.02)
    assert looked(fleet).status is Status.BEHIND
    assert "Mirror 01" in {
        place.application for build in where(fleet.console, "26.8.2").builds for place in build.places
    }


def test_where_nothing_is_of_a_swarm_nobody_asks_for_services(fleet: Fleet) -> None:
    verbs = {"swarm_services", "swarm_tasks", "configs"}
    counting, console = counted(fleet)
    refresh(console, fleet.jobs)
    assert verbs <= set(counting.called)
    first = len(counting.called)
    refresh(console, fleet.jobs)
    # Of services all is known with the listing: neither they nor their images are looked at again.
    assert {"inspect", "image", "swarm_service"}.isdisjoint(counting.called[first:])
    to_swarm(fleet, swarm=False)
    counting, console = counted(fleet)
    refresh(console, fleet.jobs)
    assert verbs.isdisjoint(counting.called)


def test_how_many_tasks_run_is_told(fleet: Fleet) -> None:
    looked(fleet)
    engine(fleet).drain()
    state = engine(fleet).state
    for container in list(state.containers.values()):
        if container.name.startswith(f"{SERVICE}.1."):
            engine(fleet).lose_container(container.name)
    ill = seen(fleet)
    assert (ill.state, ill.health) == (State.RESTARTING, Health.FAILING)
    assert ill.health_output == "1 of 2 tasks run: no suitable node (1 node not available for new tasks)"
    assert cell(fleet).health is Health.FAILING
    assert "1 of 2 tasks run" in " ".join(cell_texts(cell(fleet), fleet.console.clock()))
    assert "no suitable node" in verdict(cell(fleet), fleet.console.clock())
    for container in list(state.containers.values()):
        if container.name.startswith(f"{SERVICE}.2."):
            engine(fleet).lose_container(container.name)
    down = seen(fleet)
    assert (down.state, down.health_output[:16]) == (State.EXITED, "0 of 2 tasks run")


def test_what_was_changed_by_hand_is_told_where_a_rollout_brings_it(fleet: Fleet) -> None:
    assert seen(fleet).differences == ()
    container = engine(fleet).service(SERVICE).template["ContainerSpec"]
    engine(fleet).update_by_hand(
        SERVICE, Env=[*container["Env"], "DEBUG=1"], StopGracePeriod=30_000_000_000, Init=True, Args=["sleep", "600"]
    )
    told = {one.field: (one.applied, one.observed) for one in seen(fleet).differences}
    assert set(told) == {"variable DEBUG", "stop time", "init", "command"}
    assert (cell(fleet).health, cell(fleet).status) == (Health.STARTING, Status.DRIFTED)
    engine(fleet).update_by_hand(SERVICE, Args=[])
    settled(fleet)
    assert looked(fleet).status is Status.DRIFTED
    # What its stack decides is no difference, whatever the catalog says of it.
    environment = fleet.environment(fleet.mirrors[0], "live")
    assert environment.settings.ports
    fleet.with_settings(environment, limits=Limits(memory=64 * 1024 * 1024), networks=("front",), variables={})
    assert "networks" not in {one.field for one in seen(fleet).differences}


def test_an_image_that_its_manager_has_not_is_known_by_its_digest(fleet: Fleet) -> None:
    digest = fleet.publish("26.8.3", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)
    service = engine(fleet).service(SERVICE)
    spec = service.template["ContainerSpec"] | {"Image": f"{REPOSITORY}:26.8.3@{digest}"}
    # As if its tasks ran on other nodes: here are none.
    engine(fleet).drain()
    engine(fleet).update_by_hand(SERVICE, **spec)
    for name in fleet.names("alpha"):
        if name.startswith((f"{SERVICE}.", "webshop-live")):
            engine(fleet).lose_container(name)
    for image in list(engine(fleet).state.images.everything()):
        if any(name.endswith(digest) for name in image.digests):
            engine(fleet).state.images.remove(image.image.id, {}, force=True)
    found = looked(fleet)
    assert found.observation is not None
    assert found.observation.version == "26.8.3"
    assert found.alignment is Alignment.ALIGNED


def test_a_service_that_is_gone_is_missing(fleet: Fleet) -> None:
    looked(fleet)
    swarm = engine(fleet).manage_swarm()
    swarm.services.clear()
    # A container of that name is none of it.
    engine(fleet).run(SERVICE, f"{REPOSITORY}:26.8.2")
    assert looked(fleet).status is Status.MISSING
    assert cell(fleet, "mirror-02").status is Status.ALIGNED


def test_an_engine_that_manages_no_swarm_costs_its_service_alone(fleet: Fleet) -> None:
    engine(fleet).state.swarm = None
    assert looked(fleet).status is Status.MISSING
    assert cell(fleet, "mirror-02").status is Status.ALIGNED


def test_locks_that_are_configs_are_listed(fleet: Fleet) -> None:
    session = fleet.console.engines.session(fleet.console.engine("alpha"))
    labels = {"role": "lock", "console": "other", "operator": "somebody", "machine": "desk-9", "rollout": "r1"}
    session.create_config(f"mc-lock.{SERVICE}", {f"io.mirrorconsole.{name}": value for name, value in labels.items()})
    session.create_config("of-others", {})
    (found,) = all_locks(fleet.console, fleet.jobs).found
    assert (found.mirror, found.environment, found.lock.container) == ("mirror-01", "live", SERVICE)
    assert found.lock.holder == "somebody on desk-9"
    held = seen(fleet).lock
    assert held is not None
    assert held.holder == "somebody on desk-9"
    other = cell(fleet, "mirror-02").observation
    assert other is not None
    assert other.lock is None


def test_the_watch_sees_services_as_soon_as_there_are_such(fleet: Fleet) -> None:
    to_swarm(fleet, swarm=False)
    with watched(fleet):
        until(lambda: cell(fleet).status is Status.MISSING, "that no container has its name")
        to_swarm(fleet)
        until(lambda: cell(fleet).status is Status.ALIGNED, "its service")
        engine(fleet).update_by_hand(SERVICE, Env=["DOMAIN=elsewhere.example"])
        until(lambda: cell(fleet).status is Status.DRIFTED, "what was changed by hand")


def test_what_was_changed_by_hand_is_accepted(fleet: Fleet) -> None:
    looked(fleet)
    container = engine(fleet).service(SERVICE).template["ContainerSpec"]
    env, further = [*container["Env"], "DEBUG=1"], {"StopSignal": "SIGINT", "StopGracePeriod": 20_000_000_000}
    engine(fleet).update_by_hand(SERVICE, Env=env, **further)
    settled(fleet)
    assert looked(fleet).status is Status.DRIFTED
    environment = fleet.environment(fleet.mirrors[0], "live")
    taken = accept(fleet.console, environment.id)
    assert set(taken.fields) == {"variable DEBUG", "stop signal", "stop time"}
    settings = fleet.environment(fleet.mirrors[0], "live").settings
    assert settings == replace(
        environment.settings,
        variables={**environment.settings.variables, "DEBUG": "1"},
        stop_signal="SIGINT",
        stop_seconds=20,
    )
    assert cell(fleet).status is Status.ALIGNED
    assert looked(fleet).status is Status.ALIGNED


def test_a_source_that_is_a_service_has_releases_though_nobody_holds_its_image(fleet: Fleet) -> None:
    source = fleet.environment(Application("source", Kind.SOURCE, "Webshop", "webshop"), "live")
    with fleet.console.catalog.write() as books:
        books.environments.save(replace(source, swarm=True))
    engine(fleet).lose_container("webshop-live")
    digest = fleet.simulated.registry.publish("shop/webshop", "26.9.0", "26.9.0", "abc").digest
    # Its tasks are on other nodes, and so is its image.
    engine(fleet).drain()
    engine(fleet).serve("webshop-live", f"{REPOSITORY}:26.9.0@{digest}", login=fleet.simulated.login)
    behind = looked(fleet)
    with fleet.console.catalog.read() as books:
        newest = current(books.releases.of([source.id]))
    assert newest is not None
    assert (newest.fingerprint, newest.digest, newest.reference) == ("", digest, f"{REPOSITORY}@{digest}")
    assert isinstance(behind.expected, Expected)
    assert behind.expected.release == newest
    # Looked at again it is no other release; and what brings it somewhere tells what it is.
    looked(fleet)
    engine(fleet).pull(f"{REPOSITORY}@{digest}", fleet.simulated.login)
    refresh(fleet.console, fleet.jobs, inspect_all=True)
    with fleet.console.catalog.read() as books:
        (same,) = [one for one in books.releases.of([source.id]) if one.digest == digest]
    assert (same.id, same.version) == (newest.id, "26.9.0")
    assert same.fingerprint
