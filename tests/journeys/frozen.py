"""What the cutter's processes are forked from: all that they need is imported and made, and is never collected.

A collection in a forked process would copy all of it.
"""

from __future__ import annotations

import gc

import tests.journeys.cutter  # noqa: F401
from tests.catalogs import empty_catalog

empty_catalog()
gc.freeze()
