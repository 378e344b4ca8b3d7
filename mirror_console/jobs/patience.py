"""Patience: calls into what may never answer, each given up after its time, so that nothing else waits for it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread  # noqa: TID251 # this is mirror_console.jobs
from typing import TypeVar

T = TypeVar("T")


class Patience:
    """Calls work in a thread of its own and waits for it, but not for ever.

    What was given up can't be stopped: it ends when it ends, or with the program. Until then further calls are refused
    at once, because whatever it hangs in, they would hang in too.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._given_up: set[Thread] = set()

    def __call__(self, work: Callable[[], T], seconds: float) -> T:
        """What `work` gives or raises. Raises TimeoutError after `seconds`, or while an earlier call still hangs."""
        with self._lock:
            self._given_up = {thread for thread in self._given_up if thread.is_alive()}
            if self._given_up:
                raise TimeoutError("an earlier call hasn't come back")
        outcome: list[T] = []
        failure: list[BaseException] = []

        def run() -> None:
            try:
                outcome.append(work())
            except BaseException as error:  # noqa: BLE001 # it is raised where it is waited for
                failure.append(error)

        # Not of a pool: those are waited for when the program ends, however long they hang.
        thread = Thread(target=run, name="patience", daemon=True)  # this is mirror_console.jobs
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            with self._lock:
                self._given_up.add(thread)
            raise TimeoutError(f"no answer within {seconds:g} s")
        if failure:
            raise failure.pop()
        return outcome.pop()
