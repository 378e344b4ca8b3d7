"""The verbs for images of the contract: what an engine lists, gives away, takes in, names and removes."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from mirror_console.domain.image import VERSION_LABEL
from mirror_console.domain.request import Loaded, PullProgress
from mirror_console.errors import EngineError, FailureKind
from tests.contract.stage import Stage, now

NOWHERE = "0" * 64
PIECE = 64 * 1024


def _refusal(call: Callable[..., object], *arguments: object) -> EngineError:
    with pytest.raises(EngineError) as caught:
        call(*arguments)
    assert caught.value.title
    assert caught.value.hint
    return caught.value


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
        refusal = _refusal(stage.session.remove_image, name)
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
    assert _refusal(stage.session.remove_image, image.id).kind is FailureKind.CONFLICT
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
        refusal = _refusal(_load, stage, archive)
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
        refusal = _refusal(loading.finish, lambda _: None)
    assert refusal.title.endswith("was broken off.")
    assert stage.session.image(reference) is None
    del stage.made[next(key for key, value in stage.made.items() if value == reference)]


def test_what_is_not_there_is_not_given_away(stage: Stage) -> None:
    for missing in (f"{stage.shelf.registry}/contract/none:1", f"sha256:{NOWHERE}"):
        assert _refusal(_saved, stage, missing).kind is FailureKind.IMAGE_NOT_FOUND
        stage.session.remove_image(missing)
    assert _refusal(stage.session.tag, f"sha256:{NOWHERE}", "other/name:1").kind is FailureKind.IMAGE_NOT_FOUND


@pytest.mark.parametrize("reference", ["UPPER/x:1", "a b", "../../info", ""])
def test_what_names_no_image_is_refused(stage: Stage, reference: str) -> None:
    assert _refusal(_saved, stage, reference).kind is FailureKind.REJECTED
    assert _refusal(stage.session.remove_image, reference).kind is FailureKind.REJECTED
    assert _refusal(stage.session.tag, f"sha256:{NOWHERE}", reference).kind is FailureKind.REJECTED
    assert _refusal(stage.session.tag, reference, "other/name:1").kind is FailureKind.REJECTED


def test_giving_away_is_ended_from_another_thread(stage: Stage) -> None:
    reference = stage.image()
    with stage.session.save(reference) as saving, ThreadPoolExecutor(1) as threads:
        pieces = iter(saving)
        next(pieces)
        threads.submit(saving.close).result(5.0)
        refusal = _refusal(list, pieces)
    assert refusal.title.endswith("was broken off.")
    assert stage.session.image(reference) is not None


def _broken_archive() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        entry = tarfile.TarInfo("readme.txt")
        entry.size = 200_000
        archive.addfile(entry, io.BytesIO(b"x" * 200_000))
    return target.getvalue()
