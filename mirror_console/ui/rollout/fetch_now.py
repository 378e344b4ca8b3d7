"""Fetch now: bring a plan's images to its engines while the plan is still looked at, for a rollout later."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from mirror_console.domain.fetching import Fetch, fetching_words
from mirror_console.domain.plan import Plan
from mirror_console.errors import ConsoleError
from mirror_console.jobs import Job, JobEvent, Work
from mirror_console.ui.context import UiContext
from mirror_console.ui.rollout.operations import RolloutOperations
from mirror_console.ui.tokens import SPACE_2
from mirror_console.ui.widgets.text import ElidedLabel, Look, button
from mirror_console.ui.words import tr


class FetchNow(QWidget):
    """A button that fetches, and stops fetching, with a sentence beside it that says how far it is."""

    def __init__(self, context: UiContext, operations: RolloutOperations) -> None:
        super().__init__()
        self._context = context
        self._operations = operations
        self._plan: Plan | None = None
        self._job: Job[tuple[Fetch, ...]] | None = None
        self._times = 0
        """How often it was begun or stopped: what a job tells that was stopped comes too late to count."""
        self.says = ElidedLabel("", Look.MUTED)
        self.button = button(tr("Fetch images now"), self.press)
        self.button.setToolTip(tr("Brings the images to the engines. No container is touched."))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_2)
        row.addWidget(self.says, 1)
        row.addWidget(self.button)

    def show_plan(self, plan: Plan) -> None:
        """The plan whose images would be fetched. What is under way for another one is broken off."""
        if self._plan is None or self._plan.fingerprint != plan.fingerprint:
            self.stop()
            self.says.say("")
        self._plan = plan
        refusal = self._context.console.read_only
        self.button.setEnabled(not refusal and any(target.fetched_by for target in plan.targets))
        self.button.setAccessibleDescription(refusal)

    def press(self) -> None:
        """Fetch, or break off what is under way."""
        plan = self._plan
        if self._job is not None or plan is None:
            self.stop()
            return
        prefetch, console, jobs = self._operations.prefetch, self._context.console, self._context.jobs

        def work(work: Work) -> tuple[Fetch, ...]:
            return prefetch(console, jobs, plan, lambda fetches: work.report(fetching_words(fetches), 0, 0), work)

        self._times += 1
        times = self._times

        def fetched(fetches: tuple[Fetch, ...]) -> None:
            if times == self._times:
                self.says.say(fetching_words(fetches))
                self._over()

        def failed(error: Exception) -> None:
            if times == self._times:
                self._failed(error)

        def heard(event: JobEvent) -> None:
            if times == self._times and event.words:
                self.says.say(event.words)

        self.says.say(tr("Looking what the engines have…"))
        self.button.setText(tr("Stop fetching"))
        self._job = self._context.run(tr("Fetch images"), work, fetched, failed, progress=heard, owner=self)

    def stop(self) -> None:
        """Break off what is under way; what is there stays there."""
        self._times += 1
        if self._job is not None:
            self._job.cancel()
            self.says.say(tr("Stopped. What has come is there."))
        self._over()

    def _failed(self, error: Exception) -> None:
        self.says.say("")
        self._over()
        if isinstance(error, ConsoleError):
            self._context.notices.error(error, key="fetch now")

    def _over(self) -> None:
        self._job = None
        self.button.setText(tr("Fetch images now"))
