"""The parts that sentences about an environment are made of."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from mirror_console.domain.alignment import SAME_IMAGE, Alignment, DriftKind
from mirror_console.domain.cell import Cell
from mirror_console.domain.counting import counted
from mirror_console.domain.drift import of_settings
from mirror_console.domain.expectation import Expected, NoExpectation
from mirror_console.domain.identity import Sureness
from mirror_console.domain.image import short
from mirror_console.domain.moment import age, age_aloud, day, moment
from mirror_console.domain.observation import Health, Observation, State
from mirror_console.domain.several import ill_words
from mirror_console.domain.status import Activity, Knowledge, Status, status

_LONGEST_OUTPUT = 100


def kind(cell: Cell) -> str:
    """What serves there: a container, or a service of a Swarm."""
    return "service" if cell.environment.swarm else "container"


def was(cell: Cell) -> Status | None:
    """The state that it would have if what was last seen were from now; None where nothing was ever seen."""
    if cell.observation is None:
        return None
    return status(cell.alignment, cell.health, Knowledge.FRESH, Activity.IDLE)


def image_unread(cell: Cell) -> bool:
    """Whether a container was seen lately, but which image it has could not be read."""
    return cell.observation is not None and cell.knowledge in {Knowledge.FRESH, Knowledge.AGEING}


def untold(cell: Cell) -> str:
    """Why it can't be told whether its image is the expected one, as a clause; empty where that is told."""
    return cell.likeness.why if cell.likeness is not None and cell.likeness.same is None else ""


def sureness(cell: Cell) -> str:
    """How sure it is what its image is, where it isn't proved; empty where it is, or where it can't be told."""
    recorded = cell.likeness is not None and cell.likeness.sureness is Sureness.RECORDED
    return cell.likeness.words if cell.likeness is not None and recorded else ""


def digest_only(cell: Cell) -> str:
    """That of what is expected no more than the digest is known, as a sentence; empty where more is."""
    if cell.likeness is None or cell.likeness.sureness is not Sureness.DIGEST:
        return ""
    return f"Of {cell.expected_title} no more than the digest is known; whoever brings it there proves what it is."


def alive(cell: Cell) -> bool:
    """Whether its process runs, be it for moments only."""
    return cell.observation is not None and cell.observation.state in {State.RUNNING, State.RESTARTING}


def running_name(cell: Cell) -> str:
    """What runs, told apart from what is expected where both carry the same version."""
    seen = cell.observation
    if seen is not None and _same_name(cell):
        return f"{cell.running_title} ({short(seen.fingerprint)})"
    return cell.running_title


def expected_name(cell: Cell) -> str:
    """What is expected, told apart from what runs where both carry the same version."""
    if isinstance(cell.expected, Expected) and _same_name(cell):
        release = cell.expected.release
        return f"{cell.expected_title} ({short(cell.expected.fingerprint or (release.digest if release else ''))})"
    return cell.expected_title


def _same_name(cell: Cell) -> bool:
    return (
        isinstance(cell.expected, Expected)
        and cell.observation is not None
        and cell.running_title == cell.expected_title
        and cell.observation.fingerprint not in {"", cell.expected.fingerprint}
        and not (cell.likeness is not None and cell.likeness.same)
    )


def expected_words(cell: Cell, now: datetime) -> str:
    """``26.8.3 is expected since 30 Aug``; empty where nothing is."""
    if not isinstance(cell.expected, Expected):
        return ""
    back = ", as the source went back to it" if went_back(cell) else ""
    return f"{expected_name(cell)} is expected{since_day(cell.expected.since, now)}{back}"


def no_expectation(cell: Cell) -> str:
    """Why nothing is expected; empty where something is."""
    return cell.expected.why if isinstance(cell.expected, NoExpectation) else ""


def no_access(cell: Cell) -> str:
    """Why nobody looks at an environment, as a clause."""
    where = f"on {cell.engine_name}" if cell.engine_name else "on its engine"
    return f"account {cell.application.account} has no credential {where}"


def since_day(at: datetime | None, now: datetime) -> str:
    """`` since 30 Aug``, `` since 11:05 today``; empty where it isn't known."""
    if at is None:
        return ""
    today = day(at, now) == day(now, now)
    return f" since {moment(at, now)} today" if today else f" since {day(at, now)}"


