"""Docker: the way to every engine, its verbs in our words, and its replies and failures as values of ours."""

from mirror_console.engine.connections import DockerEngines

__all__ = ["DockerEngines"]
