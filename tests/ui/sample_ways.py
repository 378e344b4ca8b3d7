"""Ways back of the sample fleet: mostly kept, with something of everything else."""

from __future__ import annotations

from mirror_console.domain.fleet import Grid
from mirror_console.domain.way_back import KnownWay, WayBack

_WORDS = {
    WayBack.KEPT: "{version} is kept on {engine}.",
    WayBack.PULL: "{version} isn't on {engine} any more, and can be pulled.",
    WayBack.GONE: "{version} isn't on {engine} any more, and no digest is known to pull it by.",
    WayBack.BLOCKED: "26.8.3 has a migration that can't go back to {version}.",
    WayBack.NOTHING_BEFORE: "It had no container before.",
}
_OTHERS = {
    (3, "live"): WayBack.PULL,
    (4, "live"): WayBack.PULL,
    (4, "test"): WayBack.PULL,
    (5, "live"): WayBack.BLOCKED,
    (6, "live"): None,
    (6, "test"): None,
    (8, "test"): WayBack.GONE,
    (9, "test"): WayBack.NOTHING_BEFORE,
    (12, "live"): WayBack.PULL,
    (13, "test"): WayBack.PULL,
    (14, "live"): None,
    (16, "live"): WayBack.GONE,
    (17, "live"): WayBack.BLOCKED,
}


def sample_ways(grid: Grid) -> dict[str, KnownWay]:
    """What is known of each environment of a sample fleet, by its mirror's place in the catalog."""
    found = {}
    for row in grid.rows:
        place = int(row.application.id.rpartition("-")[2]) if row.application.id.startswith("mirror-") else 0
        for name, cell in row.cells.items():
            way_back = _OTHERS.get((place % 24, name), WayBack.KEPT)
            if way_back is not None:
                words = _WORDS[way_back].format(version="26.8.2", engine=cell.engine_name)
                found[cell.environment.id] = KnownWay(way_back, words)
    return found
