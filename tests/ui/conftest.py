"""A window's parts for tests: a real catalog, real jobs, engines that don't answer, answers instead of questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mirror_console.domain.engine import Engine
from mirror_console.domain.secret import Secret
from mirror_console.domain.ssh import Hop
from mirror_console.errors import EngineError, FailureKind
from mirror_console.jobs import Jobs
from mirror_console.operations.console import Console
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.settings import Preferences, Theme
from mirror_console.ui.context import UiContext
from mirror_console.ui.questions import Answer, Choice, Question, Questions
from mirror_console.ui.signals import Signals
from mirror_console.ui.theme import ThemeService
from mirror_console.vault import MemoryVault
from tests.catalogs import opened_catalog
from tests.ui.sample import NOW
from tests.ui.window_on import undress

WHOLE = frozenset({"page", "make_page", "window", "staged", "large_type"})
"""Fixtures that show a whole page or window."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole pages are slow. What the platform without a screen says of itself is no fault of the window."""
    here = Path(__file__).parent
    inside = {path: here in path.parents for path in {item.path for item in items}}
    for item in items:
        if inside[item.path]:
            item.add_marker(pytest.mark.qt_log_ignore("^This plugin does not support ", extend=True))
            if WHOLE.intersection(getattr(item, "fixturenames", ())):
                item.add_marker(pytest.mark.slow)


class SilentEngines:
    """Engines that all refuse the connection."""

    def session(self, engine: Engine) -> EngineSession:
        """Always refused."""
        raise EngineError(FailureKind.REFUSED, f"{engine.name} refused the connection.", "Look whether it runs.")

    def try_out(self, engine: Engine, secrets: Mapping[str, Secret]) -> EngineSession:
        """Always refused."""
        return self.session(engine)

    def entrance(self, engine: Engine) -> Hop | None:
        """As the address says."""
        return Hop(engine.address.host, engine.address.port) if engine.address.host else None

    def forget(self, engine_id: str) -> None:
        """Nothing is open."""

    def renew(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Answers(Questions):
    """Answers by itself, and keeps what it was asked."""

    answer: Answer = field(default_factory=lambda: Answer(True))
    chosen: str | None = None
    asked: list[Question] = field(default_factory=list)
    over: object = None  # type: ignore[assignment]  # never shown over anything

    def ask(self, question: Question) -> Answer:
        """The answer that the test has put there."""
        self.asked.append(question)
        return self.answer

    def choose(self, title: str, text: str, choices: tuple[Choice, ...]) -> str | None:
        """The choice that the test has put there."""
        self.asked.append(Question(title, text))
        return self.chosen


ContextMaker = Callable[..., UiContext]


@pytest.fixture
def make_context(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> Iterator[ContextMaker]:
    """Makes the context of a window; ended with the test."""
    ends: list[Callable[[], None]] = []

    def make(
        *, theme: Theme = Theme.LIGHT, read_only: str = "", simulated: bool = False, questions: Questions | None = None
    ) -> UiContext:
        signals = Signals()
        jobs = Jobs(signals.report_job)
        catalog = opened_catalog(tmp_path / "catalog.sqlite")
        console = Console(
            catalog=catalog,
            engines=SilentEngines(),
            vault=MemoryVault(),
            clock=lambda: NOW,
            monotonic=lambda: 0.0,
            sleep=lambda _seconds: None,
            person="operator",
            machine="workstation",
            read_only=read_only,
            simulated=simulated,
        )
        preferences = Preferences(theme=theme)
        service = ThemeService(qapp, preferences.theme, preferences.density)
        unsubscribe = catalog.subscribe(signals.report_catalog)

        def end() -> None:
            unsubscribe()
            signals.close()
            jobs.close()
            catalog.close()

        ends.append(end)
        return UiContext(console, jobs, preferences, service, signals, questions or Answers())

    yield make
    for end in ends:
        end()
    undress(qapp)


@pytest.fixture
def context(make_context: ContextMaker) -> UiContext:
    """The context of a window in the light theme."""
    return make_context()
