"""Host keys: those that were accepted for the servers on the way, and the question whether another one is right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mirror_console.domain.ssh import HostKey, SshAccess, with_host_key
from mirror_console.ui.questions import Phrase, Question
from mirror_console.ui.tokens import SPACE_1, SPACE_2
from mirror_console.ui.widgets.text import Look, breakable, button, label
from mirror_console.ui.words import tr


class HostKeys(QWidget):
    """The accepted keys, each with its fingerprint and a button that removes it. `typed_changed` on every change."""

    typed_changed = Signal()

    def __init__(self, keys: Sequence[HostKey]) -> None:
        super().__init__()
        self._keys: tuple[HostKey, ...] = ()
        self._lines: list[QWidget] = []
        self.removers: tuple[QWidget, ...] = ()
        self.none = label(
            tr("None yet. The test of the connection shows the server's key and asks."), Look.MUTED, wrap=True
        )
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACE_1)
        self._column.addWidget(self.none)
        self._show(tuple(keys))

    @property
    def keys(self) -> tuple[HostKey, ...]:
        """Those that are accepted as the form stands."""
        return self._keys

    def accept(self, key: HostKey) -> None:
        """Take a key in place of whatever was accepted for its host and port."""
        self._change(with_host_key(SshAccess(host_keys=self._keys), key))

    def _remove(self, key: HostKey) -> None:
        place = self._keys.index(key)
        self._change(tuple(other for other in self._keys if other != key))
        # The keys go on where they were: to the next one's button, or to whatever comes after the list.
        if self.removers:
            self.removers[min(place, len(self.removers) - 1)].setFocus()
        else:
            self.focusNextChild()

    def _change(self, keys: tuple[HostKey, ...]) -> None:
        self._show(keys)
        self.typed_changed.emit()

    def _show(self, keys: tuple[HostKey, ...]) -> None:
        self._keys = keys
        # What a form compares to see whether anything was changed.
        self.setProperty("typed", "\n".join(str(key) for key in keys))
        for line in self._lines:
            self._column.removeWidget(line)
            line.hide()
            line.deleteLater()
        made = [self._line(key) for key in keys]
        self._lines = [line for line, _ in made]
        self.removers = tuple(remove for _, remove in made)
        for line in self._lines:
            self._column.addWidget(line)
        self.none.setVisible(not keys)
        # New buttons would come last of all by Tab: they belong where the list is.
        for before, after in pairwise((*self._before(), *self.removers)):
            QWidget.setTabOrder(before, after)

    def _before(self) -> tuple[QWidget, ...]:
        """What Tab comes from when it comes to the list; none as long as the list stands alone."""
        found = self.previousInFocusChain()
        while found is not None and found is not self:
            if found.focusPolicy() & Qt.FocusPolicy.TabFocus and not self.isAncestorOf(found):
                return (found,) if found.window() is self.window() else ()
            found = found.previousInFocusChain()
        return ()

    def _line(self, key: HostKey) -> tuple[QWidget, QWidget]:
        made = QWidget()
        row = QHBoxLayout(made)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_2)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(label(f"{key.place}  {key.type}", Look.STRONG, wrap=True))
        words.addWidget(label(breakable(key.fingerprint), Look.MUTED, wrap=True, select=True))
        row.addLayout(words, 1)
        remove = button(tr("Remove"), partial(self._remove, key))
        remove.setAccessibleName(tr("Remove the key of {}, {}").format(key.place, key.words))
        row.addWidget(remove)
        return made, remove


def trust_question(offered: HostKey, accepted: Sequence[HostKey]) -> Question:
    """Whether the key that a server shows is its own.

    A key that has changed is not accepted by a habit: its fingerprint is typed or pasted from where it was compared.
    """
    where = tr("On the server's own console, this shows it: ssh-keygen -l -f {}").format(_file_of(offered))
    if not accepted:
        text = tr(
            "Compare the fingerprint with the one that the server itself tells. Whoever stands in between could show"
            " another key, and then read and change all that is sent."
        )
        return Question(
            tr("Is this the key of {}?").format(offered.place),
            f"{text}\n\n{offered.type}\n{offered.fingerprint}",
            tr("Trust this key"),
            details=where,
        )
    before = "\n".join(key.words for key in accepted)
    text = tr(
        "Somebody may be listening in. Replace the key only where the server was set up anew, and by the fingerprint"
        " that the server itself tells, not by the one that was shown here."
    )
    return Question(
        tr("The key of {} has changed").format(offered.place),
        f"{text}\n\n{tr('Accepted so far:')}\n{before}",
        tr("Replace the key"),
        details=where,
        phrase=Phrase(
            offered.fingerprint,
            tr("Type or paste the new fingerprint (SHA256:…)"),
            tr("This is not the fingerprint of the key that the server showed."),
        ),
    )


def _file_of(key: HostKey) -> str:
    kind = key.type.removeprefix("ssh-").partition("-")[0].partition("@")[0]
    return f"/etc/ssh/ssh_host_{kind}_key.pub"
