"""The audit in the window: who changed what, newest first; whether it is as it was written; an account's part of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPlainTextEdit, QSplitter, QVBoxLayout, QWidget

from mirror_console.domain.audit import ALL, AuditLine, Verified, doing_words
from mirror_console.domain.plain import plain
from mirror_console.domain.status import Status
from mirror_console.errors import ConsoleError
from mirror_console.operations import audit as auditing
from mirror_console.operations import evidence
from mirror_console.operations.act_words import how_words
from mirror_console.operations.console import Console
from mirror_console.operations.report import Format
from mirror_console.operations.written import moment as moment_text
from mirror_console.ui.context import UiContext
from mirror_console.ui.glyphs import glyph
from mirror_console.ui.tokens import SPACE_2, SPACE_3, SPACE_4
from mirror_console.ui.widgets.saving import AskWhere, ask_where, save_report
from mirror_console.ui.widgets.table import Column, Table, TableView
from mirror_console.ui.widgets.text import button, label
from mirror_console.ui.words import moment, number, tr

READ = 2000
"""How many of the newest lines are shown; the command line lists all."""


@dataclass(frozen=True, slots=True)
class AuditOperations:
    """The operations behind it. All may take long and belong in a job."""

    lines: Callable[[Console], Sequence[AuditLine]] = lambda console: auditing.audit_lines(console, ALL, READ)
    verify: Callable[[Console], Verified] = auditing.verify
    evidence: Callable[[Console, str, Format], str] = evidence.evidence_text


class AuditPart(QWidget):
    """A table of what was changed, and below it all of the line at the cursor."""

    def __init__(
        self, context: UiContext, operations: AuditOperations | None = None, ask: AskWhere = ask_where
    ) -> None:
        super().__init__()
        self._context = context
        self._operations = operations or AuditOperations()
        self._ask = ask
        self._lines: Sequence[AuditLine] = ()
        self.sought = QLineEdit(placeholderText=tr("A name, a person or a reason"), clearButtonEnabled=True)
        self.sought.setAccessibleName(tr("Find in the audit"))
        self.sought.textChanged.connect(lambda _text: self._show())
        self.account = QComboBox()
        self.account.setAccessibleName(tr("Account"))
        self.account.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.account.currentIndexChanged.connect(lambda _place: self._show())
        self.save = button(tr("Save evidence…"), self.save_evidence)
        self.copy = button(tr("Copy line"), self.copy_line)
        self.check = button(tr("Verify"), self.verify)
        context.icons.wear(self.save, "download")
        context.icons.wear(self.copy, "copy")
        context.icons.wear(self.check, "square-check-big")
        self.mark = label("")
        self.said = label("", wrap=True, select=True)
        self.mark.hide()
        self.said.hide()
        self.table: Table[AuditLine] = Table(_columns(context), key=lambda line: line.sequence)
        self.view = TableView(self.table, context.theme, tr("Audit"))
        self.view.cursor_changed.connect(lambda _key: self._tell())
        self.detail = QPlainTextEdit(readOnly=True)
        self.detail.setAccessibleName(tr("All of this line"))
        self._lay_out()
        self._show()

    def read(self) -> None:
        """Read the newest lines."""
        lines, console = self._operations.lines, self._context.console
        self._context.run(tr("Read the audit"), lambda _work: lines(console), self.show_lines, owner=self)

    def show_lines(self, lines: Sequence[AuditLine]) -> None:
        """Show these lines, newest first, and the accounts that they are of."""
        self._lines = lines
        chosen = self.account.currentData()
        accounts = sorted({line.act.account for line in lines if line.act.account})
        blocked = self.account.blockSignals(True)
        self.account.clear()
        self.account.addItem(tr("All accounts"), "")
        for account in accounts:
            self.account.addItem(plain(account), account)
        self.account.setCurrentIndex(max(0, self.account.findData(chosen)))
        self.account.blockSignals(blocked)
        self._show()

    def verify(self) -> None:
        """Read all of it again, and say whether it is as it was written."""
        verify, console = self._operations.verify, self._context.console
        self.check.setEnabled(False)
        self._context.run(
            tr("Verify the audit"), lambda _work: verify(console), self._verified, self._not_verified, owner=self
        )

    def save_evidence(self) -> None:
        """Ask where, and write there what was changed on the chosen account's mirrors."""
        account = self.account.currentData()
        if not account:
            return
        name = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in account)
        path = self._ask(self, f"evidence-{name}.html")
        if path:
            made, console = self._operations.evidence, self._context.console
            save_report(self._context, self, path, lambda form: made(console, account, form))

    def copy_line(self) -> None:
        """Put all of the line at the cursor on the clipboard."""
        text = self.detail.toPlainText()
        if text:
            QGuiApplication.clipboard().setText(text)
            self._context.say(tr("The line is on the clipboard."))

    def _verified(self, found: Verified) -> None:
        self.check.setEnabled(True)
        status = Status.ALIGNED if found.sound else Status.UNHEALTHY
        colour = self._context.theme.colours.status[status].glyph
        self.mark.setPixmap(glyph(status, 20, self.devicePixelRatioF(), colour))
        self.mark.setAccessibleName(tr("As it was written") if found.sound else tr("Not as it was written"))
        self.said.setText(found.sentence)
        self.mark.show()
        self.said.show()

    def _not_verified(self, error: Exception) -> None:
        self.check.setEnabled(True)
        if isinstance(error, ConsoleError):
            self._context.notices.error(error, "audit")

    def _show(self) -> None:
        sought, account = self.sought.text().casefold().strip(), self.account.currentData() or ""
        shown = [
            line
            for line in self._lines
            if account in {"", line.act.account} and all(word in _searched(line) for word in sought.split())
        ]
        self.table.show(shown)
        self.save.setEnabled(bool(account))
        self.save.setToolTip("" if account else tr("Choose an account first"))
        self._tell()

    def _tell(self) -> None:
        key = self.view.current_key()
        place = self.table.place(key) if key is not None else None
        self.detail.setPlainText(line_text(self.table.row(place)) if place is not None else "")
        self.copy.setEnabled(place is not None)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, SPACE_2, 0, 0)
        column.setSpacing(SPACE_2)
        top = QHBoxLayout()
        top.setContentsMargins(SPACE_4, 0, SPACE_4, 0)
        top.setSpacing(SPACE_2)
        top.addWidget(self.sought, 1)
        for control in (self.account, self.save, self.copy, self.check):
            top.addWidget(control)
        column.addLayout(top)
        found = QHBoxLayout()
        found.setContentsMargins(SPACE_4, 0, SPACE_4, 0)
        found.setSpacing(SPACE_3)
        found.addWidget(self.mark)
        found.addWidget(self.said, 1)
        column.addLayout(found)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self.view)
        parts.addWidget(self.detail)
        parts.setStretchFactor(0, 3)
        parts.setStretchFactor(1, 1)
        column.addWidget(parts, 1)


