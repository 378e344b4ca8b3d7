"""Text from outside is made safe to show."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror_console.domain.plain import LONGEST, clean, plain_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – ünïcode 漢字 🙂", "plain – ünïcode 漢字 🙂"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://example.invalid\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1bPdevice\x1b\\text", "text"),
        ("\x9b31mred", "red"),
        ("one\r\ntwo\tthree", "one two three"),
        ("a\x00b\x7fc\x85d", "abc d"),
        ("safe\u202egnp.exe", "safe\ufffdgnp.exe"),
        ("zero\u200bwidth\ufeff", "zero\ufffdwidth\ufffd"),
        ("  around  ", "around"),
        ("unfinished \x1b]0;never ends", "unfinished"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_what_is_too_long_says_so() -> None:
    assert clean("x" * 10_000_000) == "x" * (LONGEST - 1) + "…"


@given(st.text())
def test_nothing_that_steers_a_terminal_or_deceives_the_eye_comes_through(text: str) -> None:
    shown = clean("\x1b[" + text)
    assert not [sign for sign in shown if unicodedata.category(sign) in {"Cc", "Cs"} or sign in "\u202e\u200b\u2066"]
    assert len(shown) <= LONGEST
    assert clean(shown) == shown


@given(st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=9), min_size=1, max_size=5))
def test_lines_stay_lines_and_keep_their_indentation(words: list[str]) -> None:
    lines = [f"{'  ' * place}{word}" for place, word in enumerate(words)]
    assert plain_lines("".join(f"{line}\x1b[0m\x00 \r\n" for line in lines)) == "\n".join(lines)


def test_tabs_indent_as_on_a_terminal_and_nothing_else_steers_it() -> None:
    assert plain_lines("Traceback:\n\tline 1\x07\n\n\x1b[31mred\u202e\n") == "Traceback:\n        line 1\n\nred\ufffd"
