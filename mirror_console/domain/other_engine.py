"""Another engine than before: what is said where the daemon at an engine's address knows itself by another identity."""

from __future__ import annotations

from mirror_console.domain.engine import Engine, EngineFacts


def is_other(engine: Engine, facts: EngineFacts) -> bool:
    """Whether another daemon answers than the one that was there. One that isn't known by its identity yet is none."""
    return bool(engine.identity) and facts.identity != engine.identity


def other_words(engine: Engine) -> str:
    """What that means."""
    return f"What answers at the address of {engine.name} is not the engine that was there before."


OTHER_REMEDY = "Find out what became of its host. If it was set up anew on purpose, accept it"
"""What to do about it; how it is accepted follows."""