def line_text(line: AuditLine) -> str:
    """All of a line, for a person to read and to copy."""
    act = line.act
    said = [
        tr("Line {}, {}").format(number(line.sequence), moment_text(line.at)),
        tr("{} on {}").format(line.person or "?", line.machine) if line.machine else line.person,
        f"{act.title}: {doing_words(act)}",
        *([tr("Account: {}").format(act.account)] if act.account else []),
        *([tr("Why: {}").format(act.why)] if act.why else []),
        *how_words(act),
    ]
    return "\n".join(plain(one) for one in said if one)


_LONG_HASH = re.compile(r"\b(?:[a-z0-9]+:)?[0-9a-f]{40,}")
"""What stands whole in the details, and would fill the table."""


def _searched(line: AuditLine) -> str:
    act = line.act
    return " ".join((act.title, act.account, act.why, act.result, line.person, doing_words(act))).casefold()


def _columns(context: UiContext) -> tuple[Column[AuditLine], ...]:
    def how(line: AuditLine) -> str:
        told = "; ".join((*([line.act.why] if line.act.why else []), *how_words(line.act)))
        return _LONG_HASH.sub(lambda found: found.group()[:20], told)

    return (
        Column("at", tr("When"), lambda line: moment(line.at, context.now()), 112, order=lambda line: line.sequence,
               muted=True),
        Column("who", tr("Who"), lambda line: line.person, 96),
        Column("of", tr("Of"), lambda line: line.act.title, 180, strong=True),
        Column("what", tr("What"), lambda line: doing_words(line.act), 220),
        Column("how", tr("Why and how"), how, 260, stretch=True, muted=True, tip=lambda _line: ""),
    )  # fmt: skip
