"""The checks of one target, said from what its engine and the catalog were asked once for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.drift import not_made_again
from mirror_console.domain.engine import EngineFacts
from mirror_console.domain.environment import NAME_SUFFIXES, RestartPolicy
from mirror_console.domain.image import Image
from mirror_console.domain.observation import LABEL, Container, Difference, Health, Listed, Role, State, is_ours
from mirror_console.domain.plan import Change, PlannedTarget
from mirror_console.domain.request import Network, Resolved
from mirror_console.domain.room import Room
from mirror_console.domain.swap import Swap
from mirror_console.domain.swarm import SwarmNode
from mirror_console.domain.way_back import WayBack
from mirror_console.errors import EngineError, VaultError
from mirror_console.operations.companion_checks import RUNS, undeclared, with_companions
from mirror_console.operations.console import Console
from mirror_console.operations.container_checks import made_by_tool, ties
from mirror_console.operations.local_time import local
from mirror_console.operations.ports.engine import EngineSession
from mirror_console.operations.scene import is_left_over, is_way_back, lock_name, lock_on

REMEDY_FOR_LOCK = (
    "Wait until that rollout ends, or have it recovered there. If that console is gone for good, take the lock over: "
    "in the mirror's details, or with 'mirror-console locks take-over'."
)

Pullable = tuple[tuple[Check, Answer, str, str], ...]
"""Answers that targets with the same image share: check, answer, words, remedy."""


@dataclass(frozen=True, slots=True)
class EngineScene:
    """What the checks of one engine share: what was asked once."""

    session: EngineSession
    facts: EngineFacts
    listed: Sequence[Listed]
    required: Mapping[str, Sequence[str]]
    """The variables that a target's source requires, by the target's environment."""
    changed: Mapping[str, Sequence[Difference]]
    """What was changed by hand at other processes than the one that serves, by the target's environment."""
    images: dict[str, Image | None] = field(default_factory=dict)
    """What was read of images, by id."""
    _networks: list[Sequence[Network]] = field(default_factory=list)
    inside: str = ""
    """The id of a running container of one of the targets, which may be asked for the free disk."""
    strangers: Sequence[Container] = ()
    """Containers that run and are nobody's in the catalog, as far as they were looked at."""
    asleep: Sequence[Container] = ()
    """Containers that hold no port now and may come back to one, as far as they were looked at."""
    volumes: frozenset[str] = frozenset()
    """Only where a target names some."""
    nodes: Sequence[SwarmNode] = ()
    """Of services of a Swarm: its nodes that are given tasks, as far as its manager tells."""
    lost_before: Mapping[str, str] = field(default_factory=dict)
    """Of services of a Swarm: why what they run can't be had again from its registry, by its reference."""
    inspected: dict[str, Container | None] = field(default_factory=dict)
    """What was read of containers, by name."""
    _room: list[Room | None] = field(default_factory=list)
    _to_come: list[int] = field(default_factory=list)
    """How large the images are for which there was room, and that aren't there yet."""
    _by_name: dict[str, Listed] = field(init=False)
    _locks: list[Listed] = field(init=False)

    def __post_init__(self) -> None:
        # Sorted once: each target on the engine asks for several names.
        object.__setattr__(self, "_by_name", {container.name: container for container in self.listed})
        locks = [found for found in self.listed if found.labels.get(LABEL + "role") == Role.LOCK]
        object.__setattr__(self, "_locks", locks)

    def named(self, name: str) -> Listed | None:
        """The container of that name."""
        return self._by_name.get(name)

    @property
    def locks(self) -> Sequence[Listed]:
        """The locks of any console."""
        return self._locks

    def networks(self) -> Sequence[Network]:
        """The engine's networks, asked for once. Raises EngineError."""
        if not self._networks:
            self._networks.append(self.session.networks())
        return self._networks[0]

    def network_names(self) -> frozenset[str]:
        """Their names. Raises EngineError."""
        return frozenset(network.name for network in self.networks())

    def room_for(self, size: int | None) -> tuple[Room | None, int]:
        """The room where the engine keeps its images, and how much of it other images take that come in this plan.

        Asked for once; None where it can't be learned. An image of this `size` is counted for whoever asks next.
        """
        if not self._room:
            try:
                self._room.append(self.session.free_disk(self.facts, self.inside))
            except EngineError:
                self._room.append(None)  # that it can't be reached any more is said of what is asked besides
        others = sum(self._to_come)
        self._to_come.append(size or 0)
        return self._room[0], others

    def inspect(self, name: str) -> Container | None:
        """The container of that name, asked for once."""
        if name not in self.inspected:
            self.inspected[name] = self.session.inspect(name)
        return self.inspected[name]

    def image(self, image_id: str) -> Image | None:
        """The image of that id, asked for once."""
        if image_id not in self.images:
            self.images[image_id] = self.session.image(image_id)
        return self.images[image_id]