def distance(cell: Cell) -> str:
    """``aligned``, ``3 releases behind``, ``1 release ahead``, ``drifted, digest ≠``."""
    match cell.alignment:
        case Alignment.BEHIND | Alignment.AHEAD if cell.behind:
            count = abs(cell.behind)
            return f"{count} release{'' if count == 1 else 's'} {cell.alignment}"
        case Alignment.DRIFTED if cell.drift is not None:
            return f"{cell.alignment}, {cell.drift}"
        case _:
            return str(cell.alignment)


def went_back(cell: Cell) -> bool:
    """Whether it is ahead because its source went back to an older release."""
    return cell.alignment is Alignment.AHEAD and isinstance(cell.expected, Expected) and cell.expected.back


def drift_words(cell: Cell) -> str:
    """In what way it has drifted, as the part of a sentence."""
    match cell.drift:
        case DriftKind.DIGEST:
            return f"its image calls itself {cell.running_title}, but it is not that release"
        case DriftKind.FOREIGN:
            image = cell.observation.image if cell.observation else ""
            return f"its image{f' {image}' if image else ''} does not come from this source"
        case DriftKind.UNKNOWN_RELEASE:
            return "its image was never a release of this source"
        case DriftKind.SETTINGS | DriftKind.BY_HAND:
            return by_hand(cell)
        case None:
            return "it does not run what is expected"
        case _:
            assert_never(cell.drift)


def by_hand(cell: Cell) -> str:
    """``2 settings were changed by hand (ports, memory limit)``; also that the container was made anew.

    Where no rollout is on record nobody knows who changed them: they differ from what the catalog says.
    """
    names = setting_names(cell)
    listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    shown = f" ({listed})" if listed else ""
    if cell.observation is not None and cell.observation.remade:
        others = f", with {counted(len(names), 'other setting')}{shown}" if names else ""
        return f"its {kind(cell)} was made anew by hand{others}"
    unrecorded = cell.observation is not None and cell.observation.unrecorded
    match len(names):
        case 0:
            return f"settings {'differ from what the catalog says' if unrecorded else 'were changed by hand'}"
        case 1:
            return f"a setting {'differs from what the catalog says' if unrecorded else 'was changed by hand'}{shown}"
        case number:
            how = "differ from what the catalog says" if unrecorded else "were changed by hand"
            return f"{number} settings {how}{shown}"


def setting_names(cell: Cell) -> list[str]:
    """The settings that differ from what was last applied."""
    return list(dict.fromkeys(difference.field for difference in of_settings(cell.differences)))


def drift_text(cell: Cell) -> str:
    """For a cell: ``digest ≠``, ``settings ≠: memory limit``, ``3 settings ≠: memory limit, …``, ``made by hand``."""
    names = setting_names(cell)
    if cell.drift not in SAME_IMAGE or not names:
        return str(cell.drift or Status.DRIFTED)
    count = f"{len(names)} " if len(names) > 1 else ""
    if cell.drift is DriftKind.BY_HAND:
        return f"{cell.drift}, {count}{DriftKind.SETTINGS}"
    return f"{count}{DriftKind.SETTINGS}: {names[0]}{', …' if len(names) > 1 else ''}"


def beside_text(cell: Cell) -> str:
    """For a cell whose status tells of its release: that it was changed by hand, as ``2 settings ≠``; else empty."""
    if not cell.changed_beside:
        return ""
    count = len(setting_names(cell))
    if (cell.observation is not None and cell.observation.remade) or not count:
        return str(DriftKind.BY_HAND)
    return f"{f'{count} ' if count > 1 else ''}{DriftKind.SETTINGS}"


def health_words(cell: Cell) -> str:
    """The health as a clause: ``it is healthy``, ``its health check is failing``, ``it is stopped (exit code 1)``."""
    state = cell.observation.state if cell.observation else None
    if ill := ill_words(cell):
        return ill
    if cell.environment.swarm and cell.observation is not None and cell.health is not Health.UNKNOWN:
        return _tasks_words(cell.observation)
    match cell.health:
        case Health.HEALTHY:
            return f"it is {cell.health}"
        case Health.NO_CHECK:
            return f"it has {cell.health}"
        case Health.STARTING:
            return "its health check is still starting"
        case Health.UNKNOWN:
            return "its health is unknown"
        case Health.FAILING if state is State.RESTARTING:
            return "it restarts over and over"
        case Health.FAILING:
            return "its health check is failing"
        case Health.STOPPED:
            return _stopped_words(cell)
        case _:
            assert_never(cell.health)


