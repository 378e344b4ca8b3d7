"""Looks for whatever a lab has on this machine, so that 'nothing is left' is a finding and not a hope."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tests.lab.network import LabNetwork
from tests.lab.processes import Process, ancestors, command_line, everyone, variables
from tests.lab.programs import run


def leftovers(network: LabNetwork, folder: Path | None) -> list[str]:
    """Everything of a lab that is on this machine now, a line each. Those who ask about it don't count."""
    processes = set(_mentioning(folder)) if folder is not None else set()
    found = []
    # Its number may be another lab's by now.
    if network.folder() in (None, folder):
        processes |= set(network.processes())
        found += [f"namespace {name}" for name in network.namespaces()]
        found += [f"link {network.name}"] if network.linked() else []
        found += [f"control group {group}" for group in network.groups()]
        found += [f"firewall rule {rule}" for rule in _rules(network)]
    found += [f"process {each.pid}: {command_line(each.pid)[:150]}" for each in processes]
    if folder is not None:
        found += [f"mount {mount}" for mount in mounts_below(folder)]
        found += [f"folder {folder}"] if folder.exists() else []
    return found


def mounts_below(folder: Path) -> list[str]:
    """The mount points in a folder, the innermost first."""
    points = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        # Blanks and their like are written as octal numbers.
        point = re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), line.split()[4])
        if point == str(folder) or point.startswith(f"{folder}{os.sep}"):
            points.append(point)
    return sorted(points, reverse=True)


def _mentioning(folder: Path) -> Iterator[Process]:
    """Those that were started with its folder's name."""
    asking = ancestors()
    mention = re.compile(rf"{re.escape(str(folder))}(?![\w.-])")
    for process in everyone():
        if process.pid not in asking:
            words = (command_line(process.pid), *variables(process.pid))
            if any(mention.search(word) for word in words):
                yield process


def _rules(network: LabNetwork) -> list[str]:
    """Rules of this machine's own firewall that name the lab; the lab never makes any."""
    words = (network.name, network.address(0).removesuffix("0"))
    rules = run(["iptables-save"], check=False).stdout.splitlines()
    return [rule for rule in rules if any(re.search(rf"\b{re.escape(word)}", rule) for word in words)]
