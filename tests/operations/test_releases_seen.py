"""What engines hold is kept, releases learn from it, and what can't be read any more is known by record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from mirror_console.domain.alignment import Alignment
from mirror_console.domain.engine import Engine
from mirror_console.domain.environment import Process, TagRule
from mirror_console.domain.held import HeldImage
from mirror_console.domain.identity import DIFFERENT_BY_DIGEST, Sureness
from mirror_console.domain.image import Image
from mirror_console.domain.release import Mark, Release, Twin
from mirror_console.domain.status import Status
from mirror_console.errors import EngineError, FailureKind
from mirror_console.operations.refresh import refresh
from mirror_console.operations.releases_seen import note_held
from mirror_console.operations.status import survey
from mirror_console.operations.where import where
from tests.operations.fleet import REPOSITORY, Fleet, now, small_fleet
from tests.operations.test_refresh import counted

pytestmark = pytest.mark.slow

ARM = "linux/arm64"


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.align) as made:
        yield made


def held_on(fleet: Fleet, engine: str) -> list[HeldImage]:
    with fleet.console.catalog.read() as books:
        return books.images.on(engine)


def releases(fleet: Fleet) -> list[Release]:
    with fleet.console.catalog.read() as books:
        return books.releases.all()


def save(fleet: Fleet, *values: Release) -> None:
    with fleet.console.catalog.write() as books:
        for value in values:
            books.releases.save(value)


def noted(fleet: Fleet, *images: Image, engine: str = "alpha", by: str = "") -> None:
    with fleet.console.catalog.write() as books:
        note_held(books, engine, images, now(), by)


def image_of(fleet: Fleet, container: str, engine: str = "alpha") -> Image:
    """The image of a container, as the console reads it."""
    with fleet.console.catalog.read() as books:
        session = fleet.console.engines.session(books.engines.get(engine))
    found = session.image(fleet.container(container).image.id)
    assert found is not None
    return found


def test_what_engines_hold_is_kept_with_all_its_names(fleet: Fleet) -> None:
    (alpha,), (berlin,) = held_on(fleet, "alpha"), held_on(fleet, "berlin")
    (release,) = releases(fleet)

    assert alpha.fingerprint == berlin.fingerprint == release.fingerprint
    assert alpha.tags == (f"{REPOSITORY}:26.8.2",)
    assert alpha.digests == (f"{REPOSITORY}@{release.digest}",)
    assert (alpha.version, alpha.revision, alpha.platform) == ("26.8.2", "rev-26.8.2", "linux/amd64")
    assert (alpha.id, alpha.brought_by) == (fleet.container("mirror-01-live").image.id, "")


def test_a_catalog_that_knows_no_images_yet_asks_once_for_each_image_and_not_for_containers(fleet: Fleet) -> None:
    refresh(fleet.console, fleet.jobs)
    with fleet.console.catalog.write() as books:
        for engine in ("alpha", "berlin"):
            books.images.remove(engine, [image.id for image in books.images.on(engine)])
    counting, console = counted(fleet)
    refresh(console, fleet.jobs)
    assert sorted(counting.called) == ["image", "image", "list_containers", "list_containers"]
    counting.called.clear()
    refresh(console, fleet.jobs)
    assert counting.called == ["list_containers"] * 2


def test_who_brought_an_image_stays_known(fleet: Fleet) -> None:
    image = image_of(fleet, "mirror-01-live")
    noted(fleet, image, by="rollout-1")
    noted(fleet, image)
    refresh(fleet.console, fleet.jobs, inspect_all=True)

    assert [one.brought_by for one in held_on(fleet, "alpha")] == ["rollout-1"]


def test_a_release_that_was_only_a_digest_is_known_once_an_engine_holds_it(fleet: Fleet) -> None:
    published = fleet.simulated.registry.publish("shop/webshop", "26.8.3", "26.8.3", "rev-3", health_interval=0.02)
    (first,) = releases(fleet)
    # The source itself runs the first one on: a look at it must not make that the current one again.
    later = now() + timedelta(hours=1)
    told = Release(
        "new", first.environment_id, "", REPOSITORY, published.digest, now(), later, tag="live", marks=(Mark.MIGRATION,)
    )
    save(fleet, told)
    # The registry's digest of what runs is another; where it weren't known, nothing could be told.
    cell = survey(fleet.console).row("mirror-01").cells["live"]
    assert (cell.status, cell.behind, cell.likeness) == (Status.BEHIND, 1, DIFFERENT_BY_DIGEST)
    save(fleet, replace(first, digest=""))
    cell = survey(fleet.console).row("mirror-01").cells["live"]
    assert (cell.alignment, cell.status) == (Alignment.UNKNOWN, Status.NOT_CHECKED)
    assert cell.likeness is not None
    assert cell.likeness.sureness is Sureness.UNKNOWN
    save(fleet, first)

    engine = fleet.simulated.engines["berlin"]
    engine.pull(f"{REPOSITORY}@{published.digest}", fleet.simulated.login)
    engine.lose_container("mirror-02-live")
    engine.run("mirror-02-live", f"{REPOSITORY}@{published.digest}")
    refresh(fleet.console, fleet.jobs)
    known = next(one for one in releases(fleet) if one.id == "new")
    assert (known.version, known.revision, known.tag, known.marks) == ("26.8.3", "rev-3", "live", (Mark.MIGRATION,))
    assert known.fingerprint == image_of(fleet, "mirror-02-live", "berlin").fingerprint
    rows = survey(fleet.console)
    assert rows.row("mirror-01").cells["live"].behind == 1
    # What was made by hand has other settings; its image is the expected one.
    there = rows.row("mirror-02").cells["live"].likeness
    assert there is not None
    assert there.same


def test_a_release_learns_what_it_is_on_another_platform(fleet: Fleet) -> None:
    (release,) = releases(fleet)
    image = image_of(fleet, "mirror-01-live")
    on_arm = replace(image, id=f"sha256:{'a' * 64}", fingerprint=f"fp1:{'a' * 64}", platform=ARM)
    noted(fleet, on_arm, engine="berlin")
    noted(fleet, on_arm, engine="berlin")

    assert [one.also for one in releases(fleet)] == [(Twin(ARM, on_arm.fingerprint),)]
    assert releases(fleet)[0].fingerprint == release.fingerprint


def test_the_same_image_under_another_digest_is_no_other_release(fleet: Fleet) -> None:
    (first,) = releases(fleet)
    digest, since = f"sha256:{'b' * 64}", now()
    again = replace(
        first, id="again", fingerprint="", digest=digest, current_since=None, tag="live", tagged_since=since
    )
    save(fleet, again)
    image = image_of(fleet, "mirror-01-live")
    noted(fleet, replace(image, digests=(*image.digests, f"{REPOSITORY}@{again.digest}")))

    (left,) = releases(fleet)
    assert (left.id, left.first_seen, left.digest, left.tag) == (first.id, first.first_seen, again.digest, "live")
    assert (left.current_since, left.tagged_since) == (first.current_since, since)


def test_what_runs_is_told_beside_what_a_tag_decides(fleet: Fleet) -> None:
    with fleet.console.catalog.write() as books:
        source = next(one for one in books.environments.all() if one.application_id == "source")
        books.environments.save(replace(source, follows=TagRule("live")))
    fleet.publish("26.8.3", health_interval=0.02)
    refresh(fleet.console, fleet.jobs)

    assert [(one.version, one.tag) for one in releases(fleet)] == [("26.8.2", ""), ("26.8.3", "")]
    # The tag was never read: of no mirror anything is expected.
    assert {str(row.cells["live"].status) for row in survey(fleet.console).rows} == {"no release"}


@dataclass
class Forgetting:
    """The way to engines that haven't got an image any more."""

    engines: Any
    image_id: str

    def session(self, engine: Engine) -> Any:
        return _ForgettingSession(self.engines.session(engine), self.image_id)


