"""The bridge from the program's threads to the window: what happens there arrives here, on the window's thread."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal

from mirror_console.jobs import JobEvent


class Signals(QObject):
    """One long-lived object. `job` carries a JobEvent, `catalog` the names of the collections that changed.

    The `report_…` methods may be called from any thread; whoever is connected is called on the window's thread.
    """

    job = Signal(object)
    catalog = Signal(object)
    _job_crossed = Signal(object)
    _catalog_crossed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._job_crossed.connect(self.job, Qt.ConnectionType.QueuedConnection)
        self._catalog_crossed.connect(self.catalog, Qt.ConnectionType.QueuedConnection)
        self._open = True

    def report_job(self, event: JobEvent) -> None:
        """Hand this to Jobs as its listener."""
        if self._open:
            self._job_crossed.emit(event)

    def report_catalog(self, collections: frozenset[str]) -> None:
        """Hand this to the catalog's subscribe()."""
        if self._open:
            self._catalog_crossed.emit(collections)

    def close(self) -> None:
        """Report nothing more: the window is going."""
        self._open = False
