"""What is the same image, as three kinds of engine tell it: one image in every guise, and the next release."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import product
from typing import Any

import pytest

from mirror_console.domain.alignment import Alignment, compare
from mirror_console.domain.expectation import Expected
from mirror_console.domain.held import HeldImage
from mirror_console.domain.identity import Sureness, identify, is_image
from mirror_console.domain.image import DIGEST, Image
from mirror_console.domain.observation import Container, Observation
from mirror_console.domain.release import Release
from mirror_console.engine import translate
from tests.engine.recorded import ENGINES, recorded

AT = datetime(2026, 11, 20, 22, 40, tzinfo=UTC)
REPOSITORY = "127.0.0.1:5055/shop/app14172"
FIRST = (
    "image-pulled-by-tag-of-index",
    "image-by-index-digest",
    "image-by-platform-digest",
    "image-pulled-by-tag-of-manifest",
    "image-of-container-whose-tag-moved",
    "image-loaded",
    "image-loaded-and-retagged",
)
"""Guises of release 1."""
SECOND = "image-after-tag-moved"

every_engine = pytest.mark.parametrize("engine", ENGINES)
every_other = pytest.mark.parametrize("other", ENGINES)


@cache
def image(engine: str, case: str) -> Image:
    return translate.image(*translate.parse_image(recorded(engine, case).body))


def running(engine: str, case: str) -> tuple[Observation, HeldImage]:
    """What is seen of a container of an image: named by its tag where it has one, else by its id."""
    found = image(engine, case)
    return _seen(engine, found, found.tags[0] if found.tags else found.id)


def _seen(engine: str, found: Image, named: str) -> tuple[Observation, HeldImage]:
    seen = Observation(
        "mirror-live", "web", engine, AT, "c" * 64, "mirror-live", named, found.id, found.fingerprint, found.version
    )
    held = HeldImage(engine, found.id, found.fingerprint, found.platform, AT, found.tags, found.digests, found.version)
    return seen, held


def container(engine: str, case: str) -> tuple[Container, Observation, HeldImage]:
    """A recorded container, and what is seen of it: its image is one of those that were recorded."""
    told = translate.container(translate.parse_container(recorded(engine, case).body), None)
    images = [image(engine, one) for one in (*FIRST, SECOND)]
    found = next(one for one in images if one.id == told.image_id)
    return told, *_seen(engine, found, told.image)


def release(engine: str, case: str, **more: Any) -> Release:
    """A release that was seen running on an engine, in one of its guises."""
    found = image(engine, case)
    made = Release(
        f"{engine} {case}", "source-live", found.fingerprint, REPOSITORY, found.digest_in(REPOSITORY), AT, AT,
        found.version, found.revision, found.size, found.platform,
    )  # fmt: skip
    return replace(made, **more)


def digests_of(case: str) -> set[str]:
    """All digests under which any engine knows it."""
    names = {name for engine in ENGINES for name in (*image(engine, case).digests, image(engine, case).id)}
    return {name.rpartition("@")[2] for name in names}


@every_engine
def test_one_image_is_the_same_in_every_guise_on_every_engine(engine: str) -> None:
    for other, expected, guise in product(ENGINES, FIRST, FIRST):
        wanted = release(other, expected)
        likeness = identify(wanted.fingerprint, wanted, *running(engine, guise))

        assert (likeness.same, likeness.sureness) == (True, Sureness.PROVED), (other, expected, guise)


@every_engine
def test_the_next_release_is_another_one_and_that_is_proved_both_ways(engine: str) -> None:
    for other, guise in product(ENGINES, FIRST):
        first, second = release(other, guise), release(other, SECOND)
        update = identify(second.fingerprint, second, *running(engine, guise))
        downgrade = identify(first.fingerprint, first, *running(engine, SECOND))

        for likeness in (update, downgrade):
            assert (likeness.same, likeness.sureness) == (False, Sureness.PROVED), (other, guise)


@every_engine
def test_the_container_of_a_loaded_image_runs_release_one_and_the_one_made_by_digest_runs_two(engine: str) -> None:
    truth = {
        "container-of-loaded-image": "image-loaded",
        "container-created-by-digest": SECOND,
        "container-healthy": "image-of-container-whose-tag-moved",
    }
    for case, right in truth.items():
        _, seen, held = container(engine, case)
        for wanted in (release(ENGINES[0], "image-loaded"), release(ENGINES[0], SECOND)):
            same = identify(wanted.fingerprint, wanted, seen, held).same
            assert same is (wanted.fingerprint == image(engine, right).fingerprint), case


@every_engine
@pytest.mark.parametrize("guise", [*FIRST, SECOND])
def test_a_release_of_which_only_a_digest_is_known_is_found_by_it_and_never_called_another(
    engine: str, guise: str
) -> None:
    told = set()
    for digest in digests_of("image-pulled-by-tag-of-index") | digests_of("image-by-platform-digest"):
        likeness = identify("", release(engine, FIRST[0], fingerprint="", digest=digest), *running(engine, guise))
        assert likeness.same is not False
        if likeness.same is None:
            assert "only its digest is known" in likeness.words
        told.add(likeness.same)
    assert (True in told) == (guise != SECOND and digest_in_common(engine, guise))


def digest_in_common(engine: str, guise: str) -> bool:
    found = image(engine, guise)
    own = {name.rpartition("@")[2] for name in (*found.digests, found.id)}
    return bool(own & (digests_of("image-pulled-by-tag-of-index") | digests_of("image-by-platform-digest")))


def test_right_after_an_update_the_digests_differ_and_it_is_aligned_all_the_same() -> None:
    # What a registry says of the tag is the digest of the index. What the engine says of the image that was pulled by
    # the digest of its platform is another; and on a store that keeps manifests the id is a third.
    outdated = []
    for engine in ENGINES:
        index = image(engine, "image-pulled-by-tag-of-index").digest_in(REPOSITORY)
        for guise in FIRST:
            seen, held = running(engine, guise)
            own = {name.rpartition("@")[2] for name in held.digests}
            if index not in own and held.id != index:
                outdated.append((engine, guise))
            wanted = release(engine, "image-pulled-by-tag-of-index", digest=index)
            expected = Expected(wanted.fingerprint, wanted, wanted.title, "because")
            compared = compare(expected, seen, [wanted], (), held)
            assert compared.alignment is Alignment.ALIGNED
    assert {engine for engine, _ in outdated} == set(ENGINES), "comparing digests fails on every kind of engine"


@every_engine
@every_other
def test_what_arrives_on_an_engine_is_proved_by_fingerprint_or_digest(engine: str, other: str) -> None:
    for guise in FIRST:
        arrived = image(engine, guise)
        assert is_image(image(other, FIRST[0]).fingerprint, "", arrived)
        assert not is_image(image(other, SECOND).fingerprint, image(other, SECOND).id, arrived)
        assert all(is_image("", digest.rpartition("@")[2], arrived) for digest in arrived.digests)
    assert not is_image("", "", image(engine, SECOND))


@every_engine
def test_the_record_on_the_container_tells_where_the_image_is_gone(engine: str) -> None:
    _, seen, _ = container(engine, "container-of-loaded-image")
    first, second = release(engine, "image-loaded", digest=""), release(engine, SECOND)
    gone = replace(seen, fingerprint="", version="")
    assert identify(first.fingerprint, first, gone).words == "can't be told: its image could not be read"
    for wanted in (first, second):
        by_record = identify(wanted.fingerprint, wanted, replace(gone, recorded=first.fingerprint))
        assert (by_record.same, by_record.words) == (wanted is first, "by our record")


@every_engine
def test_a_container_that_was_made_by_a_digest_is_known_by_its_name_when_the_image_is_gone(engine: str) -> None:
    told, seen, _ = container(engine, "container-created-by-digest")
    gone = replace(seen, fingerprint="", image_id="sha256:" + "0" * 64)
    named = told.image.rpartition("@")[2]
    assert DIGEST.fullmatch(named)
    wanted = release(engine, SECOND, digest=named)
    assert identify(wanted.fingerprint, wanted, gone).same is True
    with_tag = replace(gone, image=f"{REPOSITORY}:26.1.1@{named}")
    assert identify(wanted.fingerprint, wanted, with_tag).same is True
