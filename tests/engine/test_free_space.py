"""What is read of the tables that 'df' writes, as several of its makers write them."""

from __future__ import annotations

import pytest

from mirror_console.domain.room import Room
from mirror_console.engine.free_space import of_folder, told

GNU = (
    "Filesystem     1024-blocks     Used Available Capacity Mounted on\n"
    "/dev/vda         263982360 27188508  79543180      26% /\n"
)
GNU_FILES = (
    "Filesystem       Inodes  IUsed    IFree IUse% Mounted on\n/dev/vda       16777216 513565 16263651    4% /\n"
)
BUSYBOX = (
    "Filesystem           1024-blocks    Used Available Capacity Mounted on\noverlay              100 60 40  60% /\n"
)
BTRFS_FILES = "Filesystem     Inodes IUsed IFree IUse% Mounted on\n/dev/sda2           0     0     0     - /\n"


@pytest.mark.parametrize(
    ("written", "of_files", "room"),
    [
        (GNU, GNU_FILES, Room(79543180 * 1024, 263982360 * 1024, 16263651, 16777216)),
        (GNU, "", Room(79543180 * 1024, 263982360 * 1024)),
        (BUSYBOX, "df: unrecognized option: i\n", Room(40 * 1024, 100 * 1024)),
        # A file system without an end to its files tells of none.
        (GNU, BTRFS_FILES, Room(79543180 * 1024, 263982360 * 1024)),
        ("df: /x: No such file or directory\n", GNU_FILES, None),
        ("", "", None),
    ],
)
def test_what_df_tells(written: str, of_files: str, room: Room | None) -> None:
    assert told(written, of_files) == room


def test_a_folder_of_this_computer_is_looked_at() -> None:
    room = of_folder("/")
    assert room is not None
    assert room.total is not None
    assert 0 < room.free <= room.total
    assert of_folder("/nowhere/at/all") is None
