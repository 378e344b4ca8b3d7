"""Faults of the catalog's file: the console is killed, and the file is damaged, or not all of it is there any more.

What can't be read is told, with what to do, and nothing is changed; then a person does so, and puts the copy back that
was made before the rollout. That one knows nothing of it: what stands on the engine brings it to its end.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

from tests.campaign_parts import asked
from tests.campaign_parts.checker import Violation
from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.faults.console import recovered
from tests.campaign_parts.faults.engine import PLACES
from tests.campaign_parts.faults.two import TAKE_OVER
from tests.campaign_parts.making import played
from tests.campaign_parts.play import CONTINUE, PUT_BACK, Play, Point, Role, is_stopped, kill
from tests.campaign_parts.world import HOST, World

PAGE = 4096
LOCKED = PLACES[:-1]
"""Where the lock is there: by it others know that there is something in the middle."""
ROLES = (Role(kept=True, scene={"stop_seconds": 1}), Role(goal="exits-at-once", scene={"stop_seconds": 1}))
DISK = 300
"""Megabytes of a disk that loses its power. With less free than 200 no rollout is begun."""


# --- damage ---------------------------------------------------------------------------------------------------------


def _scribbled(file: Path, dice: Random) -> None:
    """Pages hold something else; its log, in which newer ones may stand, is gone."""
    _without_log(file)
    pages = file.stat().st_size // PAGE
    with file.open("r+b") as spoilt:
        for page in dice.sample(range(1, pages), min(8, pages - 1)):
            spoilt.seek(page * PAGE)
            spoilt.write(dice.randbytes(PAGE))


def _head_lost(file: Path, _dice: Random) -> None:
    with file.open("r+b") as spoilt:
        spoilt.write(bytes(PAGE))


def _cut(file: Path, dice: Random) -> None:
    _without_log(file)
    with file.open("r+b") as spoilt:
        spoilt.truncate(dice.randrange(1, file.stat().st_size // PAGE) * PAGE)


def _empty(file: Path, _dice: Random) -> None:
    _without_log(file)
    file.write_bytes(b"")


def _gone(file: Path, _dice: Random) -> None:
    file.unlink()


def _without_log(file: Path) -> None:
    for ending in ("-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


DAMAGES: tuple[Callable[[Path, Random], None], ...] = (_scribbled, _head_lost, _cut, _empty, _gone)
"""Each of them leaves something that is seen at once. What isn't, such as an older copy, is put in place afterwards."""


def damaged(world: World, point: Point) -> Outcome:
    """The file is spoilt, and told to be; then it is as if a person had put an older copy in its place."""
    damage = point.one_of(DAMAGES)
    place = LOCKED[point.number * 5 % len(LOCKED)]
    role = point.dice.choice(ROLES)
    with played(world, world.stage(HOST), point, role) as play:
        play.place = f"killed at {place}, then the catalog's file is spoilt: {damage.__name__.strip('_')}"
        copy = play.program.home.with_name(f"{play.program.home.name}-copy")
        with play.running("catalog", "backup", str(copy)) as command:
            play.ended(command)
        with play.start(stop_at=place) as command:
            if is_stopped(command):
                kill(command)
            play.ended(command)
        damage(play.program.catalog, play.dice)
        play.wrong += _told(play)
        play.program.catalog.unlink(missing_ok=True)
        _without_log(play.program.catalog)
        shutil.move(copy, play.program.catalog)
        with play.running(*TAKE_OVER, gone=True) as command:
            play.ended(command)
        return outcome(play, play.recover())


def _told(play: Play) -> list[Violation]:
    """Whether each command says that the file is spoilt and what to do, and leaves file and engine as they are."""
    wrong, law = [], "a damaged catalog is told, and nothing is done"
    file = play.program.catalog
    before = asked.picture(play.case.engine, play.scene.container)
    kept = file.read_bytes() if file.exists() else None
    for choice in (("recover", "list"), CONTINUE, PUT_BACK):
        with play.running(*choice) as command:
            ended = play.ended(command)
        said = ended.said if ended is not None else ""
        if ended is None or not ended.exit_code or "backup" not in said or str(file) not in said:
            wrong.append(Violation(law, f"{' '.join(choice)} says: {said[-900:]}"))
    changed = asked.differ(before, asked.picture(play.case.engine, play.scene.container))
    if changed or kept != (file.read_bytes() if file.exists() else None):
        wrong.append(Violation(law, "the file or the engine was changed"))
    return wrong


# --- a power cut ----------------------------------------------------------------------------------------------------


def power_lost(world: World, point: Point) -> Outcome:
    """The console's computer loses its power: what wasn't brought to the disk by then is gone.

    What the engine has done must have been announced by what is on the disk.
    """
    place = PLACES[point.number * 5 % len(PLACES)]
    role = point.dice.choice((Role(kept=True), Role(goal="exits-at-once"), Role(old=None)))
    with played(world, world.stage(HOST), point, role) as play, _on_a_disk(play.program.home) as disk:
        with play.start(stop_at=place) as command:
            if is_stopped(command):
                disk.lose_power()
                kill(command)
            play.ended(command)
        disk.power_on()
        ended = recovered(play)
        return replace(ended, place=f"the power went, {ended.place}")


class _Disk:
    """A file system in a file, which has only what was brought to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder.with_name(f"{folder.name}.disk")
        self._then = folder.with_name(f"{folder.name}.disk-then")

    def make(self) -> None:
        with self._file.open("wb") as file:
            file.truncate(DISK * 1024 * 1024)
        _run(
            "mkfs.ext4",
            "-q",
            "-m",
            "0",
            "-E",
            "lazy_itable_init=1,lazy_journal_init=1",
            "-J",
            "size=4",
            str(self._file),
        )
        content = {file.name: file.read_bytes() for file in self._folder.iterdir() if file.is_file()}
        self._mount(self._file)
        self._folder.chmod(0o700)
        (self._folder / "lost+found").rmdir()
        for name, written in content.items():
            (self._folder / name).write_bytes(written)
            (self._folder / name).chmod(0o600)
        _run("sync", "-f", str(self._folder))

    def lose_power(self) -> None:
        """What is on it at this instant is what will be."""
        _run("cp", "--sparse=always", str(self._file), str(self._then))

    def power_on(self) -> None:
        """From then on it is as it was at that instant, if there was one."""
        if self._then.exists():
            _run("umount", str(self._folder))
            self._then.replace(self._file)
            self._mount(self._file)

    def take_away(self) -> None:
        _run("umount", "--lazy", str(self._folder))
        self._file.unlink()
        self._then.unlink(missing_ok=True)

    def _mount(self, file: Path) -> None:
        # By itself it would bring what it has to the disk every five seconds.
        _run("mount", "-o", "loop,commit=300", str(file), str(self._folder))


@contextmanager
def _on_a_disk(folder: Path) -> Iterator[_Disk]:
    disk = _Disk(folder)
    disk.make()
    try:
        yield disk
    finally:
        disk.take_away()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


FAULTS = (
    Fault("catalog-damaged", "the catalog's file is damaged", damaged, share=0.4, at_once=2),
    Fault("power-lost", "power cut of the console's computer", power_lost, share=0.4),
)
