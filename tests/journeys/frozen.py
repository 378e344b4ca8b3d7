"""What the cutter's processes are forked from: all that they need is imported, and is never collected.

A collection in a forked process would copy all of it.
"""

from __future__ import annotations

import gc

import mirror_console.store.upgrade  # noqa: F401 # imported late otherwise
import tests.journeys.cutter  # noqa: F401

gc.freeze()
