"""The lab by hand: ``python -m tests.lab start|status|stop|leftovers``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.lab.engine import EngineSpec
from tests.lab.lab import Lab, abandoned, ending_on_signals, running_labs, stop_in
from tests.lab.programs import LabError


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, or 1 when something failed, is missing or is left behind."""
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "start":
                return _start(options.folder, options.engine)
            case "status":
                return _status(options.folder)
            case "stop":
                return _stop(options.folder)
            case _:
                return _leftovers(options.folder)
    except LabError as failure:
        print(failure, file=sys.stderr)
        return 1


def _start(folder: Path, engines: Sequence[str]) -> int:
    with ending_on_signals():
        lab = Lab.start(folder, [_spec(text) for text in engines or ["local", "paris:tls", "oslo:tls"]], kept=True)
    _tell(lab)
    print(f"Stop it: {sys.executable} -m tests.lab stop {lab.folder}")
    return 0


def _status(folder: Path | None) -> int:
    labs = running_labs() if folder is None else [Lab.attach(folder)]
    if not labs:
        print("No lab runs.")
    for lab in labs:
        _tell(lab)
    return 0


def _stop(folder: Path) -> int:
    left = stop_in(folder)
    if left:
        print("\n".join(["This is left of it:", *left]), file=sys.stderr)
        return 1
    print("Stopped. Nothing of it is left; installed packages stay.")
    return 0


def _leftovers(folder: Path | None) -> int:
    left = abandoned() if folder is None else Lab.attach(folder).leftovers()
    print("\n".join(left) if left else "Nothing is left behind.")
    return 1 if left else 0


def _tell(lab: Lab) -> None:
    state = "runs until it is stopped" if lab.keeper is None else f"ends with process {lab.keeper.pid}"
    print(f"Lab {lab.network.number} in {lab.folder}, {state}")
    for engine in lab.engines.values():
        print(f"  engine {engine.name}: {engine.url} {'runs' if engine.running() else 'is stopped'}")
    if lab.jump_host.folder.exists():
        print(f"  jump host: {lab.jump_host.url()} {'runs' if lab.jump_host.running() else 'is stopped'}")
    if lab.registry.folder.exists():
        print(f"  registry: {lab.registry.address} {'runs' if lab.registry.answers() else 'is stopped'}")
    if lab.keyring.folder.exists():
        print(f"  keyring: {'runs' if lab.keyring.running() else 'is stopped'}")


def _spec(text: str) -> EngineSpec:
    name, *options = text.split(":")
    kind = {option: option in options for option in ("tls", "ssh", "podman")}
    return EngineSpec(name, bridge="no-bridge" not in options, **kind)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="start a lab that runs until it is stopped")
    start.add_argument("folder", type=Path, help="a new or empty folder with a short path")
    start.add_argument(
        "engine", nargs="*", help="NAME, or NAME:tls, :ssh, :no-bridge or :podman; else local, paris:tls and oslo:tls"
    )
    status = commands.add_parser("status", help="say what runs")
    status.add_argument("folder", type=Path, nargs="?", help="else every lab on this machine")
    stop = commands.add_parser("stop", help="take a lab away with its folder")
    stop.add_argument("folder", type=Path)
    left = commands.add_parser("leftovers", help="list what is there of a lab, or what labs that ended have left")
    left.add_argument("folder", type=Path, nargs="?")
    return parser


if __name__ == "__main__":
    sys.exit(main())
