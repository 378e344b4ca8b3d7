"""The plugin that fails a test for what it leaves behind does fail it, and lets a clean one pass."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.usefixtures("_inner_project"), pytest.mark.slow]


@pytest.fixture
def _inner_project(monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("PYTHONPATH", str(pytestconfig.rootpath))


def run(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    """Run one inner test file in a process of its own, with the plugin and a short grace."""
    pytester.makepyfile(test_inner=source)
    return pytester.runpytest_subprocess("-p", "tests.strictness", "-p", "no:randomly", "-p", "no:cacheprovider")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "logging.getLogger('some.where').warning('it %s', 'burns')",
            "*unexpected log record: WARNING some.where: it burns",
        ),
        ("quiet = logging.getLogger('quiet'); quiet.propagate = False; quiet.error('x')", "*ERROR quiet: x"),
    ],
)
def test_an_unexpected_log_record_fails(pytester: pytest.Pytester, body: str, told: str) -> None:
    result = run(pytester, f"import logging\ndef test_it():\n    {body}\n")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([told])


def test_an_expected_log_record_passes_and_its_absence_fails(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import logging

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
    )

    result.assert_outcomes(passed=5, errors=2)
    result.stdout.fnmatch_lines_random(
        ["*expected log record didn't come: some: burns", "*unexpected log record: ERROR some: it drowns"]
    )


def test_a_thread_or_a_umask_left_behind_fails_and_what_ends_passes(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
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
    )

    result.assert_outcomes(passed=6, errors=3)
    said = ["left behind: thread 'the-leak' (daemon)", "left behind: thread 'the-pool_0'*", "left behind: umask 077"]
    result.stdout.fnmatch_lines_random(said)


def test_windows_and_timers_left_behind_fail(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        from PySide6.QtCore import QObject, QTimer
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
        """,
    )

    result.assert_outcomes(passed=5, errors=2)
    result.stdout.fnmatch_lines_random(["left behind: *QLabel*the-label", "left behind: *QTimer*the-timer"])


def test_a_warning_of_qt_itself_fails(pytester: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    pytester.makeini(f"[pytest]\nqt_log_level_fail = {pytestconfig.getini('qt_log_level_fail')}\n")
    result = run(
        pytester,
        """
        from PySide6.QtCore import qWarning

        def test_warns(qapp):
            qWarning("this won't do")
        """,
    )

    result.assert_outcomes(failed=1)


def test_the_plugin_watches_this_very_test(request: pytest.FixtureRequest) -> None:
    assert {"_log_watch", "_no_thread_left", "_no_window_left"} <= set(request.fixturenames)


def test_a_question_that_nobody_answers_fails_instead_of_hanging(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
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
    )

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*asked in vain: Leave this?*"])