def check_target(console: Console, scene: EngineScene, target: PlannedTarget) -> list[CheckResult]:
    """All checks that concern one target alone. Looks at its container now. Raises EngineError."""
    old = scene.inspect(target.container)

    def of_companion(one: PlannedTarget) -> list[CheckResult]:
        there = scene.inspect(one.container)
        return [
            *_current(one, there),
            _names(scene, one, there),
            *_shape(scene, one, there),
            *_healthy_now(one, there),
        ]

    def of_going(one: PlannedTarget) -> list[CheckResult]:
        there = scene.inspect(one.container)
        return [*_current(one, there), _whose(scene, one, there), *_tied(scene, one, there)]

    if target.swap is Swap.SERVICE:
        return [
            _settings(console, scene, target),
            *_current(target, old),
            _lock(console, scene, target, old),
            *_healthy_now(target, old),
        ]
    own = [
        _settings(console, scene, target),
        *_current(target, old),
        _names_of_all(scene, target, old),
        free_ports(scene.listed, target, old, scene.asleep),
        _lock(console, scene, target, old),
        *_shape(scene, target, old),
        *_healthy_now(target, old),
        _way_back(scene, target, old),
    ]
    return with_companions(target, own, of_companion, of_going)


def said(target: PlannedTarget, check: Check, answer: Answer, words: str, remedy: str = "") -> CheckResult:
    """The answer to a check of one target."""
    return CheckResult(check, answer, words, remedy, target.environment_id, target.engine_id)


def fits(scene: EngineScene, platform: str) -> tuple[Check, Answer, str, str]:
    """Whether an image of this platform, which is on the engine, runs there."""
    if not platform or platform == scene.facts.platform:
        return (Check.PLATFORM, Answer.PASS, f"Made for {scene.facts.platform}.", "")
    words = f"The image is for {platform}, the engine is {scene.facts.platform}."
    return (Check.PLATFORM, Answer.BLOCKED, words, "Publish the release for this platform too.")


def fits_any(scene: EngineScene, resolved: Resolved) -> tuple[Check, Answer, str, str]:
    """Whether the registry has the image for the engine's platform."""
    if not resolved.platforms:
        words = "The registry doesn't say for which platforms the image is."
        return (Check.PLATFORM, Answer.UNKNOWN, words, "Look at the image with 'docker manifest inspect'.")
    mine = scene.facts.platform
    if any(platform == mine or platform.startswith(mine + "/") for platform in resolved.platforms):
        return (Check.PLATFORM, Answer.PASS, f"The image is there for {mine}.", "")
    words = f"The image is for {', '.join(resolved.platforms)}; the engine is {mine}."
    return (Check.PLATFORM, Answer.BLOCKED, words, "Publish the release for this platform too.")