@dataclass
class _ForgettingSession:
    session: Any
    image_id: str

    def image(self, image: str) -> Image | None:
        found: Image | None = self.session.image(image)
        return None if found is None or found.id == self.image_id else found

    def __getattr__(self, verb: str) -> Any:
        return getattr(self.session, verb)


def test_a_container_whose_image_is_gone_is_what_we_started_it_with(fleet: Fleet) -> None:
    (release,) = releases(fleet)
    mirror = fleet.environment(fleet.mirrors[0], "live")
    alpha = fleet.simulated.engines["alpha"]
    alpha.lose_container("mirror-01-live")
    other = fleet.simulated.registry.publish("shop/else", "1", "1", "1").index.images[0]
    labels = {"env": mirror.id, "to": release.fingerprint, "version": "26.8.2", "process": "web"}
    # The image was removed by force while the container was stopped.
    alpha.add_image("loaded:1", other)
    alpha.run("mirror-01-live", other.id, labels={f"io.mirrorconsole.{name}": value for name, value in labels.items()})
    way: Any = Forgetting(fleet.console.engines, other.id)
    refresh(replace(fleet.console, engines=way), fleet.jobs)
    cell = survey(fleet.console).row("mirror-01").cells["live"]

    assert cell.likeness is not None
    assert (cell.likeness.same, cell.likeness.words) == (True, "by our record")
    assert cell.running_title == "26.8.2"
    assert "Mirror 01" in [
        place.application for build in where(fleet.console, "26.8.2").builds for place in build.places
    ]


