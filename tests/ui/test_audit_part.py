"""The audit in the window: found by words and account, told whole, copied, verified, and an account's part saved."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from mirror_console.domain.audit import Act, AnchorState, Doing, Noun, Verified
from mirror_console.operations.report import Format
from mirror_console.ui.activity.audit import AuditOperations, AuditPart
from mirror_console.ui.context import UiContext
from tests.ui.sample_audit import VERIFIED_BROKEN, audit_lines


def part_on(context: UiContext, qtbot: QtBot, where: str = "", verified: Verified = VERIFIED_BROKEN) -> AuditPart:
    operations = AuditOperations(
        lambda _console: audit_lines(),
        lambda _console: verified,
        lambda _console, account, form: f"{form} for {account}",
    )
    part = AuditPart(context, operations, lambda _over, _name: where)
    qtbot.addWidget(part)
    part.read()
    qtbot.waitUntil(lambda: bool(part.table.rows))
    return part


def test_it_is_found_by_any_words_and_by_account(context: UiContext, qtbot: QtBot) -> None:
    part = part_on(context, qtbot)
    assert len(part.table.rows) == len(audit_lines())
    part.sought.setText("bakery done")
    assert [line.act.title for line in part.table.rows] == ["Dunes Bakery live", "Alder Bakery live"]
    part.account.setCurrentIndex(part.account.findData("ACC-204"))
    assert [line.act.title for line in part.table.rows] == ["Alder Bakery live"]
    part.sought.setText("nothing like it")
    assert part.table.rows == ()
    assert part.detail.toPlainText() == ""
    assert not part.copy.isEnabled()


def test_a_line_is_told_whole_and_copied(context: UiContext, qtbot: QtBot) -> None:
    part = part_on(context, qtbot)
    part.sought.setText("harbour")
    part.copy.click()
    text = QGuiApplication.clipboard().text()
    for words in ("Harbour Bakery live", "put back", "500 on /up", "operator on desk-7", "wanted: 26.8.3", "ACC-204"):
        assert words in text


def test_a_broken_audit_is_said_plainly(context: UiContext, qtbot: QtBot) -> None:
    part = part_on(context, qtbot)
    part.check.click()
    qtbot.waitUntil(lambda: "line 31" in part.said.text())
    assert part.mark.accessibleName() == "Not as it was written"
    assert part.check.isEnabled()


def test_one_that_can_not_be_compared_is_no_alarm(context: UiContext, qtbot: QtBot) -> None:
    locked = Verified(13, None, None, AnchorState.UNREADABLE, why="the keyring is locked.")
    part = part_on(context, qtbot, verified=locked)
    part.check.click()
    qtbot.waitUntil(lambda: "the keyring is locked" in part.said.text())
    assert part.mark.accessibleName() == "As it was written"


@pytest.mark.parametrize("form", Format)
def test_evidence_is_saved_for_one_account(context: UiContext, qtbot: QtBot, tmp_path: Path, form: Format) -> None:
    where = tmp_path / f"evidence.{form}"
    part = part_on(context, qtbot, str(where))
    assert not part.save.isEnabled()
    part.account.setCurrentIndex(part.account.findData("ACC-118"))
    part.save.click()
    qtbot.waitUntil(where.exists)
    qtbot.waitUntil(lambda: where.read_text() == f"{form} for ACC-118")


def test_a_name_without_a_form_is_refused(context: UiContext, qtbot: QtBot, tmp_path: Path) -> None:
    where = tmp_path / "evidence.docx"
    part = part_on(context, qtbot, str(where))
    part.account.setCurrentIndex(part.account.findData("ACC-118"))
    part.save.click()
    qtbot.waitUntil(lambda: any("can't be told" in notice.title for notice in context.notices.shown))
    assert not where.exists()


def test_what_the_catalog_has_is_read(context: UiContext, qtbot: QtBot) -> None:
    with context.console.catalog.write() as books:
        books.audit.append(Act(Noun.RELAY, Doing.BEGAN, "fp1:a", "26.8.3"))
    part = AuditPart(context)
    qtbot.addWidget(part)
    part.read()
    qtbot.waitUntil(lambda: [line.act.title for line in part.table.rows] == ["26.8.3"])
