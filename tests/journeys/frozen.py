"""What the cutter's processes are forked from: all that they need is imported and made, and is never collected."""

from __future__ import annotations

import tests.journeys.cutter  # noqa: F401
from tests.catalogs import empty_catalog
from tests.journeys.rehearsal import rehearse

empty_catalog()
rehearse()
