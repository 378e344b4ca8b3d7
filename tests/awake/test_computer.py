"""This computer elsewhere: what it runs on by a made-up /sys, macOS's program by a stand-in, and what isn't there.

Not real here: a battery, macOS's caffeinate, of which only the arguments and the end are looked at, and Windows, whose
power request could not be run.
"""

from __future__ import annotations

import os
import signal
import stat
import sys
from pathlib import Path

import pytest

from mirror_console.awake import ThisComputer, caffeinate, windows
from mirror_console.awake.hold import NotHeld, Release
from mirror_console.awake.supplies import supply_in
from mirror_console.domain.power import Power, Supply
from tests.awake.conftest import line_of, started

ROOT = Path(__file__).parents[2]
AC = {"type": "Mains", "online": "1"}
NO_AC = {"type": "Mains", "online": "0"}
FULL = {"type": "Battery", "scope": "System", "present": "1", "status": "Full"}
DRAINING = {"type": "Battery", "present": "1", "status": "Discharging"}
MOUSE = {"type": "Battery", "scope": "Device", "status": "Discharging"}
USB = {"type": "USB", "online": "1"}
NO_USB = {"type": "USB", "online": "0"}
TAKEN_OUT = {"type": "Battery", "present": "0", "status": "Unknown"}


@pytest.mark.parametrize(
    ("supplies", "supply"),
    [
        ([], Supply.NO_BATTERY),
        ([AC], Supply.NO_BATTERY),
        ([MOUSE], Supply.NO_BATTERY),
        ([AC, TAKEN_OUT], Supply.NO_BATTERY),
        ([AC, FULL, NO_USB], Supply.MAINS),
        ([NO_AC, FULL, USB], Supply.MAINS),
        ([AC, DRAINING], Supply.MAINS),
        ([FULL], Supply.MAINS),
        ([NO_AC, FULL], Supply.BATTERY),
        ([NO_AC, DRAINING, NO_USB, MOUSE], Supply.BATTERY),
        ([DRAINING], Supply.BATTERY),
    ],
)
def test_what_it_runs_on(tmp_path: Path, supplies: list[dict[str, str]], supply: Supply) -> None:
    for number, one in enumerate(supplies):
        folder = tmp_path / f"supply{number}"
        folder.mkdir()
        for about, words in one.items():
            (folder / about).write_text(words + "\n")
    (tmp_path / "empty").mkdir()
    assert supply_in(tmp_path) is supply


def test_where_nothing_is_told_of_supplies(tmp_path: Path) -> None:
    assert supply_in(tmp_path / "none") is Supply.NO_BATTERY
    (tmp_path / "file").write_text("")
    assert supply_in(tmp_path / "file") is Supply.UNTOLD


def stand_in(folder: Path) -> Path:
    """As caffeinate does, it notes nothing, and ends with the process that it was told of. It leaves its own words."""
    program = folder / "caffeinate"
    program.write_text(
        f'#!/bin/sh\nPATH=/usr/bin:/bin\ncd "{folder}"\necho "$$ $@" >told.part\n'
        'tr "\\0" "\\n" </proc/$$/environ >environment\nmv told.part told\nexec tail --pid="$3" -f /dev/null\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def told(folder: Path) -> list[str]:
    """What the stand-in was told, with its process first."""
    while not (folder / "told").exists():
        os.sched_yield()
    return (folder / "told").read_text().split()


def test_caffeinate_is_told_whom_to_watch_has_nothing_of_ours_and_is_gone_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRROR_CONSOLE_SECRET", "canary")
    program = stand_in(tmp_path)
    with ThisComputer(lambda: caffeinate.hold(program)).awake():
        process, *arguments = told(tmp_path)
        assert arguments == ["-i", "-w", str(os.getpid())]
        assert os.getsid(int(process)) == int(process)
        assert "canary" not in (tmp_path / "environment").read_text()
    with pytest.raises(ProcessLookupError):
        os.kill(int(process), 0)


def test_caffeinate_ends_with_a_console_that_is_killed(tmp_path: Path) -> None:
    program = stand_in(tmp_path)
    owner = (
        "import sys\nfrom pathlib import Path\nfrom mirror_console.awake import caffeinate\n"
        "caffeinate.hold(Path(sys.argv[1]))\nprint('at work', flush=True)\nsys.stdin.read()"
    )
    with started([sys.executable, "-c", owner, program], PYTHONPATH=str(ROOT)) as process:
        assert line_of(process) == "at work"
        left = os.pidfd_open(int(told(tmp_path)[0]))
        try:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            assert ended(left)
        finally:
            os.close(left)


def ended(process: int) -> bool:
    """Whether a process ends within a while."""
    import select

    return bool(select.select([process], [], [], 20)[0])


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotHeld, match="caffeinate can't be started"):
        caffeinate.hold(tmp_path / "none")
    if sys.platform != "win32":
        with pytest.raises(NotHeld):
            windows.hold()

    def refused() -> Release:
        raise NotHeld("for a reason")

    computer = ThisComputer(refused, lambda: Supply.BATTERY)
    assert computer.power() == Power(Supply.BATTERY, "for a reason")
    with pytest.raises(ZeroDivisionError), computer.awake():
        raise ZeroDivisionError