def _settings(console: Console, scene: EngineScene, target: PlannedTarget) -> CheckResult:
    given = target.settings
    missing = [
        name
        for name in scene.required[target.environment_id]
        if not given.variables.get(name) and name not in given.secrets
    ]
    if missing:
        words = f"Required and without a value: {', '.join(missing)}."
        return said(
            target, Check.SETTINGS, Answer.BLOCKED, words, "Give the values on the mirror's form, then plan again."
        )
    try:
        unkept = [name for name, reference in given.secrets.items() if not console.vault.has(reference)]
    except VaultError as error:
        return said(target, Check.SETTINGS, Answer.BLOCKED, error.title, error.hint)
    if unkept:
        words = f"Not in the keyring: {', '.join(sorted(unkept))}."
        return said(target, Check.SETTINGS, Answer.BLOCKED, words, "Type the values on the mirror's form.")
    return said(target, Check.SETTINGS, Answer.PASS, "Every required variable has a value.")


def _current(target: PlannedTarget, old: Container | None) -> list[CheckResult]:
    """Whether the target still is as it was planned."""
    if target.swap is Swap.CREATE:
        if old is None:
            return [said(target, Check.PLAN_CURRENT, Answer.PASS, "Still without a container, as planned.")]
        words = f"A container '{target.container}' is there now; the plan was to create the first one."
        return [said(target, Check.PLAN_CURRENT, Answer.BLOCKED, words, "Check the environment and plan again.")]
    what = "service" if target.swap is Swap.SERVICE else "container"
    if old is None:
        words = f"The {what} '{target.container}' is gone."
        return [said(target, Check.PLAN_CURRENT, Answer.BLOCKED, words, "Check the environment and plan again.")]
    if old.id != target.before_container_id or old.image_id != target.before_image_id:
        words = f"The {what} '{target.container}' is another one than when the plan was made."
        if old.id == target.before_container_id:
            words = f"The {what} '{target.container}' has another image than when the plan was made."
        return [said(target, Check.PLAN_CURRENT, Answer.BLOCKED, words, "Check the environment and plan again.")]
    return [said(target, Check.PLAN_CURRENT, Answer.PASS, f"The {what} is the one that was planned for.")]


def _names_of_all(scene: EngineScene, target: PlannedTarget, old: Container | None) -> CheckResult:
    found = _names(scene, target, old)
    runs_on = undeclared(scene.listed, target)
    if not runs_on or found.answer is not Answer.PASS:
        return found
    remedy = "Remove it with 'docker rm -f', or declare the process again."
    return said(target, Check.NAMES, Answer.WARNING, runs_on, remedy)


def _whose(scene: EngineScene, going: PlannedTarget, there: Container | None) -> CheckResult:
    """Whether the container that is taken away is one that a rollout made."""
    found = _names(scene, going, there)
    if found.answer is not Answer.PASS or there is None or is_ours(there.labels, going.environment_id):
        return found
    words = f"'{there.name}' wasn't made by a rollout from here, and is taken away."
    return said(going, Check.NAMES, Answer.WARNING, words, "Declare the process again where it is to stay.")


def _tied(scene: EngineScene, target: PlannedTarget, old: Container | None) -> list[CheckResult]:
    """What would break, or act against it, once its container is replaced: two answers where there are two such."""
    if old is None:
        return []
    if tied := ties(old, scene.listed, scene.strangers):
        return [said(target, Check.SHAPE, *tied)]
    if twin := _twin(scene, target):
        remedy = f"See which of the two serves, and remove the other: 'docker rm -f {twin}'."
        words = f"'{twin}' runs for it, too: of two that serve, a rollout would replace one."
        return [said(target, Check.SHAPE, Answer.BLOCKED, words, remedy)]
    if target.swap is not Swap.IN_PLACE and (made := made_by_tool(old)):
        return [replace(said(target, Check.SHAPE, *made), by_consent=True)]
    return []


def _twin(scene: EngineScene, target: PlannedTarget) -> str:
    """The name of another container that runs for the same process; empty where there is none.

    What a rollout has begun and not ended is told by its names and locks.
    """
    return next(
        (
            one.name
            for one in scene.listed
            if one.state in RUNS
            and is_ours(one.labels, target.environment_id)
            and one.labels.get(LABEL + "role") == Role.APPLICATION
            and one.labels.get(LABEL + "process") == target.process
            and one.name != target.container
            and not one.name.endswith(NAME_SUFFIXES)
        ),
        "",
    )


