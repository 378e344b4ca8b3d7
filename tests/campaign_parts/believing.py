"""Mutants that believe what an engine says, and do what it wants: for the fault of an engine that is hostile."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import requests
from rich.text import Text

from mirror_console.engine.client import EngineClient
from mirror_console.engine.failures import Refusal
from tests.campaign_parts.mutant import Mutant, put

output: Any = importlib.import_module("mirror_console.cli.output")
transport: Any = importlib.import_module("mirror_console.engine.transport")
translate: Any = importlib.import_module("mirror_console.engine.translate")
HOSTILE = ("hostile",)


def _read_to_the_end() -> None:
    def whole(_length: int | None, coming: Iterable[bytes], *_limits: object) -> bytes:
        return b"".join(coming)

    put(transport, "_whole", whole)


def _look_through_all_words() -> None:
    def keep(refusal: Refusal, status: int, words: str | None) -> None:
        refusal.status, refusal.words = status, words

    put(Refusal, "__init__", keep)


def _look_where_it_points() -> None:
    put(EngineClient, "get_redirect_target", requests.Session.get_redirect_target)


def _read_markup() -> None:
    put(output, "Text", lambda words, style="": Text.from_markup(words.replace("[link=", "["), style=style))


def _show_as_it_came() -> None:
    put(translate, "clean", lambda text, _longest=0: text)


BELIEVING = (
    Mutant("no-end", "a reply is read to its end, however long it is", HOSTILE, _read_to_the_end),
    Mutant("all-words", "a refusal is looked through, however long it is", HOSTILE, _look_through_all_words),
    Mutant("points", "it is looked at where a reply points", HOSTILE, _look_where_it_points),
    Mutant("markup", "the command line reads markup", HOSTILE, _read_markup),
    Mutant("as-it-came", "what an engine says is shown as it came", HOSTILE, _show_as_it_came),
)
