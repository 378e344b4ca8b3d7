"""The composition root: the only module that knows all the parts, and puts them together for a window or a command."""

from __future__ import annotations

import functools
import getpass
import logging
import logging.handlers
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mirror_console import paths, settings
from mirror_console.awake import ThisComputer
from mirror_console.cli import CliParts, ExitCode
from mirror_console.cli.output import Output
from mirror_console.domain.audit import Author
from mirror_console.engine import DockerEngines
from mirror_console.errors import NotAllowed, NoWindow, Problem
from mirror_console.hardening import RedactingFormatter
from mirror_console.jobs import JobEvent, Jobs, Patience
from mirror_console.operations.anchoring import Anchoring
from mirror_console.operations.console import Console, new_id
from mirror_console.operations.ports.vault import Vault as VaultPort
from mirror_console.store import Catalog, CatalogLock, Wishes
from mirror_console.ui.no_window import missing_library
from mirror_console.vault import MadeUpVault, SessionVault, Vault

SIMULATED = "simulated"
"""A file of this name beside a catalog says that its engines are simulated: every page and command then says so too."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """A console with its jobs, open until the end of the block that asked for it."""

    console: Console
    jobs: Jobs


def cli_parts() -> CliParts:
    """What the command line needs of the program around it."""
    return CliParts(
        open_console=_for_a_command,
        open_window=open_window,
        catalog_path=paths.catalog_path,
        backup=_backup,
        preferences_path=paths.preferences_path,
    )


@contextmanager
def _for_a_command(*, write: bool, read_only: str) -> Iterator[tuple[Console, Jobs]]:
    with opened(write=write, read_only=read_only) as parts:
        yield parts.console, parts.jobs


def _backup(copy: Path) -> None:
    catalog = Catalog.open(paths.catalog_path(), read_only=True)
    try:
        catalog.backup(copy)
    finally:
        catalog.close()


def open_window(read_only: str = "") -> int:
    """Open the console's window on the catalog, or raise the window that has it already. The exit code.

    Raises NoWindow, NotAllowed and CatalogError.
    """
    try:
        from mirror_console.ui.desktop import application, run_window
        from mirror_console.ui.raising import raise_other
        from mirror_console.ui.signals import Signals
    except ImportError as error:
        if refusal := missing_library(error):
            raise refusal from error
        raise

    application(_end_without_window)
    signals = Signals()
    catalog = paths.catalog_path()
    try:
        with opened(holder="window", read_only=read_only, listener=signals.report_job) as parts:
            place = paths.preferences_path()
            problems: list[Problem] = []
            preferences = settings.load(place, problems.append)
            for problem in problems:
                logger.warning("preferences: %s", problem)
            state = paths.private_folder(paths.state_dir()) / "window.ini"
            keep = functools.partial(settings.save, place)
            return run_window(parts.console, parts.jobs, signals, preferences, keep, catalog, state)
    except NotAllowed:
        if raise_other(catalog):
            Output().say("The catalog is open in a window already, which was brought to the front.")
            return ExitCode.FINE
        raise


def _end_without_window(error: NoWindow) -> None:
    """Say why, and end the program here and now: it is in the midst of Qt, which no exception passes through."""
    Output().error(error)
    logging.shutdown()
    sys.stderr.flush()
    os._exit(ExitCode.FAILED)


@contextmanager
def opened(
    *,
    holder: str = "command",
    write: bool = True,
    read_only: str = "",
    listener: Callable[[JobEvent], None] | None = None,
) -> Iterator[Opened]:
    """Open the catalog and everything that works on it.

    `write` takes the catalog's lock for a ``window`` or a ``command``; without it, only reading is possible, and the
    lock is taken only where there is no catalog yet or one in an earlier version's form.
    `read_only` is why the person may change nothing. Raises CatalogError and NotAllowed.
    """
    path = paths.catalog_path()
    person, machine = who()
    run = new_id()
    lock = CatalogLock(path, person=person, machine=machine, run=run, clock=clock)
    if write:
        lock.acquire(holder)
    try:
        catalog = Catalog.open(
            path,
            read_only=not write,
            author=Author(clock, person, machine, run),
            claim=functools.partial(lock.acquire, holder),
        )
        simulated = path.with_name(SIMULATED).exists()
        vault: VaultPort = MadeUpVault() if simulated else SessionVault(Vault(catalog.id, within=Patience()))
        jobs = Jobs(listener) if listener else Jobs()
        engines = DockerEngines(vault, clock)
        console = Console(
            catalog=catalog,
            engines=engines,
            vault=vault,
            clock=clock,
            monotonic=awake_seconds,
            sleep=time.sleep,
            person=person,
            machine=machine,
            read_only=read_only or ("" if write else "This command only reads."),
            simulated=simulated,
            run=run,
            wishes=Wishes(path),
            holder=lambda: found.run if (found := lock.holder()) else "",
            computer=ThisComputer(),
        )
        anchoring = Anchoring(console, jobs)
        try:
            yield Opened(console, jobs)
        finally:
            jobs.close()
            anchoring.end()
            engines.close()
            catalog.close()
    finally:
        lock.release()


def clock() -> datetime:
    """The time of day in UTC."""
    return datetime.fromtimestamp(time.time(), UTC)


def awake_seconds() -> float:
    """Seconds of a clock that goes on while the computer sleeps, where the system has one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def who() -> tuple[str, str]:
    """The person's name on this computer, and the computer's name."""
    try:
        person = getpass.getuser()
    except (KeyError, OSError):
        person = f"user {os.getuid()}" if hasattr(os, "getuid") else "somebody"
    return person, platform.node() or "this computer"


class _LogFile(logging.handlers.RotatingFileHandler):
    """The log's file. What can't be written to it, on a full disk, is lost: it isn't said in place of the answer."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """Nothing: logging's own would print a traceback for each line."""


def keep_log() -> None:
    """Write what happens to a file in the person's log folder, without secrets."""
    try:
        folder = paths.private_folder(paths.log_dir())
        handler = _LogFile(folder / "mirror-console.log", maxBytes=1_000_000, backupCount=3)
    except OSError:
        # A full or read-only disk is no reason not to look something up.
        return
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for chatty in ("urllib3", "docker", "alembic", "sqlalchemy"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
