"""Faults of the registry, which a rollout has to pull from: it refuses, is slow or busy, or gives what isn't asked for.

They begin with the pull, or were there before the checks: then these may keep the rollout from beginning.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from tests.campaign_parts.checker import RUNS_NEW, Violation
from tests.campaign_parts.fault import Fault, Outcome, outcome
from tests.campaign_parts.faults.engine import fill, filler
from tests.campaign_parts.making import played
from tests.campaign_parts.play import Play, Point, Role, go_on, is_stopped, kill
from tests.campaign_parts.world import HOST, SMALL, Image, Stage, World, loaded
from tests.journeys.agency import wait_until
from tests.lab.engine import EngineSpec
from tests.lab.fault_registry import ANYTHING, BLOBS, MANIFESTS, FaultRegistry, Rule, fault_registry
from tests.lab.fault_registry import Fault as Broken
from tests.lab.images import ImageSpec

UNTOUCHED = frozenset({"failed", "not started", "skipped"})
EITHER = UNTOUCHED | RUNS_NEW
PULL = "PULL:before"
GONE_AT = ("LOCK:outcome", "CREATE:intent", "CREATE:sent", "START:intent")
BALLAST = 200_000
"""Bytes of a layer that is the image's own."""
OTHER_PLATFORM = "s390x"
SILENT = 3.0
"""Seconds without a sign of life after which a pull is given up in these plays."""
ROLES = (Role(kept=True), Role(old=None), Role(beside=True))


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a registry does, what may come of it, and what has to be told where nothing came."""

    rules: Callable[[random.Random], tuple[Rule, ...]]
    told: str
    may_end: frozenset[str] = EITHER
    most_asked: int = 0
    """How often the image may be asked for; 0 where nothing says how often is too often."""
    silence: float = 0.0
    """Seconds without a sign of life after which it is given up; 0 for the program's own."""


def _fault(name: str, words: str, trouble: Trouble, share: float = 0.15) -> Fault:
    def play(world: World, point: Point) -> Outcome:
        before_the_checks = point.number % 3 == 2
        with _pulling(world, point, may_end=trouble.may_end) as (playing, registry):
            rules = trouble.rules(playing.dice)
            playing.place = f"{words}, {'before the checks' if before_the_checks else f'at {PULL}'}"
            if before_the_checks:
                with registry.misbehaving(*rules), playing.start(silence=trouble.silence) as command:
                    playing.ended(command)
            else:
                with playing.start(stop_at=PULL, silence=trouble.silence) as command:
                    # Only now: the checks have asked it, too.
                    if is_stopped(command):
                        with registry.misbehaving(*rules):
                            go_on(command)
                            playing.ended(command)
                        playing.wrong += _asked_too_often(registry, trouble)
                    else:
                        playing.ended(command)
            told = playing.recover()
            playing.wrong += _untold(playing, trouble.told, told)
            return outcome(playing, told)

    return Fault(name, words, play, share=share, at_once=2)


def _asked_too_often(registry: FaultRegistry, trouble: Trouble) -> list[Violation]:
    asked = sum(MANIFESTS in path for _, path in registry.asked)
    if not trouble.most_asked or asked <= trouble.most_asked:
        return []
    return [Violation("what is refused for good isn't asked for again", f"it was asked for {asked} times")]


def _untold(play: Play, wanted: str, told: str) -> list[Violation]:
    """Where nothing came, the reason must stand where a person reads it."""
    if told not in UNTOUCHED:
        return []
    words = " ".join([play.words, *play.said])
    return [] if re.search(wanted, words) else [Violation("the reason is told", f"'{wanted}' isn't in: {words[-900:]}")]


