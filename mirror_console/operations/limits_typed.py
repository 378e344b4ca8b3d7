"""Limits typed: what processes are granted, as texts of forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mirror_console.domain.environment import Limits
from mirror_console.operations.typed import bytes_text, listed, parse_bytes, parse_list, parse_number, parse_whole


def parse_limits(text: str) -> Limits:
    """What is granted at most: ``256 MiB, 0.5 CPUs, 100 processes``, in any order. Raises ValueError."""
    found = Limits()
    for part in parse_list(text):
        number, _, unit = part.rpartition(" ")
        word = unit.lower()
        if word in {"cpu", "cpus"}:
            found = replace(found, cpus=parse_number(number))
        elif word in {"process", "processes"}:
            found = replace(found, pids=parse_whole(number))
        else:
            found = replace(found, memory=parse_bytes(part))
    return found


def limits_text(limits: Limits) -> str:
    """Limits as they are typed; ``none`` is written as a size of 0."""
    parts = [bytes_text(limits.memory)] if limits.memory else []
    parts += [f"{limits.cpus:g} CPUs"] if limits.cpus else []
    parts += [f"{limits.pids} processes"] if limits.pids else []
    return listed(parts) or "0"


def parse_limits_of(text: str) -> dict[str, Limits]:
    """Limits of processes, one ``worker = 256 MiB, 0.5 CPUs`` a line. Raises ValueError."""
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, sign, limits = line.partition("=")
        if not sign or not name.strip() or not limits.strip():
            raise ValueError(f"'{line}' is not a process with its limits: write worker = 256 MiB, 0.5 CPUs")
        found[name.strip()] = parse_limits(limits)
    return found


def limits_of_text(limits: Mapping[str, Limits]) -> str:
    """Limits of processes as they are typed."""
    return "\n".join(f"{name} = {limits_text(one)}" for name, one in limits.items())