def _names(scene: EngineScene, target: PlannedTarget, old: Container | None) -> CheckResult:
    candidate = scene.named(target.container + ".mc-next")
    if candidate is not None:
        if is_ours(candidate.labels, target.environment_id):
            words = "A new container of an earlier rollout is still there."
            remedy = (
                "Decide about that rollout on the Rollouts page, or with 'mirror-console recover'. If it has ended, "
                f"look at '{candidate.name}', and remove it with 'docker rm'."
            )
        elif candidate.labels.get(LABEL + "env"):
            words = "A new container of another console's rollout is there."
            remedy = "Wait until that rollout ends, or have it recovered there."
        else:
            words = f"A container '{candidate.name}' is there that isn't ours."
            remedy = "Rename or remove it; rollouts need this name for a while."
        return said(target, Check.NAMES, Answer.BLOCKED, words, remedy)
    kept = scene.named(target.container + ".mc-prev")
    if kept is not None and not is_way_back(kept, target, old):
        words = f"A container '{kept.name}' is there that isn't the way back of an earlier rollout."
        return said(
            target, Check.NAMES, Answer.BLOCKED, words, "Rename it; rollouts keep the way back under this name."
        )
    older = scene.named(target.container + ".mc-older")
    if older is not None and not is_way_back(older, target, old):
        words = f"A container '{older.name}' is there that isn't ours."
        return said(target, Check.NAMES, Answer.BLOCKED, words, "Rename it; rollouts use this name for a while.")
    if any(c.state is State.DEAD and is_ours(c.labels, target.environment_id) for c in scene.listed):
        words = "A container that the engine couldn't remove is left of this environment."
        return said(target, Check.NAMES, Answer.BLOCKED, words, "Remove it with 'docker rm', then check again.")
    return said(target, Check.NAMES, Answer.PASS, "The names that the rollout uses are free or ours.")


def free_ports(
    listed: Sequence[Listed], target: PlannedTarget, old: Container | None, asleep: Sequence[Container] = ()
) -> CheckResult:
    """Whether no container but the one that goes holds a host port that is wanted, at an address that meets.

    Of those `asleep`, which hold none now, it is told whether they come back to one: then a person may know better.
    """
    wanted = [port for port in target.settings.ports if port.host]
    if not wanted:
        return said(target, Check.PORTS, Answer.PASS, "No fixed host ports are asked for.")
    for other in listed:
        if old is not None and other.id == old.id:
            continue
        taken = min((port.host for port in wanted if any(map(port.meets, other.host_ports))), default=0)
        if taken:
            words = f"Port {taken} is held by '{other.name}'."
            remedy = "Choose another port on the mirror's form, or move that container."
            return said(target, Check.PORTS, Answer.BLOCKED, words, remedy)
    for one in asleep:
        taken = min((port.host for port in wanted if any(map(port.meets, one.declared_ports))), default=0)
        if taken and one.state is State.RESTARTING:
            words = f"Port {taken} is wanted by '{one.name}', which starts again and again."
            remedy = "Choose another port on the mirror's form, or move that container."
            return said(target, Check.PORTS, Answer.BLOCKED, words, remedy)
        if taken and comes_back(one):
            words = f"'{one.name}' is stopped, and comes back to port {taken} when the engine restarts ({one.restart})."
            remedy = f"Remove it, or take its policy away: 'docker update --restart no {one.name}'."
            return replace(said(target, Check.PORTS, Answer.BLOCKED, words, remedy), by_consent=True)
    ports = ", ".join(map(str, sorted(port.host for port in wanted)))
    # What other programs of the host hold, an engine doesn't tell before it binds.
    return said(target, Check.PORTS, Answer.PASS, f"No other container holds {ports}.")


