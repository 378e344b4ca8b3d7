"""Finds the programs that Debian's packages bring, and runs them in an environment of the lab's own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DEBIAN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where Debian's packages put programs. /usr/local is left out: another Docker client may be there."""


class LabError(Exception):
    """Something that the lab needs is missing or failed; the sentence says what, and what to do."""


def run(
    command: Sequence[str],
    *,
    feed: bytes | str | None = None,
    environment: Mapping[str, str] | None = None,
    check: bool = True,
    timeout: float = 60.0,
    user: tuple[int, int] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run one of Debian's programs to its end, `timeout` seconds at most, with `feed` on its input.

    `user` is the uid and gid it runs as. Raises LabError when it is missing, too slow, or fails while `check` is on.
    """
    given = feed.encode() if isinstance(feed, str) else feed
    person = Person.of(user)
    argv = [find(command[0]), *command[1:]]
    try:
        raw = subprocess.run(
            argv,
            input=b"" if given is None else given,
            capture_output=True,
            env=dict(environment or base_environment()),
            timeout=timeout,
            check=False,
            cwd="/",
            user=person.uid,
            group=person.gid,
            extra_groups=person.groups,
        )
    except subprocess.TimeoutExpired as failure:
        raise LabError(f"`{' '.join(command)}` took longer than {timeout:.0f} s.") from failure
    done = subprocess.CompletedProcess(argv, raw.returncode, _text(raw.stdout), _text(raw.stderr))
    if check and done.returncode:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise LabError(f"`{' '.join(command)}` failed with code {done.returncode}: {said}")
    return done


def find(name: str) -> str:
    """The full path of one of Debian's programs. Raises LabError when it isn't installed."""
    for folder in DEBIAN_PATH.split(":"):
        candidate = Path(folder) / name
        if candidate.exists() and os.access(candidate, os.X_OK):
            return str(candidate)
    raise LabError(f"The lab needs {name}, which is not installed. As root run: tests/lab/install-packages --lab")


def base_environment(home: Path | None = None) -> dict[str, str]:
    """The environment of the lab's processes: nothing of the caller's Docker set-up, proxies, keyring or session.

    How much garbage daemons may let pile up is the caller's to say: they spare processor time for memory.
    """
    garbage = {name: os.environ[name] for name in ("GOGC",) if name in os.environ}
    return {"PATH": DEBIAN_PATH, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": str(home or "/")} | garbage


@dataclass(frozen=True, slots=True)
class Person:
    """Who a program is to run as, in subprocess's words: None where it is the one we run as."""

    uid: int | None = None
    gid: int | None = None
    groups: Sequence[int] | None = None

    @classmethod
    def of(cls, user: tuple[int, int] | None) -> Person:
        """The person with this uid and gid, and no other groups."""
        if user is None or user == (os.geteuid(), os.getegid()):
            return cls()
        return cls(user[0], user[1], ())


def require_root() -> None:
    """Raise LabError, in words, when this isn't root."""
    if os.geteuid() != 0:
        raise LabError(
            "The lab needs root: it makes network namespaces and starts Docker engines in them. Run this again as root."
        )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
