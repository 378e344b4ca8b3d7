"""Several processes in one cell: what is said of an environment is the worst of what is said of its processes."""

from __future__ import annotations

from collections.abc import Sequence

from mirror_console.domain.alignment import Alignment, Compared
from mirror_console.domain.cell import Cell, title_of
from mirror_console.domain.counting import counted
from mirror_console.domain.observation import Health, Observation, State
from mirror_console.domain.status import health_of

_WORST_ALIGNMENT = (
    Alignment.MISSING,
    Alignment.UNKNOWN,
    Alignment.DRIFTED,
    Alignment.BEHIND,
    Alignment.AHEAD,
    Alignment.NO_RELEASE,
    Alignment.ALIGNED,
)
_WORST_HEALTH = (
    Health.FAILING,
    Health.STOPPED,
    Health.UNKNOWN,
    Health.STARTING,
    Health.NO_CHECK,
    Health.HEALTHY,
)


def worst_compared(serving: Compared, beside: Sequence[Compared]) -> Compared:
    """What counts of several: the worst. Where nothing can be told of the one that serves, nothing can of all."""
    if serving.alignment is Alignment.UNKNOWN:
        return serving
    return min((serving, *beside), key=lambda one: _WORST_ALIGNMENT.index(one.alignment))


def worst_health(serving: Health, beside: Sequence[Observation | None]) -> Health:
    """How an environment is: as its worst process. That one has no health check says nothing against it."""
    others = [health_of(seen) for seen in beside if seen is not None and seen.present]
    bad = [one for one in others if one is not Health.NO_CHECK]
    return min((serving, *bad), key=_WORST_HEALTH.index)


def process_lines(cell: Cell) -> list[tuple[str, str, str]]:
    """Each process of an environment with its container and how it is, in words; empty where it has but one."""
    processes = cell.environment.processes
    if len(processes) == 1 and not cell.going:
        return []
    seen = (cell.observation, *cell.beside)
    told = [(one.name, one.container, _words(found)) for one, found in zip(processes, seen, strict=False)]
    left = {one.process: one for one in cell.going}
    told += [
        (one.name, one.container, f"{_words(left[one.name])}; a rollout takes it away")
        for one in cell.environment.going
        if one.name in left
    ]
    return told


def ill_words(cell: Cell) -> str:
    """Which other process makes the health of a cell what it is: ``its worker is stopped``; empty where none does."""
    if not cell.beside or health_of(cell.observation) is cell.health:
        return ""
    ill = [
        f"its {one.name} {_is(seen)}"
        for one, seen in zip(cell.environment.processes[1:], cell.beside, strict=True)
        if health_of(seen) is cell.health
    ]
    return ", ".join(ill)


def _is(seen: Observation | None) -> str:
    state = seen.state if seen is not None else None
    if state is State.RESTARTING:
        return "restarts over and over"
    return "fails its health check" if health_of(seen) is Health.FAILING else f"is {health_of(seen)}"


def missing_containers(cell: Cell) -> list[str]:
    """The containers that aren't there, of an environment that is missing one."""
    seen = (cell.observation, *cell.beside)
    processes = cell.environment.processes
    return [one.container for one, found in zip(processes, seen, strict=False) if found is None or not found.present]


def _words(seen: Observation | None) -> str:
    if seen is None:
        return "not checked yet"
    if not seen.present:
        return "no container"
    title = title_of(seen)
    health = health_of(seen)
    told = {Health.NO_CHECK: "runs", Health.STOPPED: str(seen.state)}.get(health, str(health))
    count = len(seen.differences)
    differs = f", {counted(count, 'setting')} {'differs' if count == 1 else 'differ'}" if count else ""
    return f"{title}, {told}{differs}"
