"""The way from one release to another: what it counts, what may not be skipped on it, and which way it goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.alignment import Alignment, compare
from mirror_console.domain.application import application_problems, notes_link
from mirror_console.domain.environment import Environment, Hold, TagRule, environment_problems
from mirror_console.domain.expectation import Expected, NoExpectation, expect
from mirror_console.domain.fleet import SourceEnvironment, SourceRow
from mirror_console.domain.image import Image
from mirror_console.domain.plan import Change, LeftOut, PlannedTarget, Reason
from mirror_console.domain.planning import planned
from mirror_console.domain.release import Mark, Release, Twin, behind_by, current, passage, tagged, wanted_of
from mirror_console.domain.release_use import Use, stands_for, uses
from mirror_console.domain.status import Status
from mirror_console.domain.tag import TagLook
from mirror_console.domain.verdict import answer, cell_texts, verdict
from mirror_console.errors import FailureKind
from tests.domain.parts import (
    NOW,
    RELEASES,
    SOURCE,
    SOURCE_LIVE,
    VERSIONS,
    cell,
    contact,
    environment,
    mirror,
    observation,
    print_of,
    release,
)
from tests.domain.test_selection import GRID

UP = contact()
FIRST, SECOND, THIRD, LAST = RELEASES
FOLLOWING = replace(SOURCE_LIVE, follows=TagRule("live"))
BY_DIGEST = replace(
    release("26.9.0", 30),
    fingerprint="",
    version="",
    current_since=None,
    tag="live",
    tagged_since=datetime(2026, 8, 30, tzinfo=UTC),
)
"""What the tag points to: only its digest is known."""


def marked(*marks: Mark, at: int = 1, remark: str = "") -> list[Release]:
    """The releases, one of them marked."""
    return [replace(one, marks=marks, remark=remark) if place == at else one for place, one in enumerate(RELEASES)]


# --- how far ------------------------------------------------------------------------------------------------------


def test_withdrawn_releases_are_no_step_of_the_way() -> None:
    withdrawn = marked(Mark.WITHDRAWN)
    assert behind_by(withdrawn, FIRST.fingerprint, LAST.fingerprint) == 2
    # Where it is itself an end of the way, it is one like any other.
    assert behind_by(withdrawn, SECOND.fingerprint, LAST.fingerprint) == 2
    assert behind_by(withdrawn, FIRST.fingerprint, SECOND.fingerprint) == 1
    assert behind_by(withdrawn, LAST.fingerprint, FIRST.fingerprint) == -2


@given(
    st.lists(st.sampled_from([(), (Mark.WITHDRAWN,), (Mark.STOP_HERE,)]), min_size=4, max_size=4),
    st.sampled_from(VERSIONS),
    st.sampled_from(VERSIONS),
    st.permutations(range(4)),
)
def test_the_way_back_is_as_long_as_the_way_there(
    marks: list[tuple[Mark, ...]], one: str, other: str, order: list[int]
) -> None:
    releases = [replace(release, marks=several) for release, several in zip(RELEASES, marks, strict=True)]
    there = behind_by(releases, print_of(one), print_of(other))
    back = behind_by([releases[place] for place in order], print_of(other), print_of(one))

    assert there is not None
    assert back == -there
    assert (there == 0) == (one == other)
    # Whatever was withdrawn: two that differ are at least one apart, and never further than there are releases.
    assert abs(there) <= abs(VERSIONS.index(one) - VERSIONS.index(other))


def test_a_release_is_found_by_its_digest_and_on_every_platform() -> None:
    arm = replace(LAST, also=(Twin("linux/arm64", "fp1:arm"),))
    releases = [*RELEASES[:3], arm, BY_DIGEST]
    assert behind_by(releases, "fp1:arm", BY_DIGEST.digest) == 1
    assert behind_by(releases, SECOND.fingerprint, BY_DIGEST.identity) == 3
    assert behind_by(releases, "fp1:arm", LAST.fingerprint) == 0
    assert behind_by(releases, "", BY_DIGEST.digest) is None


# --- what lies on it ----------------------------------------------------------------------------------------------


def test_a_stop_is_on_the_way_only_of_who_would_skip_it() -> None:
    stops = marked(Mark.STOP_HERE)
    assert [one.version for one in passage(stops, FIRST.fingerprint, LAST.fingerprint).stops] == ["26.7.9"]
    # Who goes to it, comes from it, goes back over it, or isn't known doesn't skip it.
    for running, expected in ((FIRST, SECOND), (SECOND, LAST), (LAST, FIRST)):
        assert passage(stops, running.fingerprint, expected.fingerprint).stops == ()
    assert passage(stops, "fp1:unknown", LAST.fingerprint).stops == ()
    # A stop that was withdrawn stops nobody.
    assert passage(marked(Mark.STOP_HERE, Mark.WITHDRAWN), FIRST.fingerprint, LAST.fingerprint).stops == ()


@pytest.mark.parametrize(
    ("running", "expected", "told"),
    [
        (FIRST, LAST, True),
        (FIRST, SECOND, True),
        (SECOND, LAST, False),
        (THIRD, LAST, False),
        (LAST, FIRST, True),
        (SECOND, FIRST, True),
        (SECOND, SECOND, False),
    ],
)
def test_a_migration_is_told_of_where_it_is_crossed_either_way(running: Release, expected: Release, told: bool) -> None:
    way = passage(marked(Mark.MIGRATION), running.fingerprint, expected.fingerprint)
    assert bool(way.migrations) == told
    assert way.back == (running.first_seen > expected.first_seen)


@given(st.sampled_from(VERSIONS), st.sampled_from(VERSIONS), st.sets(st.sampled_from(VERSIONS)))
def test_whoever_takes_every_stop_skips_none(start: str, end: str, stopped: set[str]) -> None:
    releases = [replace(one, marks=(Mark.STOP_HERE,)) if one.version in stopped else one for one in RELEASES]
    at, steps = start, 0
    while (stops := passage(releases, print_of(at), print_of(end)).stops) and steps < 9:
        at, steps = stops[0].version, steps + 1
        # Each of them can be gone to next.
        assert not passage(releases, print_of(start), print_of(at)).stops
        start = at
    assert not passage(releases, print_of(at), print_of(end)).stops


# --- what a source stands for -------------------------------------------------------------------------------------


def test_an_environment_that_follows_a_tag_stands_for_what_it_points_to() -> None:
    releases = [*RELEASES, BY_DIGEST]
    assert (wanted_of(SOURCE_LIVE, releases), wanted_of(FOLLOWING, releases)) == (LAST, BY_DIGEST)
    assert (current(releases), tagged(releases, "live"), tagged(releases, "edge")) == (LAST, BY_DIGEST, None)
    wanted = expect(mirror(), environment(), [FOLLOWING], releases, NOW)
    assert isinstance(wanted, Expected)
    assert (wanted.title, wanted.fingerprint, wanted.since) == (BY_DIGEST.digest[7:19], "", BY_DIGEST.tagged_since)
    assert wanted.why == "live of the source follows the tag 'live', which points to it (always live)"

    found = compare(wanted, observation("26.8.2"), releases)
    assert (found.alignment, found.behind) == (Alignment.BEHIND, 2)


def test_what_a_tag_was_never_read_from_is_told() -> None:
    told = expect(mirror(), environment(), [FOLLOWING], RELEASES, NOW)
    assert told == NoExpectation("the source's live follows the tag 'live', which was never read")


def test_a_tag_and_a_deployment_that_go_back_are_told() -> None:
    earlier = replace(FIRST, current_since=NOW)
    wanted = expect(mirror(), environment(), [SOURCE_LIVE], [earlier, *RELEASES[1:]], NOW)
    assert isinstance(wanted, Expected)
    assert (wanted.why, wanted.back) == ("live of the source went back to it (always live)", True)
    told = cell(observation("26.8.2"), reached=UP, releases=[earlier, *RELEASES[1:]])
    assert (told.status, cell_texts(told, NOW)) == (Status.AHEAD, ("26.8.2", "back to 26.7.4"))
    assert "26.7.4 is expected since 14:05 today, as the source went back to it." in verdict(told, NOW)
    assert "(2 releases ahead of 26.7.4, to which the source went back)" in answer(told, NOW)
    made = planned(told, releases=[earlier, *RELEASES[1:]])
    assert isinstance(made, PlannedTarget)
    assert made.change is Change.DOWNGRADE

    # What a source runs beside its tag says nothing of where the tag went.
    on_tag = replace(SECOND, tag="live", tagged_since=NOW)
    wanted = expect(mirror(), environment(), [FOLLOWING], [FIRST, on_tag, THIRD, LAST], NOW)
    assert isinstance(wanted, Expected)
    assert not wanted.back
    moved = replace(LAST, tag="live", tagged_since=NOW - timedelta(days=1))
    wanted = expect(mirror(), environment(), [FOLLOWING], [FIRST, on_tag, THIRD, moved], NOW)
    assert isinstance(wanted, Expected)
    assert wanted.back


def test_what_a_source_stands_for_is_told_beside_what_it_runs() -> None:
    def told(of: Environment, releases: list[Release], look: TagLook | None = None) -> str:
        return stands_for(SourceEnvironment(of, None, current(releases), tuple(releases), look), NOW)

    look = TagLook("r:live", NOW - timedelta(minutes=3), BY_DIGEST.digest)
    assert told(SOURCE_LIVE, list(RELEASES)) == "26.8.3"
    assert told(SOURCE_LIVE, []) == "never had an image"
    known = replace(BY_DIGEST, version="26.9.0")
    digest = BY_DIGEST.digest[7:19]
    assert told(FOLLOWING, [*RELEASES, known], look) == (
        f"tag live → 26.9.0 (sha256:{digest}), runs 26.8.3; looked up 3 min ago"
    )
    assert told(FOLLOWING, [*RELEASES, BY_DIGEST], look).startswith(f"tag live → sha256:{digest}, runs 26.8.3; ")
    silent = replace(look, failure=FailureKind.REGISTRY_UNREACHABLE, words="No answer.")
    assert told(FOLLOWING, [*RELEASES, known], silent).endswith("; could not be read 3 min ago: No answer.")
    assert told(FOLLOWING, []) == "tag live never read, nothing seen running; not looked up yet"


# --- plans --------------------------------------------------------------------------------------------------------


def test_what_may_not_come_next_is_left_out_with_what_comes_first() -> None:
    behind = cell(observation("26.7.4"), reached=UP)
    left = planned(behind, releases=marked(Mark.STOP_HERE, remark="new search index."))
    assert isinstance(left, LeftOut)
    assert (left.reason, left.words) == (
        Reason.STOP_FIRST,
        (
            "26.7.9 comes first: it is marked 'stop here' (new search index). "
            "Hold it at 26.7.9, roll that out, then end the hold"
        ),
    )
    hold = Hold(SECOND.fingerprint, "26.7.9", "on the way", "operator", NOW)
    held = cell(observation("26.7.4"), reached=UP, here=environment(hold=hold))
    made = planned(held, releases=marked(Mark.STOP_HERE))
    assert isinstance(made, PlannedTarget)
    assert made.after_title == "26.7.9"


def test_what_was_withdrawn_is_planned_nowhere_and_told_where_it_is() -> None:
    releases = marked(Mark.WITHDRAWN, at=3, remark="loses orders")
    behind = cell(observation("26.8.2"), reached=UP, releases=releases)
    left = planned(behind, releases=releases)
    assert isinstance(left, LeftOut)
    assert left.reason is Reason.WITHDRAWN
    assert "26.8.3 was withdrawn (loses orders)" in left.words
    assert "26.8.3 is withdrawn: loses orders." in verdict(behind, NOW)
    assert behind.expected.why.endswith("; it is withdrawn: loses orders")
    # What runs it already gets settings all the same.
    aligned = cell(observation("26.8.3"), reached=UP, releases=releases, pending=True)
    assert isinstance(planned(aligned, releases=releases), PlannedTarget)


def test_what_is_known_by_digest_alone_is_met_by_what_has_the_digest() -> None:
    releases = [*RELEASES, BY_DIGEST]
    wanted = expect(mirror(), environment(), [FOLLOWING], releases, NOW)
    made = planned(cell(observation("26.8.3"), reached=UP, expected=wanted, releases=releases), releases=releases)
    assert isinstance(made, PlannedTarget)
    assert (made.change, made.after_fingerprint, made.reference) == (Change.UPDATE, "", BY_DIGEST.reference)
    image = Image("sha256:1", "fp1:any")
    assert made.is_met_by(replace(image, digests=("other@sha256:1", BY_DIGEST.reference)))
    assert not made.is_met_by(replace(image, digests=(f"{SOURCE.repository}@{LAST.digest}",)))
    # Once a fingerprint is known, it counts as well: on another platform the digest still does.
    known = replace(made, after_fingerprint="fp1:other")
    assert known.is_met_by(replace(image, digests=(BY_DIGEST.reference,)))
    assert known.is_met_by(replace(image, fingerprint="fp1:other"))
    assert not known.is_met_by(image)
    assert not replace(made, reference="").is_met_by(image)


# --- holds --------------------------------------------------------------------------------------------------------


HOLD = Hold(print_of("26.8.2"), "26.8.2", "campaign", "operator", NOW, NOW + timedelta(days=2, hours=1))


def test_a_hold_that_ends_soon_and_one_that_ended_are_told() -> None:
    soon = cell(observation("26.8.2"), reached=UP, here=environment(hold=HOLD))
    assert cell_texts(soon, NOW) == ("26.8.2", "held, ends in 2 days: campaign")
    assert "The hold ends in 2 days; then it follows its image source again." in verdict(soon, NOW)
    assert "(held until 23 Sep, ends in 2 days)" in answer(soon, NOW)
    assert soon.expected.why == "held until 23 Sep, ends in 2 days: campaign"
    later = replace(HOLD, until=NOW + timedelta(days=8))
    assert cell_texts(cell(observation("26.8.2"), reached=UP, here=environment(hold=later)), NOW)[1] == (
        "held: campaign, to 29 Sep"
    )

    ended = replace(HOLD, until=NOW - timedelta(days=1))
    free = cell(observation("26.8.2"), reached=UP, here=environment(hold=ended))
    assert (free.status, free.held, cell_texts(free, NOW)) == (
        Status.BEHIND,
        False,
        ("26.8.2", "→ 26.8.3, hold ended 20 Sep"),
    )
    assert "Its hold ended 20 Sep (campaign): it follows its image source again." in verdict(free, NOW)
    assert free.expected.why == "live of the source has it (always live); its hold ended 20 Sep"


def test_a_hold_on_what_is_known_by_digest_alone_holds_it() -> None:
    hold = Hold("", "", "a try", "operator", NOW, digest=BY_DIGEST.digest)
    wanted = expect(mirror(), environment(hold=hold), [SOURCE_LIVE], [*RELEASES, BY_DIGEST], NOW)
    assert wanted == Expected("", BY_DIGEST, BY_DIGEST.digest[7:19], "held: a try")
    known = replace(BY_DIGEST, fingerprint=print_of("26.9.0"))
    again = expect(mirror(), environment(hold=hold), [SOURCE_LIVE], [*RELEASES, known], NOW)
    assert isinstance(again, Expected)
    assert again.fingerprint == known.fingerprint


# --- what is typed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        (TagRule("live"), []),
        (TagRule("26.8_rc-1", 60), []),
        (TagRule(""), ["follows.tag"]),
        (TagRule("-live"), ["follows.tag"]),
        (TagRule("li ve"), ["follows.tag"]),
        (TagRule("x" * 129), ["follows.tag"]),
        (TagRule("live", 59), ["follows.every"]),
        (TagRule("live", 8 * 86400), ["follows.every"]),
    ],
)
def test_a_rule_for_a_tag_is_judged(rule: TagRule, fields: list[str]) -> None:
    assert [one.field for one in environment_problems(replace(SOURCE_LIVE, follows=rule))] == fields


@pytest.mark.parametrize(
    "pattern",
    [
        "http://shop.example/{version}",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https://{version}.example/",
        "https://me:secret@shop.example/{version}",
        "https://shop.example/{branch}",
        "https://shop.example/{version",
        "https://shop.example/ {version}",
        "https://[shop/{version}",
        "shop.example/{version}",
    ],
)
def test_an_address_for_notes_that_isnt_one_is_told(pattern: str) -> None:
    assert [one.field for one in application_problems(replace(SOURCE, notes_url=pattern))] == ["notes_url"]


def test_notes_are_found_by_version_and_revision() -> None:
    pattern = "https://shop.example/{version}/notes?rev={revision}#top"
    assert application_problems(replace(SOURCE, notes_url=pattern)) == []
    assert notes_link(pattern, "26.8.3", "abc") == "https://shop.example/26.8.3/notes?rev=abc#top"
    # Nothing that an image calls itself leads elsewhere.
    assert (
        notes_link(pattern, "../../x?y#z", "a&b=c")
        == "https://shop.example/..%2F..%2Fx%3Fy%23z/notes?rev=a%26b%3Dc#top"
    )
    assert notes_link(pattern, "{revision}", "abc") == "https://shop.example/%7Brevision%7D/notes?rev=abc#top"
    assert notes_link(pattern, "..", "abc") == notes_link(pattern, "", "abc") == notes_link("", "1", "2") == ""
    assert notes_link("https://shop.example/changes", "", "") == "https://shop.example/changes"


# --- who has it ---------------------------------------------------------------------------------------------------


def test_who_has_a_release_is_counted_over_all_platforms() -> None:
    releases = [replace(LAST, also=(Twin("linux/arm64", print_of("26.8.2")),)), SECOND]
    live = SourceEnvironment(SOURCE_LIVE, None, LAST, tuple(releases))
    grid = replace(GRID, sources=(SourceRow(SOURCE, (live,), 6),))
    running = [
        found.observation.fingerprint
        for row in GRID.rows
        for found in row.cells.values()
        if found.observation and found.observation.present
    ]
    here = running.count(print_of("26.8.3")) + running.count(print_of("26.8.2"))
    cells = [found for row in GRID.rows for found in row.cells.values()]
    met = sum(found.likeness is not None and bool(found.likeness.same) for found in cells)
    # One is held on what is 26.8.3 on another platform.
    expected = sum(found.expected_title in {"26.8.3", "26.8.2"} for found in cells)
    assert 0 < met < here
    assert uses(grid, SOURCE.id) == {LAST.id: Use(expected, met, here - met)}
    assert uses(grid, SOURCE.id)[LAST.id].as_expected == f"{met} of {expected}"
    assert uses(grid, "another") == {}


def test_the_same_image_in_two_environments_of_a_source_has_one_use() -> None:
    twice = replace(LAST, id="in-test", environment_id="source-test")
    sources = (SourceRow(SOURCE, (SourceEnvironment(SOURCE_LIVE, None, LAST, (LAST, twice)),), 6),)
    found = uses(replace(GRID, sources=sources), SOURCE.id)
    assert found[LAST.id] == found[twice.id]
    assert found[LAST.id].expected >= found[LAST.id].met > 0
