"""The demo's own parts: one at a time, the way to the person's display, what a failed start tells, and its story."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"


def part(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of the demo, which are in no package."""
    monkeypatch.syspath_prepend(str(PACKAGING))
    return importlib.import_module(name)


HOLD = """
import sys
from pathlib import Path
from sample_lock import alone_with
with alone_with(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holding(folder: Path) -> subprocess.Popen[str]:
    """Another demo, at work on the sample in `folder` until its standard input ends."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    return subprocess.Popen(
        command, cwd=PACKAGING, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("end", ["as it should", "killed"])
def test_a_second_demo_is_told_of_the_first_and_may_when_it_is_done(tmp_path: Path, end: str) -> None:
    folder = tmp_path / "sample"
    with holding(folder) as first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        with holding(folder) as second:
            out, err = second.communicate(timeout=30)
        assert (second.returncode, out) == (1, "")
        assert err.startswith(f"Another packaging/demo is at work on the sample in {folder}: ")
        if end == "killed":
            first.kill()
        first.communicate(timeout=30)
    with holding(folder) as third:
        assert third.communicate(timeout=30)[0] == "held\n"
    assert list(tmp_path.iterdir()) == [], "nothing is left of the lock"


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sample.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SystemExit, match="can't be opened"):
        part("sample_lock", monkeypatch).alone_with(tmp_path / "sample").__enter__()
    assert not (tmp_path / "elsewhere").exists()


def test_the_way_to_the_display_is_kept_in_a_session_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = part("sample_display", monkeypatch).way_to_display
    runtime = Path("/run/user/1000")
    assert way({"DISPLAY": ":0"}, tmp_path, runtime) == {}, "there is no key"
    (tmp_path / ".Xauthority").touch()
    assert way({"DISPLAY": ":0"}, tmp_path, runtime) == {"XAUTHORITY": str(tmp_path / ".Xauthority")}
    assert way({"DISPLAY": ":0", "XAUTHORITY": "/run/key"}, tmp_path, runtime) == {}
    assert way({"WAYLAND_DISPLAY": "wayland-0"}, tmp_path, runtime) == {"WAYLAND_DISPLAY": "/run/user/1000/wayland-0"}
    assert way({"WAYLAND_DISPLAY": "/run/w"}, tmp_path, runtime) == {}
    assert way({}, tmp_path, runtime) == {}


class Played:
    """A sample whose console answers at once: what was run on it, in its order."""

    def __init__(self, folder: Path) -> None:
        self.place = self
        self.home = self.pictures = folder
        self.ran: list[tuple[str, ...]] = []

    def publish_next(self) -> str:
        return "26.9.0"

    def console(self, *arguments: str, check: bool) -> int:
        self.ran.append(arguments)
        return 1 if arguments[0] == "status" else 0

    def say_and_read(self, *arguments: str) -> str:
        self.ran.append(arguments)
        return (
            "Plan E0D5-6FCB to live, valid until 23:02\n24 targets on 4 engines in 3 waves (1 + 6 + 17); 0 left out\n"
        )

    def run(self, command: list[str], *, quiet: bool) -> int:
        assert quiet
        self.ran.append(("pictures", command[-1]))
        return 0

    def beside(self, command: list[str]) -> subprocess.Popen[bytes]:
        self.ran.append(("pictures", command[-1]))
        return subprocess.Popen(["true"])


def test_the_story_plans_once_and_shows_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = Played(tmp_path)
    assert part("sample_story", monkeypatch).tell_story(sample) == 0
    assert [words[:2] for words in sample.ran] == [
        ("status", "--refresh"),
        ("status", "--refresh"),
        ("rollout", "plan"),
        ("pictures", "plan"),
        ("pictures", "running"),
        ("rollout", "start"),
        ("rollout", "report"),
        ("rollout", "report"),
        ("status",),
        ("pictures", "pages"),
    ]
    (start,) = (words for words in sample.ran if words[:2] == ("rollout", "start"))
    assert start[2:4] == ("--plan", "E0D5-6FCB")
    assert start[-2:] == ("--yes", "24")
    said = capsys.readouterr().out
    assert "The mirrors are behind now:\n$ mirror-console status --refresh\n" in said


def simulated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    place = part("sample_base", monkeypatch).Place(folder, os.getuid(), os.getgid())
    return part("sample_simulated", monkeypatch).SimulatedSample(place)


def test_engines_that_do_not_answer_are_given_time_before_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample, rests = simulated(tmp_path, monkeypatch), list[float]()
    monkeypatch.setattr(part("sample_base", monkeypatch).time, "sleep", rests.append)
    answers = iter([{"failed": [1], "words": "busy"}, {"failed": [], "words": "fine"}])
    monkeypatch.setattr(sample, "ask", lambda *_words: next(answers))
    sample.check_quietly()
    monkeypatch.setattr(sample, "ask", lambda *_words: {"failed": [1], "words": "busy"})
    with pytest.raises(SystemExit, match="don't answer: busy"):
        sample.check_quietly()
    assert rests == [0.0, 3.0, 0.0, 3.0, 10.0]


def test_a_start_that_fails_tells_the_end_of_each_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "keyring-secrets.log").write_text("".join(f"line {number}\n" for number in range(40)))
    (tmp_path / "empty.log").touch()
    (tmp_path / "link.log").symlink_to("/etc/hostname")
    simulated(tmp_path, monkeypatch).tell_logs()
    lines = [f"  line {number}" for number in range(28, 40)]
    assert capsys.readouterr().out == "\n".join(["", "lab/keyring-secrets.log ends with:", *lines, ""])


@pytest.mark.slow
def test_a_display_is_tried_before_it_is_counted_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = simulated(tmp_path, monkeypatch)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not sample.can_show_windows()
    monkeypatch.setenv("DISPLAY", ":4098")
    assert sample.can_show_windows(), "the tests' own platform needs none"
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    assert not sample.can_show_windows()
