"""The sample's driver: starts the sample, shows the console on it, and takes it away. Called by packaging/demo.

Root is needed for the real engines alone: the command line and the window are run as the person who called.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sample_base import Place, Sample, say  # noqa: E402 - the checkout is put on the path first
from sample_lock import alone_with  # noqa: E402
from sample_real import RealSample  # noqa: E402
from sample_simulated import SimulatedSample  # noqa: E402
from sample_story import tell_story  # noqa: E402

UP = "up"
"""Says, in the sample's folder, that it was started and filled to the end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    options = _parser().parse_args(arguments)
    if options.stop:
        return _stop_all(simulated_only=options.simulated)
    place = _place(simulated=options.simulated)
    sample: Sample = SimulatedSample(place) if options.simulated else RealSample(place)
    with alone_with(place.folder):
        if (place.folder / UP).exists() and sample.is_up():
            say(f"The sample is up already, in {place.folder}.")
        else:
            _start(sample)
        if options.no_window or not sample.can_show_windows():
            if not options.no_window:
                say("There is no display that can be used: the whole job is done on the command line instead.")
            return tell_story(sample)
    say("Opening the window. Close it when you are done; 'packaging/demo --stop' takes the sample away.")
    return sample.console(check=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="packaging/demo", description="Shows Mirror Console at work on a sample.")
    parser.add_argument("--simulated", action="store_true", help="on the engine simulator, without root and Docker")
    parser.add_argument("--no-window", action="store_true", help="do the job on the command line")
    parser.add_argument("--stop", action="store_true", help="take the sample away")
    return parser


def _place(*, simulated: bool) -> Place:
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0 and os.environ.get("SUDO_UID", "").isdigit() and os.environ.get("SUDO_GID", "").isdigit():
        uid, gid = int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
    # Short: the path of a socket is limited to about a hundred characters.
    top = Path("/var/tmp")  # noqa: S108 - the folder in it is made by us, and refused where it is another's
    return Place(top / f"mirror-console-{'simulated' if simulated else 'demo'}-{uid}", uid, gid)


def _start(sample: Sample) -> None:
    place = sample.place
    _take_away(sample)
    place.folder.mkdir(mode=0o755)
    for folder in (place.home, place.pictures):
        folder.mkdir(mode=0o700)
        os.chown(folder, place.uid, place.gid)
    try:
        sample.start()
        (place.folder / UP).touch()
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt):
            sample.tell_logs()
        say("Starting failed: what was started is taken away again.")
        _take_away(sample)
        raise


def _stop_all(*, simulated_only: bool) -> int:
    samples: list[Sample] = [SimulatedSample(_place(simulated=True))]
    if not simulated_only and os.geteuid() == 0:
        samples.append(RealSample(_place(simulated=False)))
    there = [sample for sample in samples if sample.place.folder.exists()]
    for sample in there:
        with alone_with(sample.place.folder):
            _take_away(sample)
        say(f"The sample in {sample.place.folder} is gone: its engines, containers, catalog and keyring.")
    if not there:
        say("There is no sample to take away.")
    say("Packages that were installed stay: those of Debian, and the virtual environment .venv.")
    return 0


def _take_away(sample: Sample) -> None:
    """Stop what runs of the sample, whatever state it is in, and remove its folder."""
    folder = sample.place.folder
    if not folder.exists():
        return
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise SystemExit(f"{folder} belongs to somebody else. Have it removed, then try again.")
    sample.stop()
    shutil.rmtree(sample.place.folder)


if __name__ == "__main__":
    sys.exit(main())
