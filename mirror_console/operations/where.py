"""Where: which environments run a build and which engines hold it, as far as the catalog knows. No engine is asked."""

from __future__ import annotations

from collections import defaultdict

from mirror_console.domain.held import HeldImage
from mirror_console.domain.observation import State
from mirror_console.domain.where import Place, Whereabouts, find, names_of
from mirror_console.operations.access import reach
from mirror_console.operations.console import Console


def where(console: Console, asked: str) -> Whereabouts:
    """Where everything runs that goes by a digest, a tag, a revision, a version, an image's id or a fingerprint.

    Of mirrors and sources, and of engines that hold it without running it. What an account has no access to isn't told.
    """
    with console.catalog.read() as books:
        applications = {one.id: one for one in books.applications.all()}
        environments = {one.id: one for one in books.environments.all()}
        engines = {one.id: one.name for one in books.engines.all()}
        tell = reach(books).of
        observations, images, releases = books.observations.all(), books.images.all(), books.releases.all()
    places: dict[str, dict[str, Place]] = defaultdict(dict)
    runs: dict[tuple[str, str], tuple[str, ...]] = defaultdict(tuple)
    for seen in observations:
        environment = environments.get(seen.environment_id)
        found = seen.fingerprint or seen.recorded
        if environment is None or not found:
            continue
        application = applications[environment.application_id]
        if not tell(environment.engine_id, application.account)[1]:
            continue
        # An environment counts once, however many of its processes run the image.
        before = places[found].get(environment.id)
        runs[found, environment.id] = several = (*runs[found, environment.id], seen.process)
        places[found][environment.id] = Place(
            application.name,
            environment.name,
            application.is_mirror,
            engines.get(seen.engine_id, ""),
            seen.state in {State.RUNNING, State.RESTARTING} or (before is not None and before.running),
            seen.at,
            several if len(several) < len(environment.processes) else (),
        )
    holding: dict[str, list[tuple[str, HeldImage]]] = defaultdict(list)
    for image in images:
        holding[image.fingerprint].append((engines[image.engine_id], image))
    there = {found: list(several.values()) for found, several in places.items()}
    return find(asked, names_of(images, releases), there, holding, releases)
