"""Files: what a command reads from files and standard input, and writes to files."""

from __future__ import annotations

import sys
from pathlib import Path

from mirror_console.domain.secret import Secret
from mirror_console.errors import ConsoleError, InvalidInput, Problem
from mirror_console.operations.key_file import read_key_file

LONGEST_SECRET = 64 * 1024


def read_text(path: Path, field: str) -> str:
    """The text of a file, or of standard input for ``-``. Raises InvalidInput."""
    try:
        return sys.stdin.read() if str(path) == "-" else path.expanduser().read_text("utf-8")
    except UnicodeDecodeError:
        why = "it is no text in UTF-8"
    except OSError as error:
        why = error.strerror or str(error)
    raise InvalidInput(f"{_called(path)} can't be read.", [Problem(field, why)])


def read_secret(path: Path, field: str) -> Secret:
    """A secret from a file, or from standard input for ``-``; the line end at its end isn't part of it.

    Raises InvalidInput.
    """
    text = read_text(path, field).rstrip("\r\n")
    if not text:
        if str(path) == "-":
            raise InvalidInput("No secret came on standard input.", [Problem(field, "nothing was typed or piped in")])
        raise InvalidInput(f"{path} holds no secret.", [Problem(field, "the file is empty")])
    if len(text) > LONGEST_SECRET:
        why = f"it is longer than {LONGEST_SECRET:,} characters"
        raise InvalidInput(f"{_called(path)} holds no secret.", [Problem(field, why)])
    return Secret(text)


def read_key(path: Path, field: str) -> Secret:
    """A private key from a file that nobody else can read, or from standard input for ``-``. Raises InvalidInput."""
    return read_secret(path, field) if str(path) == "-" else read_key_file(path.expanduser(), LONGEST_SECRET, field)


def _called(path: Path) -> str:
    return "Standard input" if str(path) == "-" else str(path)


def write_text(path: Path, text: str) -> None:
    """Write a file. Raises ConsoleError."""
    try:
        # Line ends are the text's own, whatever the system's are.
        path.expanduser().write_text(text, "utf-8", newline="")
    except OSError as error:
        raise ConsoleError(f"{path} can't be written: {error.strerror}.", "Choose another file.") from error
