"""What is known of one engine, in words, with the accounts that have a credential there and its connection test."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from mirror_console.domain.engine import EngineFacts
from mirror_console.domain.fleet import EngineRow
from mirror_console.domain.secret import VaultState
from mirror_console.domain.status import Knowledge, Status
from mirror_console.errors import FailureKind
from mirror_console.ui.context import UiContext
from mirror_console.ui.engines.accounts import AccountsPart, Open
from mirror_console.ui.engines.clean_up import CleanUpPart
from mirror_console.ui.engines.connection import ConnectionPanel
from mirror_console.ui.engines.operations import EngineOperations
from mirror_console.ui.engines.other_engine import OtherEnginePart, offered
from mirror_console.ui.tokens import SPACE_1, SPACE_2, SPACE_3
from mirror_console.ui.widgets.flow import FlowLayout
from mirror_console.ui.widgets.scrolled import Paper, scrolled, type_width
from mirror_console.ui.widgets.text import ElidedLabel, Look, button, label, line
from mirror_console.ui.words import count, moment, tr

_GLYPHS = {
    Knowledge.FRESH: Status.ALIGNED,
    # Nobody has asked for a while: no tick says that it is well now.
    Knowledge.AGEING: Status.NOT_APPLICABLE,
    Knowledge.STALE: Status.NOT_CHECKED,
    Knowledge.NEVER: Status.NOT_CHECKED,
    Knowledge.UNREACHABLE: Status.UNREACHABLE,
    Knowledge.NO_ACCESS: Status.NO_ACCESS,
}


class EngineDetails(QWidget):
    """What is known of one engine, and what can be done with it."""

    def __init__(
        self,
        context: UiContext,
        operations: EngineOperations,
        edit: Callable[[], object],
        test: Callable[[], object],
        remove: Callable[[], object],
        access: Open,
    ) -> None:
        super().__init__()
        self._context = context
        self._shown = ""
        self.setMinimumWidth(type_width(self, 252))
        self.title = ElidedLabel("", Look.HEADING)
        self.words = label("", wrap=True, select=True)
        self.facts = label("", Look.MUTED, wrap=True, select=True)
        self.limits = label("", wrap=True, select=True)
        self.edit, self.test = button(tr("Edit…"), edit), button(tr("Test connection"), test)
        self.remove = button(tr("Remove…"), remove)
        self.unlock = button(tr("Unlock the keyring…"), self._unlock, look="primary")
        self.unlock.hide()
        self.other = OtherEnginePart(context, operations)
        self.clean_up = CleanUpPart(context, operations)
        self.accounts = AccountsPart(context, operations, access)
        self.connection = ConnectionPanel(context, scrolls=False)
        paper = Paper()
        column = QVBoxLayout(paper)
        column.setContentsMargins(SPACE_3, SPACE_3, 0, 0)
        column.setSpacing(SPACE_2)
        column.addWidget(self.title)
        column.addWidget(self.words)
        column.addWidget(self.other)
        column.addWidget(self.unlock, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.facts)
        context.icons.wear(self.test, "plug")
        buttons = QWidget()
        row = FlowLayout(buttons, SPACE_1)
        for made in (self.edit, self.test, self.remove):
            row.addWidget(made)
        column.addWidget(buttons)
        column.addWidget(self.limits)
        column.addWidget(self.clean_up)
        column.addWidget(self.accounts)
        column.addWidget(line())
        column.addWidget(self.connection, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scrolled(paper))

    def show_row(self, row: EngineRow | None) -> None:
        """Show an engine; what was tested of another one is forgotten."""
        if row is None or row.engine.id != self._shown:
            self.connection.forget()
        # An engine that was changed may be reached by another way, by which accounts have other credentials.
        if row is None or row.engine != self.accounts.engine:
            self.accounts.show_engine(row.engine if row else None)
        self._shown = row.engine.id if row else ""
        self.clean_up.show_engine(row)
        self.other.show_engine(row)
        if row is None:
            self.title.say(tr("No engine is chosen"))
            self.words.setText("")
            self.facts.setText("")
            self._show_limits(None)
            self.unlock.hide()
            return
        self.title.say(row.engine.name)
        self.words.setText(sentence_of(row))
        self.facts.setText("\n".join(self._facts(row)))
        self._show_limits(row.contact.facts if row.contact else None)
        self.unlock.setVisible(row.contact is not None and row.contact.failure is FailureKind.KEYRING)

    def _show_limits(self, facts: EngineFacts | None) -> None:
        limits = facts.limits if facts is not None else ()
        lines = [tr("What doesn't work with {}:").format(facts.kind)] if facts is not None and limits else []
        self.limits.setText("\n".join([*lines, *(f"• {tr(limit)}" for limit in limits)]))
        self.limits.setVisible(bool(limits))

    def _unlock(self) -> None:
        """Let the keyring ask for its password, off the window's thread, and check the engine once it is open."""
        vault, engine_id = self._context.console.vault, self._shown

        def unlocked(state: VaultState) -> None:
            if state is VaultState.UNLOCKED:
                self._context.check([engine_id])
            else:
                self._context.say(tr("The keyring is still locked."))

        self._context.run(tr("Unlock the keyring"), lambda _work: vault.unlock(), unlocked, lane="keyring", owner=self)

    def _facts(self, row: EngineRow) -> list[str]:
        engine, contact = row.engine, row.contact
        lines = [str(engine.address) + (f" · {engine.location}" if engine.location else "")]
        facts = contact.facts if contact else None
        if facts is not None:
            lines.append(f"{facts.title}, {facts.platform}")
            lines.append(tr("{}, {:.1f} GB memory").format(count(facts.cpus, "CPU", "CPUs"), facts.memory / 1e9))
            lines.append(tr("Its clock: {}").format(facts.clock_words))
            if facts.swarm_words:
                lines.append(facts.swarm_words)
        placed = count(row.environments, "environment", "environments")
        lines.append(tr("{} placed here · {} at once").format(placed, engine.at_once))
        if contact is not None and contact.last_answer is not None:
            lines.append(tr("Last answer {}").format(moment(contact.last_answer, self._context.now())))
        if engine.notes:
            lines.append(engine.notes)
        return lines


