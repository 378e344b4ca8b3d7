"""Text that comes from outside, made safe to show and to log: without control characters, and not endless."""

from __future__ import annotations

import re

LONGEST = 500
"""Characters of an engine's words that are kept."""

_SEQUENCES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating system commands: titles, links
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # device control, privacy and application strings
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours and cursor movements
    r"|\x1b[ -/]*[0-~]?"
)
_SPACES = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Marks that turn the direction of text round, that can't be seen, or that are half a character.
_DECEIVING = re.compile(r"[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def clean(text: str, longest: int = LONGEST) -> str:
    """One line without escape sequences and control characters. What would deceive the eye is shown as a sign."""
    if text.isascii() and text.isprintable() and len(text) <= longest:
        return text.strip()  # nearly all there is, and a listing has thousands
    # What is far longer than what is kept isn't worth the work.
    text = _SEQUENCES.sub("", text[: longest * 8])
    text = _CONTROLS.sub("", _SPACES.sub(" ", text))
    text = _DECEIVING.sub(_REPLACEMENT, text).strip()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def plain(text: str) -> str:
    """The same, whole: for what is read by a person who asked for it, such as a report."""
    return clean(text, max(LONGEST, len(text) + 1))


def plain_lines(text: str) -> str:
    """Text of several lines, each made safe in the same way: where its lines end and how they are indented is kept."""
    return "\n".join(indented(line.expandtabs()) for line in text.splitlines())


def indented(line: str) -> str:
    """One line, made safe, with the spaces that it begins with."""
    body = line.lstrip(" ")
    return f"{' ' * (len(line) - len(body))}{plain(body)}".rstrip(" ")


def quoted(command: str) -> str:
    """A command within a sentence, in marks that it has none of itself: “sh -c 'exit 1'”."""
    return f"“{command}”" if "'" in command else f"'{command}'"
