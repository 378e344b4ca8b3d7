"""Plain: text that came from engines, registries and files, fit for a terminal, a report or a ticket."""

from __future__ import annotations

import re

_SEQUENCES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b]*(?:\x1b\\)?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b."
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DECEIVING = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]")


def plain(text: str) -> str:
    """One line without escape sequences and control characters; what turns or hides text is shown as a sign."""
    text = _SEQUENCES.sub("", text)
    text = re.sub(r"[\s\x85\u2028\u2029]+", " ", text)
    return _DECEIVING.sub("\ufffd", _CONTROLS.sub("", text)).strip()
