"""Keeps this computer from falling asleep while a rollout is under way."""

from mirror_console.awake.computer import ThisComputer

__all__ = ["ThisComputer"]
