"""What should run, against what runs: identity is the fingerprint, and old knowledge is never fine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.alignment import Alignment, DriftKind, compare
from mirror_console.domain.application import Application, ImageSource
from mirror_console.domain.cell import Cell, Verdict
from mirror_console.domain.environment import Environment, Hold
from mirror_console.domain.expectation import Expected, NoExpectation, expect
from mirror_console.domain.observation import Difference, Health, State
from mirror_console.domain.release import Release
from mirror_console.domain.status import ATTENTION, SEVERITY, Activity, Knowledge, Status, health_of, knowledge, status
from mirror_console.errors import FailureKind
from tests.domain.parts import (
    NOW,
    RELEASES,
    SOURCE,
    SOURCE_LIVE,
    cell,
    contact,
    environment,
    held,
    mirror,
    nothing_there,
    observation,
    print_of,
    release,
)

SOURCE_TEST = environment("test", "source")
ON_TEST = release("27.0.0", 30, of="source-test")
SOURCES = [SOURCE_LIVE, SOURCE_TEST]
EVERY = [*RELEASES, ON_TEST]
WANTED = Expected(print_of("26.8.3"), RELEASES[-1], "26.8.3", "because")
HOLD = Hold(print_of("26.8.2"), "26.8.2", "campaign", "operator", NOW, NOW + timedelta(days=9))


# --- what is expected ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "name", "title"),
    [
        (ImageSource.ALWAYS_LIVE, "live", "26.8.3"),
        (ImageSource.ALWAYS_LIVE, "test", "26.8.3"),
        (ImageSource.ALWAYS_LIVE, "anything", "26.8.3"),
        (ImageSource.MATCHING, "live", "26.8.3"),
        (ImageSource.MATCHING, "test", "27.0.0"),
    ],
)
def test_the_image_source_says_which_environment_is_followed(source: ImageSource, name: str, title: str) -> None:
    wanted = expect(mirror(image_source=source), environment(name), SOURCES, EVERY, NOW)

    assert isinstance(wanted, Expected)
    assert wanted.title == title
    assert wanted.release is not None
    assert wanted.fingerprint == wanted.release.fingerprint
    assert wanted.since == wanted.release.current_since
    assert str(source) in wanted.why


def test_where_nothing_is_expected_the_reason_is_told() -> None:
    matching, always = mirror(image_source=ImageSource.MATCHING), mirror()

    def why(
        application: Application, here: Environment, sources: list[Environment], releases: Sequence[Release]
    ) -> str:
        wanted = expect(application, here, sources, releases, NOW)
        assert isinstance(wanted, NoExpectation)
        return wanted.why

    assert why(matching, environment("qa"), SOURCES, EVERY) == "the source has no environment 'qa'"
    assert why(always, environment("qa"), [SOURCE_TEST], EVERY) == "the source has no environment 'live'"
    assert why(matching, environment("test"), SOURCES, RELEASES) == "the source's test never had an image"
    assert why(always, environment("live"), SOURCES, [ON_TEST]) == "the source's live never had an image"
    assert "watched" in why(SOURCE, SOURCE_LIVE, SOURCES, EVERY)


def test_a_source_that_went_back_is_followed() -> None:
    back = replace(RELEASES[1], current_since=datetime(2026, 9, 1, tzinfo=UTC))
    wanted = expect(mirror(), environment(), SOURCES, [RELEASES[0], back, *RELEASES[2:]], NOW)

    assert isinstance(wanted, Expected)
    assert wanted.title == "26.7.9"


def test_a_hold_outranks_the_image_source_until_its_end() -> None:
    kept = environment(hold=HOLD)
    wanted = expect(mirror(), kept, SOURCES, EVERY, NOW)
    assert isinstance(wanted, Expected)
    assert (wanted.title, wanted.why) == ("26.8.2", "held until 30 Sep: campaign")
    # Its release is known, so that a held environment can be brought to it.
    assert wanted.release == RELEASES[2]

    assert isinstance(expect(mirror(), kept, [], [], NOW), Expected)
    after = expect(mirror(), kept, SOURCES, EVERY, NOW + timedelta(days=9))
    assert isinstance(after, Expected)
    assert after.title == "26.8.3"


def test_a_hold_on_an_image_that_was_never_a_release_is_expected_all_the_same() -> None:
    hold = replace(HOLD, fingerprint=print_of("own"), version="", until=None)
    wanted = expect(mirror(), environment(hold=hold), SOURCES, EVERY, NOW)

    assert wanted == Expected(print_of("own"), None, print_of("own")[4:16], "held: campaign")


# --- compared ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "alignment", "behind", "drift"),
    [
        (None, Alignment.UNKNOWN, None, None),
        (nothing_there(), Alignment.MISSING, None, None),
        (observation(fingerprint=""), Alignment.UNKNOWN, None, None),
        (observation("26.8.3"), Alignment.ALIGNED, 0, None),
        (observation("26.8.2"), Alignment.BEHIND, 1, None),
        (observation("26.7.4"), Alignment.BEHIND, 3, None),
        (observation(differences=(Difference("ports", "a", "b"),)), Alignment.DRIFTED, None, DriftKind.SETTINGS),
        (observation("26.8.9"), Alignment.DRIFTED, None, DriftKind.UNKNOWN_RELEASE),
        (observation("26.8.9", version="26.8.3"), Alignment.DRIFTED, None, DriftKind.DIGEST),
        (observation("9", image="other.example/blog:9"), Alignment.DRIFTED, None, DriftKind.FOREIGN),
        (observation("9", image="other.example:5000/blog"), Alignment.DRIFTED, None, DriftKind.FOREIGN),
        (observation("9", image=SOURCE.repository), Alignment.DRIFTED, None, DriftKind.UNKNOWN_RELEASE),
        (observation("9", image=f"{SOURCE.repository}@sha256:1"), Alignment.DRIFTED, None, DriftKind.UNKNOWN_RELEASE),
        (observation("9", image="sha256:" + "1" * 64), Alignment.DRIFTED, None, DriftKind.UNKNOWN_RELEASE),
    ],
)
def test_observed_against_expected(
    seen: Any, alignment: Alignment, behind: int | None, drift: DriftKind | None
) -> None:
    compared = compare(WANTED, seen, RELEASES)

    assert (compared.alignment, compared.behind, compared.drift) == (alignment, behind, drift)


def test_what_is_newer_than_expected_is_ahead() -> None:
    older = Expected(print_of("26.7.9"), RELEASES[1], "26.7.9", "because")

    compared = compare(older, observation("26.8.3"), RELEASES)

    assert (compared.alignment, compared.behind) == (Alignment.AHEAD, -2)


def test_a_repository_on_a_registry_with_a_port_is_not_foreign() -> None:
    repository = "registry.example:5000/shop/webshop"
    wanted = replace(WANTED, release=release("26.8.3", 28, repository=repository))

    for image in (repository, f"{repository}:9", f"{repository}@sha256:1"):
        assert compare(wanted, observation("9", image=image), RELEASES).drift is DriftKind.UNKNOWN_RELEASE


def test_nothing_expected_is_never_compared() -> None:
    for seen in (observation(), nothing_there(), observation("9", image="foreign")):
        assert compare(NoExpectation("why"), seen, RELEASES).alignment is Alignment.NO_RELEASE


@given(
    image=st.sampled_from(["", "other:1", f"{SOURCE.repository}:live", f"{SOURCE.repository}@sha256:0"]),
    image_id=st.text(max_size=8),
    version=st.sampled_from(["", "26.7.4", "latest"]),
)
def test_identity_is_the_fingerprint_whatever_names_tags_and_versions_say(
    image: str, image_id: str, version: str
) -> None:
    told: dict[str, Any] = {"image": image, "image_id": image_id, "version": version}

    assert compare(WANTED, observation("26.8.3", **told), RELEASES).alignment is Alignment.ALIGNED
    named_so: dict[str, Any] = {
        "image": f"{SOURCE.repository}:26.8.3",
        "version": "26.8.3",
        "image_id": RELEASES[-1].digest,
    }
    for other in ("26.8.2", "26.8.9"):
        seen = observation(other, **named_so)
        assert compare(WANTED, seen, RELEASES, held=held(other)).alignment is not Alignment.ALIGNED


# --- how much is known ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ago", "known"),
    [
        (0, Knowledge.FRESH),
        (300, Knowledge.FRESH),
        (301, Knowledge.AGEING),
        (1800, Knowledge.AGEING),
        (1801, Knowledge.STALE),
        (10**8, Knowledge.STALE),
        # a clock that was set back
        (-10, Knowledge.FRESH),
        (-3600, Knowledge.STALE),
    ],
)
def test_knowledge_ages(ago: float, known: Knowledge) -> None:
    assert knowledge(observation(ago=ago), contact(), NOW) is known
    assert knowledge(observation(ago=ago), None, NOW) is known


def test_an_engine_that_did_not_answer_makes_its_cells_unreachable_however_fresh() -> None:
    silent = contact(answered=False, failure=FailureKind.TIMEOUT)

    assert knowledge(observation(ago=0), silent, NOW) is Knowledge.UNREACHABLE
    assert knowledge(None, silent, NOW) is Knowledge.UNREACHABLE
    assert knowledge(None, contact(), NOW) is Knowledge.NEVER
    assert knowledge(None, None, NOW) is Knowledge.NEVER


def test_the_spans_can_be_chosen() -> None:
    minute = timedelta(minutes=1)

    assert knowledge(observation(ago=90), None, NOW, minute, 2 * minute) is Knowledge.AGEING
    assert knowledge(observation(ago=150), None, NOW, minute, 2 * minute) is Knowledge.STALE


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("health", Health)
def test_only_what_runs_can_be_healthy(state: State, health: Health) -> None:
    told = health_of(observation(state=state, health=health))

    if state is State.RUNNING:
        assert told is health
    else:
        assert told in {Health.FAILING, Health.STOPPED}


def test_of_what_is_not_there_no_health_is_known() -> None:
    assert health_of(None) is Health.UNKNOWN
    assert health_of(nothing_there()) is Health.UNKNOWN
    assert health_of(observation(state=None)) is Health.UNKNOWN


# --- the one word --------------------------------------------------------------------------------------------------

FACTS = (st.sampled_from(Alignment), st.sampled_from(Health), st.sampled_from(Knowledge), st.sampled_from(Activity))
LATE = {Knowledge.STALE, Knowledge.NEVER, Knowledge.UNREACHABLE}


@given(*FACTS)
def test_old_knowledge_never_looks_fine(
    alignment: Alignment, health: Health, known: Knowledge, activity: Activity
) -> None:
    told = status(alignment, health, known, activity)

    if known in LATE:
        assert told in {Status.ROLLING_OUT, Status.UNREACHABLE, Status.NOT_CHECKED}
    if told is Status.ALIGNED:
        assert alignment is Alignment.ALIGNED
        assert health not in {Health.FAILING, Health.STOPPED}
        assert known not in LATE
        assert activity is Activity.IDLE


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ((Alignment.ALIGNED, Health.HEALTHY, Knowledge.FRESH, Activity.IDLE), Status.ALIGNED),
        ((Alignment.ALIGNED, Health.NO_CHECK, Knowledge.AGEING, Activity.IDLE), Status.ALIGNED),
        ((Alignment.AHEAD, Health.HEALTHY, Knowledge.FRESH, Activity.IDLE), Status.AHEAD),
        ((Alignment.BEHIND, Health.HEALTHY, Knowledge.FRESH, Activity.IDLE), Status.BEHIND),
        ((Alignment.DRIFTED, Health.HEALTHY, Knowledge.FRESH, Activity.IDLE), Status.DRIFTED),
        ((Alignment.DRIFTED, Health.FAILING, Knowledge.FRESH, Activity.IDLE), Status.UNHEALTHY),
        ((Alignment.NO_RELEASE, Health.STOPPED, Knowledge.FRESH, Activity.IDLE), Status.UNHEALTHY),
        ((Alignment.NO_RELEASE, Health.UNKNOWN, Knowledge.FRESH, Activity.IDLE), Status.NO_RELEASE),
        ((Alignment.MISSING, Health.FAILING, Knowledge.FRESH, Activity.IDLE), Status.MISSING),
        ((Alignment.MISSING, Health.UNKNOWN, Knowledge.STALE, Activity.IDLE), Status.NOT_CHECKED),
        ((Alignment.UNKNOWN, Health.HEALTHY, Knowledge.FRESH, Activity.IDLE), Status.NOT_CHECKED),
        ((Alignment.ALIGNED, Health.HEALTHY, Knowledge.UNREACHABLE, Activity.IDLE), Status.UNREACHABLE),
        ((Alignment.ALIGNED, Health.HEALTHY, Knowledge.UNREACHABLE, Activity.ROLLING_OUT), Status.ROLLING_OUT),
        ((Alignment.UNKNOWN, Health.UNKNOWN, Knowledge.NEVER, Activity.INTERRUPTED), Status.ROLLING_OUT),
    ],
)
def test_the_most_pressing_fact_gives_the_word(
    facts: tuple[Alignment, Health, Knowledge, Activity], told: Status
) -> None:
    assert status(*facts) is told


def test_every_status_has_its_place_in_the_order_and_what_is_fine_comes_last() -> None:
    assert set(SEVERITY) == set(Status)
    assert len(SEVERITY) == len(Status)
    assert set(SEVERITY[: len(ATTENTION)]) == ATTENTION
    assert SEVERITY[-2:] == (Status.ALIGNED, Status.NOT_APPLICABLE)


def test_what_the_sources_test_has_already_is_ahead_and_never_drift() -> None:
    newer = replace(RELEASES[-1], id="newer", environment_id="other", fingerprint="fp1:newer", first_seen=NOW)
    seen = replace(observation("27.0"), fingerprint="fp1:newer")
    assert compare(WANTED, seen, RELEASES, [*RELEASES, newer]).alignment is Alignment.AHEAD
    older = replace(newer, first_seen=RELEASES[0].first_seen - timedelta(days=1))
    assert compare(WANTED, seen, RELEASES, [*RELEASES, older]).alignment is Alignment.DRIFTED


def test_another_verdict_takes_the_place_of_a_cells_own_and_leaves_the_rest() -> None:
    before = cell(observation(), engine_name="fra-3", names=("5.4.0",), step="is checked")
    verdict = Verdict(Alignment.BEHIND, Status.BEHIND, NoExpectation("made up"), 2, DriftKind.FOREIGN, None)
    after = before.judged(verdict)
    assert type(after) is Cell
    assert after == before._replace(**verdict._asdict())
