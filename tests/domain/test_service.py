"""Services: what came of asking one, that no secret is told of it, and which declarations are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.redaction import Hiding
from mirror_console.domain.request import Ran
from mirror_console.domain.service import (
    MOST,
    NOT_RUNNABLE,
    READ,
    SAID,
    Heard,
    Service,
    heard,
    service_problems,
    told,
)

DATABASE = Service("database", ("pg_isready", "-t", "3"))
NOTHING = Hiding(())


UNKNOWN = "Whether database answers isn't known: "


@pytest.mark.parametrize(
    ("ran", "what", "words"),
    [
        (Ran(0, "accepting connections\n"), Heard.ANSWERS, "database answers."),
        (
            Ran(2, "\n  db:5432 - no response.\nmore\n"),
            Heard.SILENT,
            "database doesn't answer: 'pg_isready -t 3' ended with 2: db:5432 - no response.",
        ),
        (Ran(1, ""), Heard.SILENT, "database doesn't answer: 'pg_isready -t 3' ended with 1."),
        (
            Ran(None, "", in_time=False),
            Heard.SILENT,
            "database doesn't answer: 'pg_isready -t 3' hadn't ended after 5 s.",
        ),
        (
            Ran(127, "sh: pg_isready: not found\n"),
            Heard.NOT_KNOWN,
            f"{UNKNOWN}'pg_isready -t 3' can't be run in the container, and ended with 127: sh: pg_isready: not found.",
        ),
        (
            Ran(126, "OCI runtime exec failed: exec failed: unable to start container process\r\n"),
            Heard.NOT_KNOWN,
            f"{UNKNOWN}'pg_isready -t 3' can't be run in the container, and ended with 126.",
        ),
        (
            Ran(None, "cannot exec in a paused container"),
            Heard.NOT_KNOWN,
            f"{UNKNOWN}the engine could not run 'pg_isready -t 3' in the container: cannot exec in a paused container.",
        ),
    ],
)
def test_what_came_of_it_in_words(ran: Ran, what: Heard, words: str) -> None:
    assert heard(DATABASE, ran, NOTHING) == (what, words)


def test_a_command_with_quotes_of_its_own_is_told_within_others() -> None:
    asking = Service("media", ("sh", "-c", "test -w /media"))
    assert heard(asking, Ran(None, "", in_time=False), NOTHING) == (
        Heard.SILENT,
        "media doesn't answer: “sh -c 'test -w /media'” hadn't ended after 5 s.",
    )


@given(st.integers(0, 255), st.text(max_size=40), st.booleans())
def test_only_zero_answers_and_what_was_not_asked_is_never_said_to_be_silent(
    code: int, said: str, timely: bool
) -> None:
    what, words = heard(DATABASE, Ran(code if timely else None, said, timely), NOTHING)
    assert (what is Heard.ANSWERS) is (timely and code == 0)
    assert (what is Heard.NOT_KNOWN) is (timely and code in NOT_RUNNABLE)
    assert (what is Heard.SILENT) is words.startswith("database doesn't answer")


def test_a_secret_that_was_typed_into_the_command_is_hidden_too() -> None:
    service = Service("cache", ("redis-cli", "-a", "hunter2-of-all", "ping"))
    assert "hunter2" not in heard(service, Ran(1, "with hunter2-of-all"), Hiding(["hunter2-of-all"]))[1]


@given(st.text("ab \n\x1b[m", max_size=60), st.text("abc/ ", min_size=3, max_size=9), st.text("ab\n", max_size=60))
def test_a_secret_is_never_told_and_neither_is_a_part_that_was_cut_off(before: str, secret: str, after: str) -> None:
    hidden = Hiding([f"q{secret}q"])
    words = told(f"{before}q{secret}q{after}", hidden)
    assert "q" not in words
    assert "\n" not in words
    # The same where its end wasn't read any more.
    for place in range(hidden.longest + 1):
        cut = ("\n" * (READ + place) + f"q{secret}q")[: READ + hidden.longest]
        assert "q" not in told(cut, hidden)


@given(st.text(max_size=3 * SAID))
def test_what_is_told_is_one_line_and_short(written: str) -> None:
    words = told(written, NOTHING)
    assert len(words) <= SAID
    assert words == words.strip()
    assert not set(words) & set("\n\r\x1b\x00")


def test_of_an_address_the_password_alone_is_hidden_too() -> None:
    hidden = Hiding(["postgres://shop:hunter2@db/shop"])
    assert told(
        "login as hunter2 failed for postgres://shop:hunter2@db/shop", hidden
    ) == "login as • failed for •".replace("•", told("hunter2", hidden))
    assert "hunter2" not in told("hunter2", hidden)


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (DATABASE, ""),
        (Service("Data base", ("true",)), "'Data base' is not a name"),
        (Service("database", ()), "which command asks 'database'"),
        (Service("database", ("a\0b",)), "NUL"),
        (Service("database", ("true",), 0.5), "from 1 s to 30 s"),
        (Service("database", ("true",), 31.0), "from 1 s to 30 s"),
    ],
)
def test_which_are_refused(service: Service, words: str) -> None:
    found = service_problems([service], "services")
    assert [words in one.words for one in found] == ([True] if words else [])


def test_two_of_one_name_and_too_many_are_refused() -> None:
    assert "declared twice" in service_problems([DATABASE, DATABASE], "services")[0].words
    several = [Service(f"service-{number}", ("true",)) for number in range(MOST + 1)]
    assert service_problems(several[:-1], "services") == []
    assert f"{MOST} services at most" in service_problems(several, "services")[0].words
