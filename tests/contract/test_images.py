"""The verbs for images of the contract: what an engine knows, pulls, lists, gives away, takes in, names and removes."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from mirror_console.domain.image import VERSION_LABEL
from mirror_console.domain.request import Loaded, PullProgress
from mirror_console.domain.secret import Secret
from mirror_console.errors import FailureKind
from tests.contract.stage import NOWHERE, Stage, now, refused

PIECE = 64 * 1024


def _saved(stage: Stage, image: str) -> bytes:
    with stage.session.save(image) as saving:
        return b"".join(saving)


def _load(stage: Stage, pieces: Iterable[bytes], report: Callable[[PullProgress], None] = lambda _: None) -> Loaded:
    with stage.session.load() as loading:
        for piece in pieces:
            loading.send(piece)
        return loading.finish(report)


def _in_pieces(archive: bytes) -> list[bytes]:
    return [archive[at : at + PIECE] for at in range(0, len(archive), PIECE)]


def test_images_are_listed(stage: Stage) -> None:
    references = {stage.image("26.1.0"), stage.image("26.2.0")}
    listed = {tag: item for item in stage.session.images() for tag in item.tags}
    assert listed.keys() >= references
    for reference in references:
        seen, item = stage.session.image(reference), listed[reference]
        assert seen is not None
        assert (item.id.removeprefix("sha256:"), item.size) == (seen.id.removeprefix("sha256:"), seen.size)
        assert item.labels[VERSION_LABEL] == seen.version
        assert item.created is not None
        assert item.created < now() + timedelta(minutes=1)
        assert all("<none>" not in name for name in item.tags + item.digests)


def test_an_image_that_was_given_away_is_the_same_when_it_is_taken_in(stage: Stage) -> None:
    reference = stage.image("26.8.0")
    image = stage.session.image(reference)
    assert image is not None
    archive = _saved(stage, image.id)
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        assert "manifest.json" in opened.getnames()
    stage.session.remove_image(reference)
    assert stage.session.image(image.id) is None
    stage.session.remove_image(reference)
    stage.session.remove_image(image.id)
    told: list[PullProgress] = []
    loaded = _load(stage, _in_pieces(archive), told.append)
    assert all(0 <= progress.done <= progress.total for progress in told)
    (taken,) = loaded.images
    back = stage.session.image(taken)
    assert back is not None
    assert back.fingerprint == image.fingerprint
    assert back.tags == ()
    assert [item.tags for item in stage.session.images() if item.id == back.id] == [()]
    # Named again, it can be looked up by its name, and is gone with it.
    stage.session.tag(back.id, reference)
    named = stage.session.image(reference)
    assert named is not None
    assert (named.id, named.tags) == (back.id, (reference,))
    assert stage.session.image(_load(stage, [_saved(stage, reference)]).references[0]) == named
    stage.session.remove_image(reference)
    assert stage.session.image(back.id) is None


def test_an_image_in_use_is_not_removed(stage: Stage) -> None:
    reference = stage.image("26.9.0")
    image = stage.session.image(reference)
    assert image is not None
    made = stage.create(image=reference)
    for name in (reference, image.id):
        refusal = refused(stage.session.remove_image, name)
        assert refusal.kind is FailureKind.CONFLICT
        assert refusal.hint.startswith("It stays as long as a container")
    assert stage.session.image(reference) == image
    stage.session.remove(made)
    stage.session.remove_image(reference)
    assert stage.session.image(image.id) is None
    del stage.made[next(key for key, value in stage.made.items() if value == reference)]


def test_one_with_two_names_loses_one_at_a_time(stage: Stage) -> None:
    reference = stage.image("26.10.0")
    image = stage.session.image(reference)
    assert image is not None
    stage.session.tag(image.id, "other/name:1")
    assert refused(stage.session.remove_image, image.id).kind is FailureKind.CONFLICT
    stage.session.remove_image(reference)
    assert stage.session.image(image.id) is not None
    assert stage.session.image(reference) is None
    second = stage.session.image(stage.image("26.11.0"))
    assert second is not None
    stage.session.tag(second.id, "other/name:1")
    moved = stage.session.image("other/name:1")
    assert moved is not None
    assert moved.id == second.id
    stage.session.remove_image("other/name:1")


def test_what_is_no_image_is_not_taken_in(stage: Stage) -> None:
    before = {item.id for item in stage.session.images()}
    for archive in ([b"not an archive at all" * 4000], _in_pieces(_broken_archive())):
        refusal = refused(_load, stage, archive)
        assert refusal.kind is FailureKind.REJECTED
        assert "could not take the image in" in refusal.title
    assert {item.id for item in stage.session.images()} == before


def test_an_archive_that_ends_early_is_not_taken_in(stage: Stage) -> None:
    reference = stage.image("26.12.0")
    archive = _saved(stage, reference)
    stage.session.remove_image(reference)
    with stage.session.load() as loading:
        loading.send(archive[: len(archive) // 2])
    with stage.session.load() as loading:
        loading.send(archive[: len(archive) // 2])
        loading.close()
        refusal = refused(loading.finish, lambda _: None)
    assert refusal.title.endswith("was broken off.")
    assert stage.session.image(reference) is None
    del stage.made[next(key for key, value in stage.made.items() if value == reference)]


def test_what_is_not_there_is_not_given_away(stage: Stage) -> None:
    for missing in (f"{stage.shelf.registry}/contract/none:1", f"sha256:{NOWHERE}"):
        assert refused(_saved, stage, missing).kind is FailureKind.IMAGE_NOT_FOUND
        stage.session.remove_image(missing)
    assert refused(stage.session.tag, f"sha256:{NOWHERE}", "other/name:1").kind is FailureKind.IMAGE_NOT_FOUND


@pytest.mark.parametrize("reference", ["UPPER/x:1", "a b", "../../info", ""])
def test_what_names_no_image_is_refused(stage: Stage, reference: str) -> None:
    assert refused(_saved, stage, reference).kind is FailureKind.REJECTED
    assert refused(stage.session.remove_image, reference).kind is FailureKind.REJECTED
    assert refused(stage.session.tag, f"sha256:{NOWHERE}", reference).kind is FailureKind.REJECTED
    assert refused(stage.session.tag, reference, "other/name:1").kind is FailureKind.REJECTED


def test_giving_away_is_ended_from_another_thread(stage: Stage) -> None:
    reference = stage.image()
    with stage.session.save(reference) as saving, ThreadPoolExecutor(1) as threads:
        pieces = iter(saving)
        next(pieces)
        threads.submit(saving.close).result(5.0)
        refusal = refused(list, pieces)
    assert refusal.title.endswith("was broken off.")
    assert stage.session.image(reference) is not None


def _broken_archive() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        entry = tarfile.TarInfo("readme.txt")
        entry.size = 200_000
        archive.addfile(entry, io.BytesIO(b"x" * 200_000))
    return target.getvalue()


def test_an_image_by_reference_and_by_id(stage: Stage) -> None:
    image = stage.session.image(stage.image("26.1.0", check_every=0.2))
    assert image is not None
    assert image.version == "26.1.0"
    assert image.revision
    assert image.platform == stage.session.facts().platform
    assert image.has_health_check
    assert image.fingerprint.startswith("fp1:")
    assert image.size
    assert stage.session.image(image.id) == image
    assert stage.session.image(f"{stage.shelf.registry}/contract/none:1") is None
    assert stage.session.image(f"sha256:{NOWHERE}") is None


def test_two_releases_have_two_fingerprints(stage: Stage) -> None:
    first, second = stage.session.image(stage.image("26.1.0")), stage.session.image(stage.image("26.2.0"))
    assert first is not None
    assert second is not None
    assert first.fingerprint != second.fingerprint


@pytest.mark.parametrize("reference", ["UPPER/x:1", "a b", "../../info", ""])
def test_what_is_no_reference_is_refused(stage: Stage, reference: str) -> None:
    assert refused(stage.session.image, reference).kind is FailureKind.REJECTED
    assert refused(stage.session.resolve, reference, None).kind is FailureKind.REJECTED
    assert refused(stage.session.pull, reference, None, print, bool).kind is FailureKind.REJECTED


def test_pull_with_the_password(stage: Stage) -> None:
    reference = stage.published("26.3.0")
    assert stage.session.image(reference) is None
    digest = stage.session.resolve(reference, stage.login).digest
    pinned = f"{reference.rpartition(':')[0]}@{digest}"
    progress: list[PullProgress] = []
    stage.session.pull(pinned, stage.login, progress.append, lambda: False)
    assert progress[-1].done == progress[-1].total
    image = stage.session.image(pinned)
    assert image is not None
    assert image.version == "26.3.0"
    assert image.digest_in(reference.rpartition(":")[0]) == digest
    stage.session.pull(pinned, stage.login, progress.append, lambda: False)


def test_resolve_tells_digest_and_platforms(stage: Stage) -> None:
    resolved = stage.session.resolve(stage.published("26.4.0"), stage.login)
    assert resolved.digest.startswith("sha256:")
    assert stage.session.facts().platform in resolved.platforms


@pytest.mark.parametrize("password", ["wrong", None])
def test_without_the_right_password_nothing_is_told_or_pulled(stage: Stage, password: str | None) -> None:
    reference = stage.published("26.5.0")
    login = replace(stage.login, password=Secret(password)) if password else None
    assert refused(stage.session.resolve, reference, login).kind is FailureKind.REGISTRY_SIGN_IN
    assert refused(stage.session.pull, reference, login, print, bool).kind is FailureKind.REGISTRY_SIGN_IN
    assert stage.session.image(reference) is None


def test_what_the_registry_has_not(stage: Stage) -> None:
    repository = stage.published("26.6.0").rpartition(":")[0]
    for missing in (f"{repository}:nosuch", f"{repository}@sha256:{NOWHERE}"):
        assert refused(stage.session.pull, missing, stage.login, print, bool).kind is FailureKind.IMAGE_NOT_FOUND
        assert refused(stage.session.resolve, missing, stage.login).kind is FailureKind.IMAGE_NOT_FOUND


def test_a_pull_that_is_stopped_ends_early(stage: Stage) -> None:
    reference = stage.published("26.7.0")
    progress: list[PullProgress] = []
    stage.session.pull(reference, stage.login, progress.append, lambda: bool(progress))
    assert len(progress) == 1
    assert stage.session.list_containers() == []
