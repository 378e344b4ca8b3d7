"""The dialog that keeps an environment on one image: which, why, and until when if there is an end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from mirror_console.domain.environment import Hold
from mirror_console.domain.moment import end_of_day, read_day
from mirror_console.domain.release import Release, images
from mirror_console.errors import Problem
from mirror_console.ui.tokens import SPACE_3, SPACE_4, SPACE_6
from mirror_console.ui.widgets.dialog_foot import dialog_foot
from mirror_console.ui.widgets.form import Field, Form, choice, line_edit
from mirror_console.ui.widgets.text import Look, button, label
from mirror_console.ui.words import day, tr

_RUNS = "runs"
"""The choice of what runs there; releases are chosen by their identity in the catalog."""


class HoldDialog(QDialog):
    """Cancel is the default. `release`, `reason` and `until` are what was chosen and typed.

    `releases` are those of the mirror's source; `running` names what was last seen running, and is empty where nothing
    was: then a release has to be chosen. A `hold` that is there already is what the fields begin with.
    """

    def __init__(
        self,
        what: str,
        running: str,
        releases: Sequence[Release],
        now: datetime,
        hold: Hold | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._now = now
        self._releases = {release.id: release for release in images(releases)}
        self.setWindowTitle(tr("Hold {}").format(what))
        self.setModal(True)
        self.setMinimumWidth(460)
        offered = [(_RUNS, tr("What runs there now: {}").format(running))] if running else []
        offered += [(release.id, self._words(release)) for release in self._releases.values()]
        self.image_field = choice(offered, self._held(hold), ask="" if running else tr("Choose…"))
        self.reason_field = line_edit(hold.reason if hold else "")
        end = hold.until.astimezone(now.tzinfo).date() if hold and hold.until else None
        self.until_field = line_edit(f"{end}" if end else "", placeholder="2026-09-30")
        self.form = Form(self._judge, columns=1)
        self.form.add(Field("image", tr("On"), self.image_field, required=True))
        self.form.add(Field("reason", tr("Reason"), self.reason_field, required=True))
        self.form.add(Field("until", tr("Until"), self.until_field, hint=tr("Year-month-day. Empty: without an end.")))
        self.form.end()
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_4)
        column.setSpacing(SPACE_3)
        column.addWidget(label(tr("Hold {}?").format(what), Look.HEADING, wrap=True))
        words = tr("It stays on one image whatever its image source says. Rollouts to it bring it to that.")
        column.addWidget(label(words, wrap=True))
        column.addWidget(self.form)
        # What room is left is for the words at a field that is wrong, not between the words above.
        column.addStretch(1)
        self.go_button = button(tr("Hold it"), self._go, look="primary")
        self.cancel_button = button(tr("Cancel"), self.reject)
        column.addLayout(dialog_foot(self.go_button, self.cancel_button))
        self.image_field.setFocus()

    @property
    def release(self) -> Release | None:
        """The release that was chosen; None for what runs there now."""
        return self._releases.get(str(self.image_field.currentData()))

    @property
    def reason(self) -> str:
        """Why."""
        return self.reason_field.text().strip()

    @property
    def until(self) -> datetime | None:
        """The end of the last day, None without one."""
        end = read_day(self.until_field.text())
        return end_of_day(end, self._now) if end else None

    def _go(self) -> None:
        if self.form.accept():
            self.accept()

    def _judge(self) -> list[Problem]:
        found = []
        if not self.image_field.currentData():
            found.append(Problem("image", tr("Choose a release: nothing was seen running there.")))
        if not self.reason:
            found.append(Problem("reason", tr("Say why: whoever looks at it later will ask.")))
        text = self.until_field.text().strip()
        end = read_day(text)
        if text and end is None:
            found.append(Problem("until", tr("Type a day such as 2026-09-30, or nothing.")))
        elif end is not None and end < self._now.date():
            found.append(Problem("until", tr("This day has passed.")))
        return found

    def _held(self, hold: Hold | None) -> str:
        """The choice that is the image of a hold: the release, if it is one."""
        if hold is None:
            return ""
        return next((one.id for one in self._releases.values() if one.is_image(hold.identity)), "")

    def _words(self, release: Release) -> str:
        """A release as it is offered: ``26.8.3, first seen 30 Aug, withdrawn``."""
        words = [release.title, tr("first seen {}").format(day(release.first_seen, self._now))]
        return ", ".join([*words, *(tr(mark) for mark in release.marks)])
