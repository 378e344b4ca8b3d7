"""Linux: the inhibitor is had over a real D-Bus, and ends with whoever has it.

What can't be real here is logind itself, which wants to be systemd's: a stand-in answers its one method with a real
pipe, and sees when that is closed, as logind does. That a system doesn't sleep then is logind's own word.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mirror_console.app import SIMULATED, opened
from mirror_console.awake import ThisComputer
from mirror_console.awake.logind import FORBIDDEN, NOBODY, hold
from mirror_console.paths import HOME_VARIABLE
from tests.awake.conftest import Logind, line_of, started

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="logind is Linux's")

ROOT = Path(__file__).parents[2]
HELD = "held sleep:idle|Mirror Console|A rollout is under way.|block"
OWNER = """
import sys
from mirror_console.awake import ThisComputer
with ThisComputer().awake():
    print("at work", flush=True)
    sys.stdin.read()
    {end}
"""

Starts = Callable[[str], Logind]


def computer() -> ThisComputer:
    return ThisComputer(hold)


def files() -> dict[int, str]:
    """What this process has open."""
    found = {}
    for one in os.listdir("/proc/self/fd"):
        try:
            found[int(one)] = os.readlink(f"/proc/self/fd/{one}")
        except FileNotFoundError:
            continue  # that of the listing itself
    return found


def test_it_is_held_within_the_block_and_no_longer_whatever_ends_it(logind: Starts) -> None:
    there = logind("allow")
    with computer().awake():
        assert there.says() == HELD
        assert there.says(0.1) == ""
    assert there.says() == "let go"
    with pytest.raises(ZeroDivisionError), computer().awake():
        raise ZeroDivisionError
    assert [there.says(), there.says()] == [HELD, "let go"]
    assert computer().power().refusal == ""
    assert [there.says(), there.says()] == [HELD, "let go"]


def test_one_within_another_lets_go_of_its_own_alone(logind: Starts) -> None:
    there = logind("allow")
    with computer().awake():
        with computer().awake():
            assert [there.says(), there.says()] == [HELD, HELD]
        assert there.says() == "let go"
        assert there.says(0.1) == ""
    assert there.says() == "let go"


def test_nothing_is_open_but_the_pipe_and_no_program_that_is_started_has_it(logind: Starts) -> None:
    there = logind("allow")
    before = files()
    with computer().awake():
        more = {number: kind for number, kind in files().items() if before.get(number) != kind}
        assert [kind.partition(":")[0] for kind in more.values()] == ["pipe"]
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        assert there.says() == HELD
        assert there.says() == "let go"
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
    assert files() == before


@pytest.mark.parametrize("end", ["kill", "error", "exit"])
def test_it_ends_with_the_console_however_that_ends(logind: Starts, end: str) -> None:
    there = logind("allow")
    owner = [sys.executable, "-c", OWNER.format(end={"error": "1 / 0", "exit": "import os; os._exit(0)"}.get(end, ""))]
    with started(owner, DBUS_SYSTEM_BUS_ADDRESS=there.bus, PYTHONPATH=str(ROOT)) as process:
        assert line_of(process) == "at work"
        assert there.says() == HELD
        if end == "kill":
            os.kill(process.pid, signal.SIGKILL)
        else:
            assert process.stdin
            process.stdin.close()
        assert there.says() == "let go"


def test_what_refuses_it_is_told_and_keeps_nothing_from_being_done(logind: Starts) -> None:
    for way, words in (("forbid", FORBIDDEN), ("other", NOBODY)):
        there = logind(way)
        assert computer().power().refusal == words
        there.process.kill()
        there.process.wait()


def test_without_a_logind_or_any_bus_that_is_told(bus: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere = (bus, f"unix:path={tmp_path / 'none'}", "tcp:host=nowhere", "no address", "unix:")
    for address in nowhere:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        before = files()
        done = False
        with computer().awake():
            done = True
        assert done
        assert computer().power().refusal == NOBODY
        assert files() == before


def test_a_bus_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, logind: Starts) -> None:
    there = logind("allow")
    monkeypatch.setattr("mirror_console.awake.logind.LONGEST", 0.2)
    os.kill(there.process.pid, signal.SIGSTOP)
    assert computer().power().refusal == NOBODY


def test_the_program_asks_it(logind: Starts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / SIMULATED).touch()
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    there = logind("allow")
    with opened() as parts, parts.console.computer.awake():
        assert there.says() == HELD
    assert there.says() == "let go"
