"""What commands print and return inside a simulated container: enough for disk space and for release commands."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

_SHELLS = {"sh", "ash", "bash"}
_FOLDERS = ("/app/", "/bin/", "/opt/", "/sbin/", "/srv/", "/usr/")


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """What a command printed, how long it took in seconds, and its exit code."""

    output: str
    exit_code: int = 0
    seconds: float = 0.0


def missing_program(command: Sequence[str]) -> str:
    """The engine's words when the command names a program outside the usual folders; else empty."""
    name = command[0] if command else ""
    if not name.startswith("/") or name.startswith(_FOLDERS):
        return ""
    return f'unable to start container process: exec: "{name}": stat {name}: no such file or directory: unknown'


def run_command(command: Sequence[str], free_kilobytes: int) -> CommandAnswer:
    """Answer the command. One that isn't known prints a line that says so, and succeeds."""
    words = list(command)
    while words and words[0].rpartition("/")[2] == "busybox":
        words = words[1:]
    name, rest = (words[0].rpartition("/")[2], words[1:]) if words else ("true", [])
    if name in _SHELLS and rest[:1] == ["-c"] and len(rest) > 1:
        return _run_script(rest[1], free_kilobytes)
    match name:
        case "df":
            return CommandAnswer(_FILES if "-Pi" in rest else _disk_table(free_kilobytes))
        case "echo":
            return CommandAnswer(" ".join(rest) + "\n")
        case "sleep":
            return CommandAnswer("", 0, _number(rest))
        case "exit":
            return CommandAnswer("", int(_number(rest)))
        case "seq":
            first, last = (int(_number(words)) for words in (rest[:1], rest[1:]))
            return CommandAnswer("".join(f"{number}\n" for number in range(first, last + 1)))
        case "true":
            return CommandAnswer("")
        case "false":
            return CommandAnswer("", 1)
        case _:
            return CommandAnswer(f"simulated: {shlex.join(words)}\n")


def _run_script(script: str, free_kilobytes: int) -> CommandAnswer:
    output, exit_code, seconds = "", 0, 0.0
    for separator, part in re.findall(r"(;|&&|^)([^;&]+)", script):
        if separator == "&&" and exit_code:
            continue
        words = shlex.split(part)
        if not words:
            continue
        answer = run_command(words, free_kilobytes)
        output, exit_code, seconds = output + answer.output, answer.exit_code, seconds + answer.seconds
        if words[0] == "exit":
            break
    return CommandAnswer(output, exit_code, seconds)


_FILES = (
    "Filesystem              Inodes   IUsed     IFree IUse% Mounted on\n"
    "overlay               16000000 1000000  15000000    7% /\n"
)


def _disk_table(free_kilobytes: int) -> str:
    total = max(100 * 1024 * 1024, free_kilobytes * 2)
    used = total - free_kilobytes
    share = round(100 * used / total)
    return (
        "Filesystem           1024-blocks    Used Available Capacity Mounted on\n"
        f"overlay              {total} {used} {free_kilobytes} {share:3d}% /\n"
    )


def _number(words: Sequence[str]) -> float:
    try:
        return float(words[0]) if words else 0.0
    except ValueError:
        return 0.0
