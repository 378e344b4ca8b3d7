"""The plugin that fails a test for what it leaves behind does fail it, and lets a clean one pass."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Inner:
    """A file of tests for the plugin to watch: which of them fail, and what is said. All others pass."""

    source: str
    fails: frozenset[str]
    said: tuple[str, ...]


LOGS = Inner(
    """
    import logging

    def test_unexpected():
        logging.getLogger("some.where").warning("it %s", "burns")

    def test_unexpected_where_nothing_propagates():
        quiet = logging.getLogger("quiet")
        quiet.propagate = False
        quiet.error("x")

    def test_comes(expect_log):
        expect_log("some", "bur.s")
        logging.getLogger("some.where").warning("it burns")

    def test_may_come(expect_log):
        expect_log("", "it burns", required=False)

    def test_stays_away(expect_log):
        expect_log("some", "burns")

    def test_other_words(expect_log):
        expect_log("some", "burns")
        logging.getLogger("some").error("it burns")
        logging.getLogger("some").error("it drowns")

    def test_below_warning():
        logging.getLogger("some").info("all well")
    """,
    frozenset({"test_unexpected", "test_unexpected_where_nothing_propagates", "test_stays_away", "test_other_words"}),
    (
        "*unexpected log record: WARNING some.where: it burns",
        "*ERROR quiet: x",
        "*expected log record didn't come: some: burns",
        "*unexpected log record: ERROR some: it drowns",
    ),
)

PROCESS = Inner(
    """
    import os, threading, time
    from concurrent.futures import ThreadPoolExecutor

    def test_leaks():
        threading.Thread(target=time.sleep, args=(30,), name="the-leak", daemon=True).start()

    def test_ends_soon():
        threading.Thread(target=time.sleep, args=(0.2,)).start()

    def test_pool_left_open():
        pool = ThreadPoolExecutor(thread_name_prefix="the-pool")
        test_pool_left_open.pool = pool
        pool.submit(int).result()

    def test_pool_closed():
        with ThreadPoolExecutor() as pool:
            pool.submit(int).result()

    def test_mask():
        os.umask(0o077)

    def test_after_it():
        assert os.umask(0o022) == 0o022
    """,
    frozenset({"test_leaks", "test_pool_left_open", "test_mask"}),
    (
        "left behind: thread 'the-leak' (daemon)",
        "left behind: thread 'the-pool_0'*",
        "left behind: umask 077",
    ),
)

WINDOWS = Inner(
    """
    from PySide6.QtCore import QObject, QTimer, qWarning
    from PySide6.QtWidgets import QLabel, QMenu, QWidget

    def test_leaks_a_widget(qapp):
        test_leaks_a_widget.kept = QLabel("here")
        test_leaks_a_widget.kept.setObjectName("the-label")

    def test_leaks_a_timer(qapp):
        test_leaks_a_timer.owner = QObject()
        timer = QTimer(test_leaks_a_timer.owner)
        timer.setObjectName("the-timer")
        timer.start(1000)

    def test_widget_of_the_bot(qtbot):
        widget = QWidget()
        qtbot.addWidget(widget)
        QMenu(widget)
        timer = QTimer(widget)
        timer.start(1000)

    def test_deletes_later(qapp):
        QLabel("gone").deleteLater()

    def test_stopped_timer(qapp):
        timer = QTimer()
        timer.start(10)
        timer.stop()

    def test_qt_warns(qapp):
        qWarning("this won't do")
    """,
    frozenset({"test_leaks_a_widget", "test_leaks_a_timer", "test_qt_warns"}),
    ("left behind: *QLabel*the-label", "left behind: *QTimer*the-timer", "*this won't do*"),
)

QUESTIONS = Inner(
    """
    import tests.strictness
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QDialog

    tests.strictness.QUESTION = 0.5

    def ask():
        dialog = QDialog()
        dialog.setWindowTitle("Leave this?")
        said = dialog.exec()
        dialog.deleteLater()
        return said

    def test_in_vain(qapp):
        ask()

    def test_answered(qapp):
        QTimer.singleShot(0, lambda: qapp.activeModalWidget().accept())
        assert ask() == QDialog.DialogCode.Accepted
    """,
    frozenset({"test_in_vain"}),
    ("*asked in vain: Leave this?*",),
)


def test_what_is_left_behind_fails_and_what_ends_passes(
    pytester: pytest.Pytester, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All in one process of its own: starting it costs more than what is done in it."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("PYTHONPATH", str(pytestconfig.rootpath))
    pytester.makeini(f"[pytest]\nqt_log_level_fail = {pytestconfig.getini('qt_log_level_fail')}\n")
    inner = {"test_logs": LOGS, "test_process": PROCESS, "test_windows": WINDOWS, "test_questions": QUESTIONS}
    pytester.makepyfile(**{name: file.source for name, file in inner.items()})

    result = pytester.runpytest_subprocess(
        "-p", "tests.strictness", "-p", "no:randomly", "-p", "no:cacheprovider", "-rAE"
    )

    told = {
        kind: re.findall(rf"^{kind} (\w+)\.py::(\w+)", result.stdout.str(), re.MULTILINE)
        for kind in ("ERROR", "FAILED")
    }
    begun = {(name, test) for name, file in inner.items() for test in re.findall(r"def (test_\w+)", file.source)}
    fails = {(name, test) for name, file in inner.items() for test in file.fails}
    # What a test leaves behind is found once it is over and has passed; Qt's warning fails the test itself.
    assert told["FAILED"] == [("test_windows", "test_qt_warns")]
    assert {*told["ERROR"], *told["FAILED"]} == fails
    result.assert_outcomes(passed=len(begun) - 1, errors=len(fails) - 1, failed=1)
    result.stdout.fnmatch_lines_random([words for file in inner.values() for words in file.said])


def test_the_plugin_watches_this_very_test(request: pytest.FixtureRequest) -> None:
    assert {"_log_watch", "_no_thread_left", "_no_window_left"} <= set(request.fixturenames)
