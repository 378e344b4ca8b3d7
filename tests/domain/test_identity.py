"""What is the same image: laws, platforms, and what can't be told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.alignment import Alignment, compare
from mirror_console.domain.expectation import Expected
from mirror_console.domain.identity import (
    DIFFERENT,
    DIFFERENT_BY_DIGEST,
    SAME,
    Likeness,
    Sureness,
    apart,
    identify,
    learned,
    release_of,
)
from mirror_console.domain.release import Release, Twin
from mirror_console.domain.status import Status
from mirror_console.domain.verdict import accessible, answer, cell_texts, verdict
from tests.domain.parts import NOW, RELEASES, SOURCE, cell, contact, held, observation, print_of, release

WANTED = RELEASES[-1]
ON_ARM = "linux/arm64"
ARM_PRINT = print_of("26.8.3 for arm")
KNOWN_ON_ARM = replace(WANTED, also=(Twin(ON_ARM, ARM_PRINT),))
DIGEST_ONLY = replace(WANTED, fingerprint="", version="", platform="")

PRINTS = st.sampled_from(["", print_of("26.8.3"), print_of("26.8.2"), ARM_PRINT])
PLATFORMS = st.sampled_from(["", "linux/amd64", ON_ARM])
DIGESTS = st.sampled_from(["", f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"])
RELEASED = st.builds(
    lambda print_, digest, platform, also: replace(
        WANTED, fingerprint=print_, digest=digest, platform=platform if print_ else "", also=also if print_ else ()
    ),
    PRINTS,
    DIGESTS,
    PLATFORMS,
    st.sampled_from([(), (Twin(ON_ARM, ARM_PRINT),)]),
)


@given(RELEASED, PRINTS, PRINTS, DIGESTS, PLATFORMS)
def test_different_digests_never_prove_a_difference(
    wanted: Release, found: str, recorded: str, digest: str, platform: str
) -> None:
    seen = observation(fingerprint=found, recorded=recorded)
    names = (f"{SOURCE.repository}@{digest}",) if digest else ()
    with_digest = identify(wanted.fingerprint, wanted, seen, held(platform=platform, digests=names))
    without = identify(wanted.fingerprint, wanted, seen, held(platform=platform, digests=()))

    # A digest can only add that it is the same; whatever else is said, is said without it too.
    if with_digest != without:
        assert digest == wanted.digest
        assert with_digest is SAME


@given(RELEASED, PRINTS, PRINTS, DIGESTS, PLATFORMS)
def test_what_is_said_is_said_with_its_reason(
    wanted: Release, found: str, recorded: str, digest: str, platform: str
) -> None:
    seen = observation(fingerprint=found, recorded=recorded)
    likeness = identify(wanted.fingerprint, wanted, seen, held(platform=platform, digests=(f"other@{digest}",)))

    assert (likeness.same is None) == (likeness.sureness is Sureness.UNKNOWN) == bool(likeness.why)
    if likeness.sureness is Sureness.RECORDED:
        assert recorded
        assert not found
    if likeness is DIFFERENT:
        assert found
        assert wanted.fingerprint
        assert found not in wanted.fingerprints


@given(RELEASED, PRINTS)
def test_a_release_that_learned_what_an_engine_holds_is_what_that_engine_runs(wanted: Release, found: str) -> None:
    if not found:
        return
    there = held(fingerprint=found, platform=ON_ARM)
    knows = learned(wanted, there)

    assert identify(knows.fingerprint, knows, observation(fingerprint=found), replace(there, digests=())) is SAME
    assert learned(knows, there) == knows
    assert set(wanted.fingerprints) <= set(knows.fingerprints)


@pytest.mark.parametrize(
    ("wanted", "running", "platform", "same"),
    [
        (WANTED, print_of("26.8.3"), "linux/amd64", True),
        (WANTED, print_of("26.8.2"), "linux/amd64", False),
        # Nothing is known of it on the other platform.
        (WANTED, ARM_PRINT, ON_ARM, None),
        (KNOWN_ON_ARM, ARM_PRINT, ON_ARM, True),
        (KNOWN_ON_ARM, print_of("other"), ON_ARM, False),
        (KNOWN_ON_ARM, print_of("26.8.2"), "linux/amd64", False),
        # From before platforms were noted.
        (WANTED, print_of("26.8.2"), "", False),
        (DIGEST_ONLY, print_of("26.8.3"), "linux/amd64", None),
    ],
)
def test_platforms(wanted: Release, running: str, platform: str, same: bool | None) -> None:
    seen = observation(fingerprint=running)

    assert identify(wanted.fingerprint, wanted, seen, held(platform=platform, digests=())).same is same


@pytest.mark.parametrize("wanted", [WANTED, KNOWN_ON_ARM, DIGEST_ONLY])
def test_a_digest_in_common_is_proof_in_whatever_repository_and_as_an_id(wanted: Release) -> None:
    seen = observation(fingerprint=print_of("anything"))
    mirrored = held(platform="linux/riscv64", digests=(f"mirror.example/cache/webshop@{wanted.digest}",))

    assert identify(wanted.fingerprint, wanted, seen, mirrored) is SAME
    assert identify(wanted.fingerprint, wanted, replace(seen, image_id=wanted.digest)) is SAME


def test_a_hold_on_an_image_that_was_never_a_release_means_just_that_image() -> None:
    assert identify(print_of("own"), None, observation("own")) is SAME
    assert identify(print_of("own"), None, observation("26.8.3"), held(platform=ON_ARM)) is DIFFERENT


def test_a_release_is_known_by_its_twin_and_two_are_apart_only_where_one_platform_says_so() -> None:
    on_arm = observation(fingerprint=ARM_PRINT)
    releases = [*RELEASES[:-1], KNOWN_ON_ARM]

    assert release_of(releases, on_arm) == KNOWN_ON_ARM
    assert release_of(RELEASES, on_arm) is None
    assert apart(RELEASES[0], RELEASES[1])
    assert not apart(RELEASES[0], RELEASES[0])
    assert not apart(RELEASES[0], DIGEST_ONLY)
    assert not apart(RELEASES[0], replace(RELEASES[1], platform=ON_ARM))


def test_what_runs_on_another_platform_is_behind_by_its_own_release() -> None:
    older = replace(RELEASES[0], also=(Twin(ON_ARM, ARM_PRINT),))
    releases = [older, *RELEASES[1:]]
    expected = Expected(WANTED.fingerprint, WANTED, WANTED.title, "because")
    compared = compare(expected, observation(fingerprint=ARM_PRINT), releases, held=held(platform=ON_ARM, digests=()))

    assert (compared.alignment, compared.behind, compared.likeness) == (Alignment.BEHIND, 3, DIFFERENT)


def test_a_release_that_is_only_a_digest_yet_is_told_apart_by_the_digests_that_a_registry_has() -> None:
    newest = release("", 30, fingerprint="", id="newest", digest=f"sha256:{'9' * 64}")
    expected = Expected("", newest, newest.title, "because")
    compared = compare(expected, observation("26.8.2"), [*RELEASES, newest], held=held())
    assert (compared.alignment, compared.behind, compared.likeness) == (Alignment.BEHIND, 2, DIFFERENT_BY_DIGEST)
    shown = cell(observation("26.8.2"), reached=contact(), expected=expected, releases=[*RELEASES, newest])
    assert "Of 999999999999 no more than the digest is known" in verdict(shown, NOW)
    # What has that digest is the one, whatever else it is called.
    there = held(digests=(f"{SOURCE.repository}@{newest.digest}",))
    assert compare(expected, observation("26.8.2"), [*RELEASES, newest], held=there).alignment is Alignment.ALIGNED


def test_a_release_that_is_only_a_digest_yet_leaves_open_whether_it_is_behind() -> None:
    """Where the registry's digest of what runs isn't known: it may be that one."""
    newest = release("", 30, fingerprint="", id="newest", digest=f"sha256:{'9' * 64}")
    expected = Expected("", newest, newest.title, "because")
    unknown = [replace(one, digest="") for one in RELEASES]
    compared = compare(expected, observation(), [*unknown, newest], held=held())

    assert compared.alignment is Alignment.UNKNOWN
    assert compared.likeness is not None
    assert compared.likeness.words.startswith("can't be told: of the release only its digest is known")
    assert newest.title == "9" * 12


# --- in words ------------------------------------------------------------------------------------------------------


def test_what_is_known_by_our_record_alone_is_said_so() -> None:
    gone = observation(fingerprint="", recorded=print_of("26.8.3"))
    shown = cell(gone, reached=contact())

    assert shown.status is Status.ALIGNED
    assert shown.likeness == Likeness(True, Sureness.RECORDED)
    assert cell_texts(shown, NOW) == ("26.8.3", "by our record")
    assert "It runs 26.8.3 (by our record: its image can't be read any more) since 30 Aug." in verdict(shown, NOW)
    assert "runs 26.8.3 by our record (current)" in answer(shown, NOW)
    assert "running 26.8.3 by our record" in accessible(shown, NOW)


def test_what_was_started_with_an_older_one_is_behind_by_our_record() -> None:
    gone = observation(fingerprint="", version="26.8.2", recorded=print_of("26.8.2"))
    shown = cell(gone, reached=contact())

    assert (shown.status, shown.behind) == (Status.BEHIND, 1)
    assert shown.likeness == Likeness(False, Sureness.RECORDED)
    assert "26.8.2 (by our record" in verdict(shown, NOW)


def test_what_can_not_be_told_is_neither_fine_nor_outdated() -> None:
    on_arm = observation(fingerprint=ARM_PRINT, version="26.8.3")
    shown = cell(on_arm, reached=contact(), on_engine=held(platform=ON_ARM, digests=(), fingerprint=ARM_PRINT))

    assert shown.status is Status.NOT_CHECKED
    assert cell_texts(shown, NOW) == ("26.8.3", "can't be told")
    why = "on linux/arm64 no engine was seen to hold the release under its digest"
    assert f"Live could not be judged: {why}. It runs 26.8.3" in verdict(shown, NOW)
    assert f"whether that is 26.8.3 can't be told: {why}" in answer(shown, NOW)
    assert why in accessible(shown, NOW)


def test_the_same_release_on_two_platforms_is_not_told_apart_by_its_fingerprints() -> None:
    on_arm = observation(fingerprint=ARM_PRINT, version="26.8.3")
    shown = cell(on_arm, reached=contact(), releases=[*RELEASES[:-1], KNOWN_ON_ARM])

    assert shown.status is Status.ALIGNED
    assert "It runs 26.8.3 since" in verdict(shown, NOW)
