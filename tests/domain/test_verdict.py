"""Every state of an environment is told in good, short, true sentences."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.access import shut_out
from mirror_console.domain.cell import Cell
from mirror_console.domain.drift import REMADE
from mirror_console.domain.environment import Hold
from mirror_console.domain.expectation import Expected, NoExpectation
from mirror_console.domain.observation import Difference, Health, State
from mirror_console.domain.status import Activity, Knowledge, Status
from mirror_console.domain.verdict import (
    ABSENT_TEXTS,
    Badge,
    accessible,
    accessible_absent,
    age_text,
    answer,
    badges,
    cell_texts,
    verdict,
    was,
)
from mirror_console.errors import FailureKind
from tests.domain.parts import NOW, RELEASES, cell, contact, environment, mirror, nothing_there, observation, print_of

HOLD = Hold(print_of("26.8.2"), "26.8.2", "campaign", "operator", NOW, datetime(2026, 9, 30, tzinfo=UTC))
ENDLESS = replace(HOLD, until=None)
REFUSED = contact(answered=False, failure=FailureKind.REFUSED, last_answer=NOW - timedelta(hours=2, minutes=3))
LOCKED = contact(answered=False, failure=FailureKind.KEYRING, last_answer=None)
PORTS = Difference("ports", "8080→80", "none")
MEMORY = Difference("memory limit", "64 MiB", "none")
UP = contact()
OLDER = Expected(print_of("26.8.2"), RELEASES[2], "26.8.2", "because")


TOLD = [
    (
        cell(observation(), reached=UP),
        ("26.8.3", ""),
        "Live is aligned. It runs 26.8.3 since 30 Aug. It is healthy. Checked 38 s ago.",
        "Dunes Bakery live runs 26.8.3 (current) since 30 Aug 14:21, healthy, checked 14:04.",
        "Dunes Bakery, live: aligned; running 26.8.3",
    ),
    (
        cell(observation(health=Health.STARTING, running_since=NOW - timedelta(hours=3)), reached=UP),
        ("26.8.3", "health: starting"),
        "Live is aligned. It runs 26.8.3 since 11:05 today. Its health check is still starting. Checked 38 s ago.",
        "Dunes Bakery live runs 26.8.3 (current) since 11:05, still starting, checked 14:04.",
        "Dunes Bakery, live: aligned; running 26.8.3",
    ),
    (
        cell(observation(health=Health.NO_CHECK, running_since=None), reached=UP, pending=True),
        ("26.8.3", "pending"),
        (
            "Live is aligned. It runs 26.8.3. It has no health check. "
            "Its settings in the catalog have changed; a rollout applies them. Checked 38 s ago."
        ),
        "Dunes Bakery live runs 26.8.3 (current), no health check, checked 14:04.",
        "Dunes Bakery, live: aligned; running 26.8.3, settings pending",
    ),
    (
        cell(observation("26.8.2"), reached=UP, here=environment(hold=HOLD)),
        ("26.8.2", "held: campaign, to 30 Sep"),
        (
            "Live is aligned. It runs 26.8.2 since 30 Aug. It is healthy. "
            "It is held until 30 Sep by operator: campaign. Checked 38 s ago."
        ),
        "Dunes Bakery live runs 26.8.2 (held until 30 Sep) since 30 Aug 14:21, healthy, checked 14:04.",
        "Dunes Bakery, live: aligned; running 26.8.2, held until 30 Sep: campaign",
    ),
    (
        cell(observation("26.8.3"), reached=UP, here=environment(hold=ENDLESS)),
        ("26.8.3", "> 26.8.2, held"),
        (
            "Live is 1 release ahead. It runs 26.8.3 since 30 Aug; 26.8.2 is expected. It is healthy. "
            "It is held by operator: campaign. Checked 38 s ago."
        ),
        (
            "Dunes Bakery live runs 26.8.3 (1 release ahead of 26.8.2, where it is held) since 30 Aug 14:21, healthy, "
            "checked 14:04."
        ),
        "Dunes Bakery, live: ahead by 1 release; running 26.8.3, expected 26.8.2, held: campaign",
    ),
    (
        cell(observation("26.7.4"), reached=UP),
        ("26.7.4", "→ 26.8.3, 3 behind"),
        (
            "Live is 3 releases behind. It runs 26.7.4 since 30 Aug; 26.8.3 is expected since 28 Aug. "
            "It is healthy. Checked 38 s ago."
        ),
        "Dunes Bakery live runs 26.7.4 (3 releases behind 26.8.3) since 30 Aug 14:21, healthy, checked 14:04.",
        "Dunes Bakery, live: behind by 3 releases; running 26.7.4, expected 26.8.3",
    ),
    (
        cell(observation("26.8.2", version="26.8.3", differences=(MEMORY,)), reached=UP),
        ("26.8.3", "1 behind, settings ≠"),
        (
            "Live is 1 release behind. It runs 26.8.3 (32362e382e32) since 30 Aug; 26.8.3 (32362e382e33) is expected "
            "since 28 Aug. It is healthy. A setting was changed by hand (memory limit). Checked 38 s ago."
        ),
        "Dunes Bakery live runs 26.8.3 (1 release behind) since 30 Aug 14:21, healthy, checked 14:04.",
        "Dunes Bakery, live: behind by 1 release; running 26.8.3, a setting was changed by hand (memory limit)",
    ),
    (
        cell(observation("26.8.9", version="26.8.3"), reached=UP),
        ("26.8.3", "digest ≠"),
        (
            "Live has drifted: its image calls itself 26.8.3, but it is not that release. It runs 26.8.3 "
            "(32362e382e39) "
            "since 30 Aug; 26.8.3 (32362e382e33) is expected since 28 Aug. It is healthy. Checked 38 s ago."
        ),
        "Dunes Bakery live runs 26.8.3 (drifted, digest ≠) since 30 Aug 14:21, healthy, checked 14:04.",
        "Dunes Bakery, live: drifted, its image calls itself 26.8.3, but it is not that release; running 26.8.3",
    ),
    (
        cell(observation("9.9", image="other.example/blog:9.9"), reached=UP),
        ("9.9", "foreign image"),
        (
            "Live has drifted: its image other.example/blog:9.9 does not come from this source. It runs 9.9 "
            "since 30 Aug; "
            "26.8.3 is expected since 28 Aug. It is healthy. Checked 38 s ago."
        ),
        (
            "Dunes Bakery live runs 9.9 (drifted, foreign image; 26.8.3 is expected) since 30 Aug 14:21, healthy, "
            "checked 14:04."
        ),
        (
            "Dunes Bakery, live: drifted, its image other.example/blog:9.9 does not come from this source; "
            "running 9.9, "
            "expected 26.8.3"
        ),
    ),
    (
        cell(observation("26.8.9"), reached=UP),
        ("26.8.9", "unknown release"),
        (
            "Live has drifted: its image was never a release of this source. It runs 26.8.9 since 30 Aug; "
            "26.8.3 is expected since 28 Aug. It is healthy. Checked 38 s ago."
        ),
        (
            "Dunes Bakery live runs 26.8.9 (drifted, unknown release; 26.8.3 is expected) since 30 Aug 14:21, healthy, "
            "checked 14:04."
        ),
        "Dunes Bakery, live: drifted, its image was never a release of this source; running 26.8.9, expected 26.8.3",
    ),
    (
        cell(observation(differences=(PORTS, MEMORY)), reached=UP),
        ("26.8.3", "2 settings ≠: ports, …"),
        (
            "Live has drifted: 2 settings were changed by hand (ports, memory limit). It runs 26.8.3 since 30 Aug, "
            "as expected. It is healthy. Checked 38 s ago."
        ),
        (
            "Dunes Bakery live runs 26.8.3 (current, but 2 settings were changed by hand) since 30 Aug 14:21, healthy, "
            "checked 14:04."
        ),
        "Dunes Bakery, live: drifted, 2 settings were changed by hand (ports, memory limit); running 26.8.3",
    ),
    (
        cell(observation(differences=(MEMORY,)), reached=UP),
        ("26.8.3", "settings ≠: memory limit"),
        (
            "Live has drifted: a setting was changed by hand (memory limit). It runs 26.8.3 since 30 Aug, as expected. "
            "It is healthy. Checked 38 s ago."
        ),
        (
            "Dunes Bakery live runs 26.8.3 (current, but a setting was changed by hand) since 30 Aug 14:21, healthy, "
            "checked 14:04."
        ),
        "Dunes Bakery, live: drifted, a setting was changed by hand (memory limit); running 26.8.3",
    ),
    (
        cell(observation(differences=(REMADE,), remade=True), reached=UP),
        ("26.8.3", "made by hand"),
        (
            "Live has drifted: its container was made anew by hand. It runs 26.8.3 since 30 Aug, as expected. "
            "It is healthy. Checked 38 s ago."
        ),
        (
            "Dunes Bakery live runs 26.8.3 (current, but its container was made anew by hand) since 30 Aug 14:21, "
            "healthy, checked 14:04."
        ),
        "Dunes Bakery, live: drifted, its container was made anew by hand; running 26.8.3",
    ),
    (
        cell(observation(differences=(REMADE, PORTS, MEMORY), remade=True), reached=UP),
        ("26.8.3", "made by hand, 2 settings ≠"),
        (
            "Live has drifted: its container was made anew by hand, with 2 other settings (ports, memory limit). "
            "It runs 26.8.3 since 30 Aug, as expected. It is healthy. Checked 38 s ago."
        ),
        (
            "Dunes Bakery live runs 26.8.3 (current, but its container was made anew by hand, with 2 other settings) "
            "since 30 Aug 14:21, healthy, checked 14:04."
        ),
        (
            "Dunes Bakery, live: drifted, its container was made anew by hand, with 2 other settings "
            "(ports, memory limit); running 26.8.3"
        ),
    ),
    (
        cell(nothing_there(), reached=UP),
        ("—", "want 26.8.3"),
        (
            "Live is missing. There is no container 'dunes-bakery-live' on fra-2; 26.8.3 is expected since 28 Aug. "
            "Checked 38 s ago."
        ),
        "Dunes Bakery live is missing: no container was found (26.8.3 is expected), checked 14:04.",
        "Dunes Bakery, live: missing, no container found, expected 26.8.3",
    ),
    (
        cell(observation(health=Health.FAILING, health_output="GET /\nHTTP/1.1 500.\n"), reached=UP),
        ("26.8.3", "health: failing"),
        (
            "Live is unhealthy. Its health check is failing: HTTP/1.1 500. It runs 26.8.3 since 30 Aug, as expected. "
            "Checked 38 s ago."
        ),
        (
            "Dunes Bakery live runs 26.8.3 (current) since 30 Aug 14:21, but is unhealthy: its health check is "
            "failing, "
            "checked 14:04."
        ),
        "Dunes Bakery, live: unhealthy, its health check is failing; running 26.8.3",
    ),
    (
        cell(observation("26.8.2", state=State.RESTARTING), reached=UP),
        ("26.8.2", "restarting"),
        (
            "Live is unhealthy. It restarts over and over. It runs 26.8.2 since 30 Aug, 1 release behind; "
            "26.8.3 is expected since 28 Aug. Checked 38 s ago."
        ),
        (
            "Dunes Bakery live runs 26.8.2 (1 release behind 26.8.3) since 30 Aug 14:21, but is unhealthy: "
            "it restarts over and over, checked 14:04."
        ),
        "Dunes Bakery, live: unhealthy, it restarts over and over; running 26.8.2, expected 26.8.3",
    ),
    (
        cell(observation(state=State.EXITED, exit_code=137), reached=UP),
        ("26.8.3", "stopped, exit 137"),
        (
            "Live is unhealthy. It is stopped (exit code 137). Its container has 26.8.3 since 30 Aug, as expected. "
            "Checked 38 s ago."
        ),
        (
            "Dunes Bakery live is unhealthy: it is stopped (exit code 137); its container has 26.8.3 (current), "
            "checked 14:04."
        ),
        "Dunes Bakery, live: unhealthy, it is stopped (exit code 137); its container has 26.8.3",
    ),
    (
        cell(observation(state=State.CREATED, differences=(PORTS,)), reached=UP),
        ("26.8.3", "never started"),
        (
            "Live is unhealthy. It was never started. Its container has 26.8.3 since 30 Aug, as expected, but "
            "a setting was changed by hand (ports). Checked 38 s ago."
        ),
        (
            "Dunes Bakery live is unhealthy: it was never started; its container has 26.8.3 "
            "(current, but a setting was changed by hand), checked 14:04."
        ),
        "Dunes Bakery, live: unhealthy, it was never started; its container has 26.8.3",
    ),
    (
        cell(observation("26.8.2", ago=7400), reached=REFUSED),
        ("26.8.2", "connection refused, 2 h"),
        (
            "Live is unreachable. Engine fra-2: connection refused; it last answered 2 h ago. When last seen, 2 h ago, "
            "it ran 26.8.2 (1 release behind, healthy). 26.8.3 is expected since 28 Aug."
        ),
        (
            "Dunes Bakery live is unreachable now (fra-2: connection refused); last seen 12:01, "
            "when it ran 26.8.2 (1 release behind, healthy)."
        ),
        "Dunes Bakery, live: unreachable, fra-2: connection refused; last seen 26.8.2, 2 hours ago, expected 26.8.3",
    ),
    (
        cell(None, reached=LOCKED),
        ("—", "keyring locked"),
        (
            "Live is unreachable. Engine fra-2: keyring locked; it has never answered. Nothing was ever seen of it. "
            "26.8.3 is expected since 28 Aug."
        ),
        "Dunes Bakery live is unreachable now (fra-2: keyring locked); nothing was ever seen of it.",
        "Dunes Bakery, live: unreachable, fra-2: keyring locked, expected 26.8.3",
    ),
    (
        cell(None),
        ("—", "never"),
        "Live was never checked. 26.8.3 is expected since 28 Aug.",
        "Dunes Bakery live was never checked; 26.8.3 is expected.",
        "Dunes Bakery, live: not checked, nothing was ever seen, expected 26.8.3",
    ),
    (
        cell(observation(ago=3 * 86400), reached=UP),
        ("26.8.3", "was aligned, 3 d"),
        "Live has not been checked for 3 d. When last seen, 3 d ago, it ran 26.8.3 (aligned, healthy).",
        "Dunes Bakery live has not been checked lately; last seen 18 Sep 14:05, when it ran 26.8.3 (aligned, healthy).",
        "Dunes Bakery, live: not checked for 3 days, was aligned; last seen 26.8.3",
    ),
    (
        cell(nothing_there(ago=5 * 3600), reached=UP),
        ("—", "was missing, 5 h"),
        (
            "Live has not been checked for 5 h. When last seen, 5 h ago, no container was there. "
            "26.8.3 is expected since 28 Aug."
        ),
        "Dunes Bakery live has not been checked lately; last seen 09:05, when no container was there.",
        "Dunes Bakery, live: not checked for 5 hours, was missing, expected 26.8.3",
    ),
    (
        cell(observation(fingerprint="", version="", image_id="sha256:" + "ab" * 32), reached=UP),
        ("abababababab", "image not read"),
        (
            "Live could not be judged: its image could not be read. Check it again. 26.8.3 is expected since 28 Aug. "
            "Checked 38 s ago."
        ),
        "Dunes Bakery live has a container, but its image could not be read, checked 14:04.",
        "Dunes Bakery, live: not checked, its image could not be read; last seen abababababab, expected 26.8.3",
    ),
    (
        cell(observation(), reached=UP, expected=NoExpectation("the source has no environment 'qa'")),
        ("26.8.3", "no release: the source has no environment 'qa'"),
        (
            "Live has no release to run: the source has no environment 'qa'. It runs 26.8.3 since 30 Aug. It is "
            "healthy. "
            "Checked 38 s ago."
        ),
        (
            "Dunes Bakery live runs 26.8.3 (no release: the source has no environment 'qa') since 30 Aug 14:21, "
            "healthy, "
            "checked 14:04."
        ),
        "Dunes Bakery, live: no release, the source has no environment 'qa'; running 26.8.3",
    ),
    (
        cell(nothing_there(), reached=UP, releases=[]),
        ("—", "no release: the source's live never had an image"),
        "Live has no release to run: the source's live never had an image. Nothing runs there. Checked 38 s ago.",
        "Dunes Bakery live has no release (the source's live never had an image) and runs nothing, checked 14:04.",
        "Dunes Bakery, live: no release, the source's live never had an image",
    ),
    (
        cell(reached=shut_out("fra-2", "ACC-7", NOW), application=mirror(account="ACC-7"), held=True, pending=True),
        ("—", "no access"),
        "Live has no access. Account ACC-7 has no credential on fra-2.",
        "Dunes Bakery live can't be looked at: account ACC-7 has no credential on fra-2.",
        "Dunes Bakery, live: no access",
    ),
    (
        cell(observation("26.8.2"), reached=UP, activity=Activity.ROLLING_OUT, step="→ 26.8.3 fetching"),
        ("26.8.2", "→ 26.8.3 fetching"),
        "Live is rolling out (→ 26.8.3 fetching). When last seen, 38 s ago, it ran 26.8.2 (1 release behind, healthy).",
        (
            "Dunes Bakery live is rolling out (→ 26.8.3 fetching); last seen 14:04, "
            "when it ran 26.8.2 (1 release behind, healthy)."
        ),
        "Dunes Bakery, live: rolling out, 26.8.3 fetching; last seen 26.8.2, expected 26.8.3",
    ),
    (
        cell(nothing_there(), reached=UP, activity=Activity.QUEUED, step="→ 26.8.3 queued"),
        ("—", "→ 26.8.3 queued"),
        "Live is queued for rolling out (→ 26.8.3). When last seen, 38 s ago, no container was there.",
        "Dunes Bakery live is queued for rolling out (→ 26.8.3); last seen 14:04, when no container was there.",
        "Dunes Bakery, live: rolling out, 26.8.3 queued, expected 26.8.3",
    ),
    (
        cell(observation("26.8.2"), reached=UP, activity=Activity.INTERRUPTED, step="interrupted: waits for you"),
        ("26.8.2", "interrupted: waits for you"),
        (
            "Live is in a rollout that was interrupted. Choose on its page how it goes on: re-read and continue, "
            "or put back. When last seen, 38 s ago, it ran 26.8.2 (1 release behind, healthy)."
        ),
        (
            "Dunes Bakery live is in a rollout that was interrupted; last seen 14:04, "
            "when it ran 26.8.2 (1 release behind, healthy)."
        ),
        "Dunes Bakery, live: rolling out, interrupted: waits for you; last seen 26.8.2, expected 26.8.3",
    ),
]


@pytest.mark.parametrize(
    ("told", "texts", "sentences", "on_the_phone", "aloud"),
    TOLD,
    ids=[f"{case[0].status} {case[1][1]}" for case in TOLD],
)
def test_every_state_is_told(told: Cell, texts: tuple[str, str], sentences: str, on_the_phone: str, aloud: str) -> None:
    assert cell_texts(told, NOW) == texts
    assert verdict(told, NOW) == sentences
    assert answer(told, NOW) == on_the_phone
    assert accessible(told, NOW) == aloud


def test_no_state_is_left_out_above() -> None:
    assert {case[0].status for case in TOLD} == set(Status) - {Status.NOT_APPLICABLE}


def test_where_the_mirror_has_no_such_environment() -> None:
    assert ABSENT_TEXTS == ("–", "")
    assert accessible_absent("Dunes Bakery", "qa") == (
        "Dunes Bakery, qa: not applicable; no such environment for this mirror"
    )


def test_times_are_told_in_the_readers_zone() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=2)))

    assert answer(cell(observation(), reached=UP), there) == (
        "Dunes Bakery live runs 26.8.3 (current) since 30 Aug 16:21, healthy, checked 16:04."
    )


def test_what_a_health_check_wrote_is_cut() -> None:
    told = verdict(cell(observation(health=Health.FAILING, health_output="x" * 5000), reached=UP), NOW)

    assert "x" * 100 + "…" in told
    assert len(told) < 300


def test_badges_and_age_stand_beside_the_texts() -> None:
    plain = cell(observation(), reached=UP)
    marked = cell(observation("26.8.2", ago=800), reached=UP, here=environment(hold=HOLD), pending=True)

    assert (badges(plain), age_text(plain, NOW)) == ((), "")
    assert (badges(marked), age_text(marked, NOW)) == ((Badge.HELD, Badge.PENDING), "13 min")
    assert age_text(cell(None), NOW) == ""


def test_what_it_was_is_told_as_if_it_were_now() -> None:
    assert was(cell(None)) is None
    assert was(cell(observation(ago=10**6), reached=REFUSED)) is Status.ALIGNED
    assert was(cell(observation("26.7.4", ago=10**6, state=State.EXITED))) is Status.UNHEALTHY
    assert was(cell(nothing_there(ago=10**6))) is Status.MISSING


CELLS = st.builds(
    lambda seen, reached, activity, pending, hold, expected: cell(
        seen,
        reached=reached,
        activity=activity,
        pending=pending,
        here=environment(hold=hold),
        expected=expected,
        step="→ 26.8.3 fetching" if activity is Activity.ROLLING_OUT else "",
    ),
    seen=st.none()
    | st.builds(nothing_there, ago=st.floats(0, 10**7))
    | st.builds(
        observation,
        st.sampled_from(["26.7.4", "26.8.2", "26.8.3", "26.8.9"]),
        ago=st.floats(0, 10**7),
        state=st.sampled_from(State),
        health=st.sampled_from(Health),
        version=st.sampled_from(["", "26.8.3", "26.8.2"]),
        fingerprint=st.sampled_from(["", print_of("26.8.3"), print_of("26.8.2"), print_of("other")]),
        image=st.sampled_from(["", "other.example/blog:9.9", "sha256:" + "ab" * 32]),
        differences=st.sampled_from([(), (PORTS,), (PORTS, MEMORY)]),
        running_since=st.sampled_from([None, NOW, NOW - timedelta(days=800)]),
        health_output=st.sampled_from(["", "500", "\n\n"]),
    ),
    reached=st.sampled_from([None, UP, REFUSED, LOCKED, contact(answered=False)]),
    activity=st.sampled_from(Activity),
    pending=st.booleans(),
    hold=st.sampled_from([None, HOLD, ENDLESS]),
    expected=st.sampled_from([None, OLDER, NoExpectation("the source has no environment 'qa'")]),
)


@given(CELLS)
def test_whatever_is_known_the_sentences_are_whole(told: Cell) -> None:
    for words in (verdict(told, NOW), answer(told, NOW)):
        assert words.endswith(".")
        assert words[0].isupper()
        assert not re.search(r"  | [.,;:]|\.\.|,,|;\.|\(\)|None|\(,|: ?\.|; ;", words), words
    assert accessible(told, NOW).startswith(f"Dunes Bakery, live: {told.status}")
    assert cell_texts(told, NOW)[0]


@given(CELLS)
def test_old_knowledge_is_never_told_as_present(told: Cell) -> None:
    if told.knowledge in {Knowledge.STALE, Knowledge.NEVER, Knowledge.UNREACHABLE}:
        for words in (verdict(told, NOW), answer(told, NOW)):
            assert " is aligned." not in words
            assert " runs " not in words
            assert "(current)" not in words


def test_what_was_changed_by_hand_needs_attention_whatever_release_it_runs() -> None:
    behind = cell(observation("26.8.2"), reached=UP)
    changed = cell(observation("26.8.2", differences=(MEMORY,)), reached=UP)
    remade = cell(observation("26.8.2", differences=(REMADE,), remade=True), reached=UP)
    assert {behind.status, changed.status, remade.status} == {Status.BEHIND}
    assert [one.needs_attention for one in (behind, changed, remade)] == [False, True, True]
    assert cell_texts(remade, NOW)[1].endswith("made by hand")