def state_of(row: EngineRow) -> Knowledge:
    """What is known of an engine; one without environments is known by its last contact alone."""
    if row.knowledge is Knowledge.NEVER and row.contact is not None and row.contact.answered:
        return Knowledge.FRESH
    return row.knowledge


def state_words(row: EngineRow) -> str:
    """The state of an engine in a word, with the reason where it can't be reached."""
    known = state_of(row)
    if known is Knowledge.UNREACHABLE and row.contact is not None and row.contact.failure is not None:
        return f"{tr(known)}: {tr(row.contact.failure)}"
    return tr("another engine than before") if offered(row) else tr(known)


def sentence_of(row: EngineRow) -> str:
    """What is known of an engine, as a sentence."""
    match state_of(row):
        case Knowledge.UNREACHABLE:
            contact = row.contact
            words, failure = (contact.words, contact.failure) if contact else ("", None)
            offline = tr(" It is often offline.") if row.engine.often_offline else ""
            if words:
                return tr("It can't be reached. {}.").format(words.rstrip(".")) + offline
            return tr("It can't be reached: {}.").format(failure or tr("nothing is known of why")) + offline
        case Knowledge.NO_ACCESS:
            return tr("None of the accounts that have environments there has a credential for it.")
        case Knowledge.NEVER:
            return tr("It was never asked.")
        case Knowledge.STALE:
            return tr("Nothing was heard of it for a while.")
        case Knowledge.FRESH | Knowledge.AGEING:
            facts = row.contact.facts if row.contact else None
            if facts is not None and facts.clock_is_off:
                return tr("It answers, but its clock is {}. Set both clocks by a time server.").format(
                    facts.clock_words
                )
            if state_of(row) is Knowledge.AGEING:
                return tr("It answered when it was asked last.")
            return tr("It answers.")


def state_glyph(row: EngineRow) -> Status:
    """The shape of an engine's state."""
    known = state_of(row)
    # As a container that somebody else put there: it answers, and isn't what it should be.
    return Status.DRIFTED if offered(row) and known is not Knowledge.UNREACHABLE else _GLYPHS[known]