def comes_back(stopped: Container) -> bool:
    """Whether an engine that restarts starts a container that is stopped now (measured on Docker 20.10)."""
    failed = stopped.restart is RestartPolicy.ON_FAILURE and stopped.exit_code != 0
    return stopped.restart is RestartPolicy.ALWAYS or failed


def _lock(console: Console, scene: EngineScene, target: PlannedTarget, old: Container | None) -> CheckResult:
    held = scene.named(lock_name(target.container)) or _lock_of_others(scene, target, old)
    if held is None:
        return said(target, Check.LOCK, Answer.PASS, "Nobody holds the lock.")
    lock = lock_on(held, target.container)
    if is_left_over(console, held.labels):
        words = f"A rollout of this console that is over left its lock ({lock.details}); it is taken away first."
        return said(target, Check.LOCK, Answer.PASS, words)
    words = f"{lock.words(local(console.clock()))} ({lock.details})."
    return said(target, Check.LOCK, Answer.BLOCKED, words, REMEDY_FOR_LOCK)


def _lock_of_others(scene: EngineScene, target: PlannedTarget, old: Container | None) -> Listed | None:
    """The lock of a console whose catalog was filled by itself: there the same container is another environment's.

    It is known by the container that it was taken for, or by whose environment the containers here are.
    """
    here = (scene.named(target.container + ".mc-next"), old)
    owners = {found.labels.get(LABEL + "env", "") for found in here if found} - {""}
    taken_for = old.id if old else "nothing"
    return next(
        (
            lock
            for lock in scene.locks
            if lock.labels.get(LABEL + "prev") == taken_for or lock.labels.get(LABEL + "env") in owners
        ),
        None,
    )


def _shape(scene: EngineScene, target: PlannedTarget, old: Container | None) -> list[CheckResult]:
    if old is None:
        return []
    tied = _tied(scene, target, old)
    if lost := not_made_again(target.settings, old):
        words = f"It has what the console can't make again: {', '.join(lost)}."
        remedy = "Deploy this environment by hand, or take that away from its container."
        # A person's word over the one answer says nothing of the other.
        return [*tied, said(target, Check.SHAPE, Answer.BLOCKED, words, remedy)]
    if tied:
        return tied
    return [said(target, Check.SHAPE, Answer.PASS, "The console can make all that the container has.")]


def _healthy_now(target: PlannedTarget, old: Container | None) -> list[CheckResult]:
    if old is None:
        return []
    if not old.running or old.health is Health.FAILING:
        how = f"The container {'fails its health check' if old.running else f'is {old.state}'} now"
        if target.swap is Swap.SERVICE:
            how = "Not all tasks of the service run now"
        words = f"{how}: putting back would bring this state back."
        if target.change is Change.BACK:
            return [said(target, Check.HEALTHY_NOW, Answer.INFORMATION, f"{how}, and is to be replaced.")]
        return [said(target, Check.HEALTHY_NOW, Answer.WARNING, words, "Look at it first, or go on knowing this.")]
    return [said(target, Check.HEALTHY_NOW, Answer.PASS, "It runs.")]


def _way_back(scene: EngineScene, target: PlannedTarget, old: Container | None) -> CheckResult:
    if old is None:
        return said(target, Check.WAY_BACK, Answer.PASS, "There was no container: putting back removes the new one.")
    if target.swap is Swap.IN_PLACE:
        return said(target, Check.WAY_BACK, Answer.PASS, "The container stays; what it was granted is on record.")
    if scene.image(old.image_id) is None:
        words = (
            "The image of the running container is gone from the engine; the stopped container is the only way back."
        )
        return said(target, Check.WAY_BACK, Answer.WARNING, words, "Pull or load that image again to be safe.")
    if target.way_back is WayBack.BLOCKED:
        words = (
            "The old container is kept, with its image; but once the data has changed it may not be able to work on "
            "it, so that a rollback will be refused."
        )
        return said(target, Check.WAY_BACK, Answer.WARNING, words, "Try it at one mirror first, with a backup at hand.")
    return said(target, Check.WAY_BACK, Answer.PASS, "The old container is kept, stopped, with its image.")
