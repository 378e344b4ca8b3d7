"""Where no window can be opened the program says why and what to do, and ends with its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mirror_console.cli import ExitCode
from mirror_console.paths import resources
from mirror_console.ui.no_window import missing_library

PACKAGES = " ".join((resources() / "qt-packages.txt").read_text("utf-8").split())
LAST = "All but the window works without it; 'mirror-console --help' lists the commands. What runs where is told by:"
CHOICES = {"DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "QT_QPA_PLATFORM"}


def started(tmp_path: Path, **choices: str) -> list[str]:
    """The lines that the program says on standard error, started so; it must end with its exit code, and no fault."""
    kept = {name: value for name, value in os.environ.items() if name not in CHOICES}
    done = subprocess.run(
        [sys.executable, "-m", "mirror_console"],
        env={**kept, "MIRROR_CONSOLE_HOME": str(tmp_path / "home"), **choices},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (ExitCode.FAILED, ""), done.stderr
    assert not (tmp_path / "home" / "catalog.sqlite").exists(), "it ended before anything was opened"
    # What the Wayland library says goes past Qt.
    return [line for line in done.stderr.splitlines() if "XDG_RUNTIME_DIR" not in line]


def without(tmp_path: Path, library: str) -> str:
    """A folder in which the loader finds no more than an empty file of that name."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / library).touch()
    return str(tmp_path / "lib")


def test_without_a_display(tmp_path: Path) -> None:
    title, hint, command = started(tmp_path)
    assert title == "There is no display to open a window on."
    assert hint.endswith(LAST)
    assert command == "  mirror-console status"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("choices", "title"),
    [
        (
            {"DISPLAY": ":98", "WAYLAND_DISPLAY": "/x"},
            "No display can be used: nothing answers at WAYLAND_DISPLAY=/x and DISPLAY=:98, or you are refused there.",
        ),
        (
            {"DISPLAY": ":4098", "QT_QPA_PLATFORM": "canvas"},
            "QT_QPA_PLATFORM says 'canvas', and Qt can open no window in that way here.",
        ),
    ],
    ids=["displays that aren't there", "a platform that isn't there"],
)
def test_with_a_display_that_is_none(tmp_path: Path, choices: dict[str, str], title: str) -> None:
    said = started(tmp_path, **choices)
    assert said[0] == title
    assert said[-1] == "  mirror-console status"


@pytest.mark.slow
@pytest.mark.parametrize("library", ["libEGL.so.1", "libxcb-cursor.so.0"], ids=["of Qt itself", "of one platform"])
def test_with_a_library_missing(tmp_path: Path, library: str) -> None:
    title, hint, *rest = started(tmp_path, DISPLAY=":4098", LD_LIBRARY_PATH=without(tmp_path, library))
    assert (
        title == f"The window can't be opened: the library {library}, which Qt draws with, is missing on this computer."
    )
    assert hint == f"Install what Qt needs (on Debian, as root: apt-get install {PACKAGES}). {LAST}"
    assert rest == ["  mirror-console status"]


@pytest.mark.parametrize(
    ("words", "library"),
    [
        ("libEGL.so.1: cannot open shared object file: No such file or directory", "libEGL.so.1"),
        ("/lib/x86_64-linux-gnu/libGL.so.1: file too short", "libGL.so.1"),
        ("No module named 'mirror_console.ui.nothing'", ""),
        ("cannot import name 'QFoo' from 'PySide6.QtCore' (/x/PySide6/QtCore.abi3.so)", ""),
    ],
)
def test_only_what_names_a_library_is_for_want_of_one(words: str, library: str) -> None:
    """Anything else that can't be imported is a fault of the program, and told as one."""
    refusal = missing_library(ImportError(words))
    assert (f" {library}, " in refusal.title) if library and refusal else (refusal is None and not library)
