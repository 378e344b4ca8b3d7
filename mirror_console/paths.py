"""Where the program keeps its files, and where the files that come with it are."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "MIRROR_CONSOLE_HOME"
"""Names a folder below which everything is kept instead: a sample, a second catalog, a test."""

_NAME = "mirror-console"


def catalog_path() -> Path:
    """The catalog's file. Neither it nor its folder need exist."""
    home = _home()
    return (home or platformdirs.user_data_path(_NAME, appauthor=False)) / "catalog.sqlite"


def state_dir() -> Path:
    """The folder for what the program remembers by itself, such as the window's place."""
    home = _home()
    return home / "state" if home else platformdirs.user_state_path(_NAME, appauthor=False)


def log_dir() -> Path:
    """The folder for logs."""
    home = _home()
    return home / "log" if home else platformdirs.user_log_path(_NAME, appauthor=False)


def config_dir() -> Path:
    """The folder for preferences."""
    home = _home()
    return home / "config" if home else platformdirs.user_config_path(_NAME, appauthor=False)


def preferences_path() -> Path:
    """The file of the preferences. It need not exist."""
    return config_dir() / "preferences.json"


def resources() -> Path:
    """The folder of icons, sample, help and changelog: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "resources"
    return inside if inside.is_dir() else package.parent / "resources"


def private_folder(folder: Path) -> Path:
    """Make a folder, with those above it, that only this person can look into. One that is there stays as it is.

    Raises OSError.
    """
    missing = [folder, *folder.parents]
    for part in reversed(missing):
        if not part.is_dir():
            part.mkdir(mode=0o700, exist_ok=True)
    return folder


def _home() -> Path | None:
    named = os.environ.get(HOME_VARIABLE, "").strip()
    return Path(named).expanduser().absolute() if named else None