def _tasks_words(seen: Observation) -> str:
    """How many of a service's tasks run, as a clause."""
    return seen.health_output.partition(":")[0] or f"it is {seen.health}"


def _stopped_words(cell: Cell) -> str:
    seen = cell.observation
    match seen.state if seen else None:
        case State.EXITED | State.DEAD:
            return f"it is stopped (exit code {seen.exit_code if seen else 0})"
        case State.CREATED:
            return "it was never started"
        case State.REMOVING:
            return "it is being removed"
        case State.PAUSED:
            return "it is paused"
        case State.RUNNING | State.RESTARTING | None:
            return "it is stopped"
        case other:
            assert_never(other)


def health_output(cell: Cell) -> str:
    """The last line that a failing health check wrote, cut where it is long."""
    shown = cell.health is Health.FAILING or (cell.environment.swarm and cell.health is Health.STOPPED)
    text = cell.observation.health_output.strip() if cell.observation and shown else ""
    if cell.environment.swarm:
        # How many of its tasks run stands elsewhere: what is told of those that don't.
        text = text.partition(": ")[2]
    line = text.splitlines()[-1].strip().rstrip(".") if text else ""
    return line if len(line) <= _LONGEST_OUTPUT else f"{line[:_LONGEST_OUTPUT]}…"


def activity_words(cell: Cell) -> str:
    """``rolling out (→ 26.8.3 fetching)``, ``queued for rolling out (→ 26.8.3)``."""
    step = cell.step.removesuffix(f" {cell.activity}")
    match cell.activity:
        case Activity.QUEUED:
            return f"queued for rolling out{f' ({step})' if step else ''}"
        case Activity.INTERRUPTED:
            return "in a rollout that was interrupted"
        case Activity.LOCKED:
            return cell.step or str(cell.activity)
        case Activity.ROLLING_OUT | Activity.IDLE:
            return f"rolling out{f' ({step})' if step else ''}"
        case _:
            assert_never(cell.activity)


def reason(cell: Cell) -> str:
    """Why its engine can't be reached, in the word for it."""
    if cell.contact is not None and cell.contact.failure is not None:
        return str(cell.contact.failure)
    return "no answer"


def engine_and_reason(cell: Cell) -> str:
    """``fra-2: connection refused``."""
    return f"{cell.engine_name}: {reason(cell)}" if cell.engine_name else reason(cell)


def then(cell: Cell) -> str:
    """What was there when it was last seen: ``it ran 26.8.2 (1 release behind, healthy)``."""
    if not cell.running_title:
        return f"no {kind(cell)} was there"
    known = [
        "" if cell.alignment is Alignment.UNKNOWN else distance(cell),
        "" if cell.health is Health.UNKNOWN else str(cell.health),
    ]
    words = ", ".join(word for word in known if word)
    what = "it ran" if alive(cell) else f"its {kind(cell)} had"
    return f"{what} {cell.running_title}{f' ({words})' if words else ''}"


def hold_until(cell: Cell, now: datetime) -> str:
    """`` until 30 Sep``; empty for a hold without end."""
    hold = cell.environment.hold
    return f" until {day(hold.until, now)}" if hold is not None and hold.until else ""


def hold_ending(cell: Cell, now: datetime) -> str:
    """``ends in 2 days``, in the last week of a hold; else empty."""
    hold = cell.environment.hold
    return f"ends in {age_aloud(hold.until - now)}" if hold and hold.until and hold.ends_soon(now) else ""


def held_words(cell: Cell, now: datetime) -> str:
    """``held``, ``held, ends in 2 days``; empty where nothing is held."""
    if not cell.held:
        return ""
    return ", ".join(part for part in ("held", hold_ending(cell, now)) if part)


def hold_ended(cell: Cell, now: datetime) -> str:
    """``hold ended 26 Sep``, of an environment that follows its image source again; else empty."""
    hold = cell.environment.hold
    if hold is None or hold.until is None or hold.active(now):
        return ""
    return f"hold ended {day(hold.until, now)}"


def last_seen(cell: Cell, now: datetime) -> str:
    """``When last seen, 2 h ago, it ran 26.8.2 (1 release behind, healthy)``."""
    if cell.observation is None:
        return "Nothing was ever seen of it"
    return f"When last seen, {age(now - cell.observation.at)} ago, {then(cell)}"
