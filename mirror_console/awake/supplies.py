"""What this computer runs on, as Linux tells it in /sys."""

from __future__ import annotations

from pathlib import Path

from mirror_console.domain.power import Supply

SUPPLIES = Path("/sys/class/power_supply")


def supply_in(folder: Path = SUPPLIES) -> Supply:
    """What the supplies in a folder say together. One that can't be read says nothing."""
    try:
        supplies = sorted(folder.iterdir())
    except FileNotFoundError:
        return Supply.NO_BATTERY  # a kernel without any, such as a virtual machine's
    except OSError:
        return Supply.UNTOLD
    battery = plugged = unplugged = False
    for one in supplies:
        if _said(one, "scope") == "Device":
            continue  # of a mouse or a keyboard
        if _said(one, "type") == "Battery":
            if _said(one, "present") != "0":
                battery = True
                unplugged = unplugged or _said(one, "status") == "Discharging"
        elif online := _said(one, "online"):
            plugged = plugged or online != "0"
            unplugged = unplugged or online == "0"
    if not battery:
        return Supply.NO_BATTERY
    if plugged or not unplugged:
        return Supply.MAINS
    return Supply.BATTERY


def _said(supply: Path, about: str) -> str:
    try:
        return (supply / about).read_text("utf-8", "replace").strip()
    except OSError:
        return ""