def test_where_a_build_runs_on_mirrors_and_sources_and_who_only_holds_it(fleet: Fleet) -> None:
    (release,) = releases(fleet)
    assert where(fleet.console, release.digest).sentence.endswith("runs in 5 environments on 2 engines.")
    for mirror in ("mirror-02-live", "mirror-04-live"):
        fleet.simulated.engines["berlin"].lose_container(mirror)
    refresh(fleet.console, fleet.jobs)
    found = where(fleet.console, "rev-26.8.2")
    assert found.sentence.endswith("runs in 3 environments on 1 engine; 1 other engine holds it without running it.")
    assert [one.engine for build in found.builds for one in build.holding] == ["berlin"]
    fleet.simulated.engines["alpha"].stop_container("mirror-01-live")
    refresh(fleet.console, fleet.jobs)
    assert "; 1 environment has it and is stopped; " in where(fleet.console, "26.8.2").sentence


def test_what_an_engine_has_no_more_is_no_longer_said_to_be_there(fleet: Fleet) -> None:
    (release,) = releases(fleet)
    berlin = fleet.simulated.engines["berlin"]
    for mirror in ("mirror-02-live", "mirror-04-live"):
        berlin.lose_container(mirror)
    refresh(fleet.console, fleet.jobs)
    assert [held.engine_id for held in held_of(fleet, release)] == ["alpha", "berlin"]

    with berlin.state.lock:
        berlin.state.images.remove(f"{REPOSITORY}:26.8.2", {}, force=True)
    assert berlin.state.images.everything() == []
    refresh(fleet.console, fleet.jobs)
    assert [held.engine_id for held in held_of(fleet, release)] == ["alpha"]
    assert where(fleet.console, "26.8.2").sentence.endswith("runs in 3 environments on 1 engine.")


def held_of(fleet: Fleet, release: Release) -> list[HeldImage]:
    with fleet.console.catalog.read() as books:
        return sorted(books.images.like(release.fingerprint), key=lambda held: held.engine_id)


def test_an_engine_that_does_not_tell_its_images_keeps_what_is_known_of_them(fleet: Fleet) -> None:
    (release,) = releases(fleet)
    for mirror in ("mirror-02-live", "mirror-04-live"):
        fleet.simulated.engines["berlin"].lose_container(mirror)
    way: Any = Unlisting(fleet.console.engines)
    refreshed = refresh(replace(fleet.console, engines=way), fleet.jobs)
    assert refreshed.failed == ()
    assert [held.engine_id for held in held_of(fleet, release)] == ["alpha", "berlin"]


@dataclass
class Unlisting:
    """The way to engines through a proxy that lets nobody list images."""

    engines: Any

    def session(self, engine: Engine) -> Any:
        return _UnlistingSession(self.engines.session(engine))


@dataclass
class _UnlistingSession:
    session: Any

    def images(self) -> list[object]:
        raise EngineError(FailureKind.PERMISSION, "berlin could not list its images: forbidden.")

    def __getattr__(self, verb: str) -> Any:
        return getattr(self.session, verb)


def test_of_several_processes_the_first_one_says_what_a_source_has(fleet: Fleet) -> None:
    (release,) = releases(fleet)
    with fleet.console.catalog.read() as books:
        source = books.environments.get("source-live")
    two = replace(source, processes=(*source.processes, Process("worker", "webshop-worker")))
    with fleet.console.catalog.write() as books:
        books.environments.save(two)
    alpha = fleet.simulated.engines["alpha"]
    alpha.add_image("else:1", fleet.simulated.registry.publish("shop/else", "1", "1", "1").index.images[0])
    alpha.run("webshop-worker", "else:1")
    refresh(fleet.console, fleet.jobs)
    with fleet.console.catalog.read() as books:
        assert {seen.process for seen in books.observations.of("source-live")} == {"web", "worker"}
    assert releases(fleet) == [release]


def test_a_thorough_look_finds_what_engines_hold_without_a_container(fleet: Fleet) -> None:
    fleet.publish("26.8.3", health_interval=0.02)
    fleet.simulated.engines["berlin"].pull(f"{REPOSITORY}:26.8.3", fleet.simulated.login)
    fleet.simulated.engines["berlin"].add_image(
        "else:1", fleet.simulated.registry.publish("shop/else", "1", "1", "1").index.images[0]
    )
    refresh(fleet.console, fleet.jobs)
    assert "holds it" not in where(fleet.console, "26.8.3").sentence
    refresh(fleet.console, fleet.jobs, inspect_all=True)
    assert where(fleet.console, "26.8.3").sentence.endswith("; 1 other engine holds it without running it.")
    assert {held.version for held in held_on(fleet, "berlin")} == {"26.8.2", "26.8.3"}, "and nothing of others"
