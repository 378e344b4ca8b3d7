"""Going on in spite of a check by which targets were left out: its answer of now, a reason for each, another try."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from mirror_console.domain.check import Checked, CheckResult
from mirror_console.domain.overriding import overridable
from mirror_console.domain.rollout import Rollout, Target
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.overriding import override
from mirror_console.ui.context import UiContext
from mirror_console.ui.rollout.overriding import OverrideDialog
from mirror_console.ui.rollout.runs import Runs
from mirror_console.ui.words import tr


class InSpite:
    """Has targets of a rollout tried again although a check said no. Dialogs lie over the `parent`.

    `began` is called with a rollout that runs again.
    """

    def __init__(self, context: UiContext, runs: Runs, parent: QWidget, began: Callable[[Rollout], None]) -> None:
        self._context = context
        self._runs = runs
        self._parent = parent
        self._began = began

    def ask(self, rollout: Rollout, targets: tuple[Target, ...]) -> None:
        """Ask the checks of these targets anew, then a person about each answer that may be overridden."""
        ids = [target.environment_id for target in targets]
        console, jobs, again = self._context.console, self._context.jobs, self._runs.operations.checked_again
        self._context.run(
            tr("Ask the checks again"),
            lambda _work: again(console, jobs, rollout, ids),
            lambda checked: self._decide(rollout, targets, checked),
            lane="checks",
            owner=self._parent,
        )

    def _decide(self, rollout: Rollout, targets: tuple[Target, ...], checked: Checked) -> None:
        if self._runs.is_running(rollout.id):
            self._refuse(rollout, [Problem("rollout", tr("it runs again"))], tr("Pause it first."))
            return
        names = {target.environment_id: target.planned.application for target in targets}
        decided = self._overridden(checked, names)
        if decided is None:
            return
        blocked = decided.blocked(names)
        free = [] if decided.blocks_all else [one for one in names if one not in blocked]
        if free:
            # What still blocks the others stays with them, as they are.
            self._runs.retry(rollout, free, decided)
            self._began(rollout)
            return
        problems = [Problem(names.get(one.environment_id, ""), f"{one.check}: {one.words}") for one in decided.blocking]
        hint = tr("What these checks answer can't be overridden: mend it, then try again.")
        self._refuse(rollout, problems, hint)

    def _refuse(self, rollout: Rollout, problems: list[Problem], hint: str) -> None:
        refusal = InvalidInput(tr("Nothing was overridden."), problems, hint)
        self._context.notices.error(refusal, key=f"in spite:{rollout.id}")

    def _overridden(self, checked: Checked, names: dict[str, str]) -> Checked | None:
        """The answers with what the person overrides of them, check by check; None for Cancel."""

        def about(result: CheckResult) -> str:
            return names.get(result.environment_id, "")

        asked = set()
        while left := [result for result in overridable(checked) if result.check not in asked]:
            asked.add(left[0].check)
            dialog = OverrideDialog(checked, left[0], about, self._parent)
            dialog.scope.setCurrentIndex(dialog.scope.count() - 1)
            accepted = dialog.exec() == OverrideDialog.DialogCode.Accepted
            results, reason = dialog.results, dialog.reason
            dialog.deleteLater()
            if not accepted:
                return None
            checked = override(self._context.console, checked, results, reason)
        return checked