def killed(world: World, point: Point) -> Outcome:
    """The console is killed while a layer is on its way; the registry is well again when it is recovered."""
    with _pulling(world, point) as (play, registry):
        slow = Rule(Broken.SLOW, on=BLOBS, seconds=0.3, at_least=BALLAST // 2)
        with play.start(stop_at=PULL) as command:
            if is_stopped(command):
                with registry.misbehaving(slow):
                    go_on(command)
                    wait_until(lambda: registry.spoilt > 0, "a layer is on its way")
                    kill(command)
                    play.ended(command)
            else:
                play.ended(command)
        play.place = "killed while a layer was on its way"
        play.note_cut_off()
        if play.dice.random() < 0.5:
            play.delete_journal()
        return outcome(play, play.recover(kills=play.dice.randint(0, 1)))


def image_gone(world: World, point: Point) -> Outcome:
    """The image was there at the checks; then somebody removes it from the engine."""
    place = point.one_of(GONE_AT)
    with _pulling(world, point, there=True) as (play, registry), registry.misbehaving():
        play.place = f"the image is removed, at {place}"
        with play.start(stop_at=place) as command:
            if is_stopped(command):
                play.stage.docker.forget_image(play.case.new_image)
                go_on(command)
            play.ended(command)
        return outcome(play, play.recover())


def disk_fills(world: World, point: Point) -> Outcome:
    """There was room for the image at the checks; when it comes there is none."""
    with _pulling(world, point, spec=SMALL) as (play, registry), registry.misbehaving():
        play.place = "the engine's disk is full when the image comes"
        with play.start(stop_at=PULL) as command:
            if is_stopped(command):
                fill(play.stage.engine, BALLAST // 4)
                go_on(command)
            play.ended(command)
        filler(play.stage.engine).unlink(missing_ok=True)
        told = play.recover()
        play.wrong += _untold(play, "disk|space", told)
        return outcome(play, told)


def other_platform(world: World, point: Point) -> Outcome:
    """The release was only ever built for another platform than the engine's; it is there already, or in the registry.

    The checks have to find it out: nothing of ours may be left, and nothing pulled.
    """
    there = point.number % 2 == 1
    with (
        _pulling(world, point, may_end=UNTOUCHED, there=there, architecture=OTHER_PLATFORM) as (play, registry),
        registry.misbehaving(),
    ):
        play.place = f"the image is for another platform, {'on the engine' if there else 'in the registry'}"
        with play.start() as command:
            play.ended(command)
        told = play.recover()
        play.wrong += _untold(play, f"for linux/{OTHER_PLATFORM}", told)
        if registry.pulls(BLOBS) > 1:  # its configuration says what it is for
            play.wrong.append(Violation("what can't run there isn't pulled", f"{registry.asked}"))
        return outcome(play, told)


@contextmanager
def _pulling(
    world: World,
    point: Point,
    *,
    may_end: frozenset[str] = EITHER,
    there: bool = False,
    spec: EngineSpec = HOST,
    architecture: str = "",
) -> Iterator[tuple[Play, FaultRegistry]]:
    """A play with a release of its own, which is only in the registry, and what stands before that.

    An engine remembers what it has once read of an image: each play needs another.
    """
    stage, lab = world.stage(spec), world.lab
    role = ROLES[point.number % len(ROLES)]
    login = (lab.registry.user, lab.registry.password)
    with fault_registry(lab.network) as registry:
        image = _published(world, stage, registry, there=there, architecture=architecture)
        change = partial(replace, may_end=may_end)
        with played(world, stage, point, role, change=change, image=image, login=login) as play:
            try:
                yield play, registry
            finally:
                play.tidy()
                stage.docker.forget_image(image.id)


def _published(world: World, stage: Stage, registry: FaultRegistry, *, there: bool, architecture: str = "") -> Image:
    repository = f"{world.lab.registry.address}/campaign/pulled"
    spec = ImageSpec(repository, f"p{world.port()}", payload=BALLAST, architecture=architecture)
    image = loaded(stage.docker, spec)
    if not there:
        stage.docker.forget_image(image.id)
    # The same digest, asked of who stands before the registry.
    return replace(image, reference=image.reference.replace(world.lab.registry.address, registry.address))


def _elsewhere(dice: random.Random) -> tuple[Rule, ...]:
    """To a host that isn't there, or round and round: at first, or always."""
    times = None if dice.random() < 0.5 else dice.randint(1, 2)
    return (Rule(dice.choice((Broken.ELSEWHERE, Broken.LOOP)), on=dice.choice((MANIFESTS, BLOBS)), times=times),)


def _always(fault: Broken, on: str = MANIFESTS) -> Callable[[random.Random], tuple[Rule, ...]]:
    return lambda _dice: (Rule(fault, on=on),)


def _at_first(fault: Broken, most: int, on: str = MANIFESTS) -> Callable[[random.Random], tuple[Rule, ...]]:
    """For the first few requests; each fourth time for all."""

    def rules(dice: random.Random) -> tuple[Rule, ...]:
        times = None if dice.random() < 0.25 else dice.randint(1, most)
        return (Rule(fault, on=on, times=times),)

    return rules


def _busy(dice: random.Random) -> tuple[Rule, ...]:
    """Too many requests: it says when to come again, or that this will be too late for anybody who waits."""
    if dice.random() < 0.3:
        return (Rule(Broken.TOO_MANY, retry_after=3600),)
    return (Rule(Broken.TOO_MANY, times=dice.randint(1, 3), retry_after=1),)


def _cut(dice: random.Random) -> tuple[Rule, ...]:
    fault, on = dice.choice(((Broken.RESET, MANIFESTS), (Broken.TRUNCATED, BLOBS), (Broken.RESET, BLOBS)))
    return (Rule(fault, on=on, times=dice.randint(1, 2)),)


def _slow(dice: random.Random) -> tuple[Rule, ...]:
    return (Rule(Broken.SLOW, on=BLOBS, seconds=dice.choice((0.05, 0.2, 0.4))),)


FAULTS = (
    _fault(
        "registry-401",
        "registry refuses the password",
        Trouble(_always(Broken.UNAUTHORIZED), "refuses? the (sign-in|password)|refused the sign-in", UNTOUCHED, 6),
    ),
    _fault(
        "registry-403",
        "registry doesn't let it have that",
        Trouble(_always(Broken.FORBIDDEN), "refuse[sd] (it|the (sign-in|password))", UNTOUCHED, 6),
    ),
    _fault(
        "registry-realm",
        "registry sends for a token, round and round",
        Trouble(_always(Broken.REALM, ANYTHING), "refuses? the (sign-in|password)|refused the sign-in", UNTOUCHED, 6),
    ),
    _fault("registry-404", "registry hasn't got it", Trouble(_always(Broken.MISSING), "doesn't have it", UNTOUCHED, 6)),
    _fault("registry-429", "registry wants fewer requests", Trouble(_busy, "fewer requests|too many requests")),
    _fault("registry-500", "registry is in trouble", Trouble(_at_first(Broken.ERROR, 3), "in trouble")),
    _fault(
        "registry-silent",
        "registry begins, and goes silent",
        Trouble(_at_first(Broken.STALL, 1, BLOBS), "nothing came for|registry did not answer within", silence=SILENT),
    ),
    _fault(
        "registry-elsewhere",
        "registry sends to a host that isn't there",
        Trouble(_elsewhere, "can't reach|lost|doesn't say|redirect"),
    ),
    _fault("registry-slow", "registry is slow", Trouble(_slow, "", RUNS_NEW)),
    _fault("registry-cut", "registry's answers are cut off", Trouble(_cut, "lost|reach|doesn't say")),
    _fault(
        "layer-corrupt",
        "a layer comes corrupt",
        Trouble(_at_first(Broken.CORRUPT, 1, BLOBS), "isn't what was published|doesn't say"),
    ),
    _fault(
        "digest-wrong",
        "what comes isn't what was asked for",
        Trouble(_always(Broken.WRONG_DIGEST), "isn't what was published|another content", UNTOUCHED),
    ),
    Fault("kill-pulling", "kill -9 while a layer is on its way", killed, share=0.25, at_once=2),
    Fault("pull-disk-full", "disk full on the engine as it pulls", disk_fills, share=0.15),
    Fault("other-platform", "image is for another platform", other_platform, share=0.15, at_once=2),
    Fault("image-gone", "somebody removes the image", image_gone, share=0.2, at_once=2),
)
