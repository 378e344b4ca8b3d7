"""Relay: bring an image from an engine that has it to others that lack it, through the console, without a registry.

It is streamed: neither the whole image nor a layer of it is ever held here. A target that fails or stalls drops out and
doesn't stop the others; called again, the relay skips those that have the image, so that each can be resumed alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial

from mirror_console.domain.audit import Noun
from mirror_console.domain.engine import Engine
from mirror_console.domain.engine_kind import EngineKind
from mirror_console.domain.held import BY_RELAY
from mirror_console.domain.image import Image
from mirror_console.domain.plain import clean
from mirror_console.domain.relay import OVER, Leg, LegState, Relay
from mirror_console.domain.request import PullProgress
from mirror_console.errors import ConsoleError, EngineError, FailureKind, InvalidInput, Problem
from mirror_console.jobs import Jobs, Work
from mirror_console.operations import arrival
from mirror_console.operations.audited import audited
from mirror_console.operations.console import Console
from mirror_console.operations.holding import Held, holding, layers_there
from mirror_console.operations.ports.engine import Loading, Saving
from mirror_console.operations.tee import Tee
from mirror_console.operations.thinning import Thinner, shared

AT_ONCE = 8
"""Targets that share one reading of the source; what comes after them has the next one."""
ROOM = 8 * 1024 * 1024
"""Bytes that are held here at most, however many targets there are."""
PATIENCE = 30.0
"""Seconds after which a target that takes nothing no longer holds up the others."""
TOLD_EVERY = 0.1
"""Seconds."""
CLASSIC = "classic"
_READING = "the source"
AGAIN = "Run the relay again for it: what others have by now isn't sent again."


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be carried. `name` is the reference that people find it by on the targets; empty gives it none."""

    fingerprint: str
    name: str = ""
    brought_by: str = BY_RELAY
    """The rollout that wants it there: it is kept with the image, so that clean-up knows that it is ours."""


def relay(
    console: Console,
    jobs: Jobs,
    asked: Asked,
    sources: Sequence[Engine],
    targets: Sequence[Engine],
    report: Callable[[Relay], None] = lambda _relay: None,
    work: Work | None = None,
    patience: float = PATIENCE,
) -> Relay:
    """Bring the image to every target that lacks it, and prove by its fingerprint that it is there.

    Engines are given as they are to be reached. The first source that has the image gives it away; where it dies in
    mid-stream the next one is tried, and after those a target that had it already. What became of each target stands in
    what is returned; a target that failed is no exception. `report` is told at most ten times a second, and at
    every step, from any thread. Blocks; `work` cancels it at once. Raises NotAllowed, Stopped, and InvalidInput where
    there is no target.
    """
    console.demand_write()
    if not targets:
        raise InvalidInput("There is nowhere to bring the image.", [Problem("to", "name an engine")])
    running = _Running(console, jobs, asked, targets, report, work or Work(lambda *_: None), patience)
    told = {"to": [engine.name for engine in targets], "from": [engine.name for engine in sources]}
    with audited(console, Noun.RELAY, asked.fingerprint, asked.name or asked.fingerprint, told) as doings:
        try:
            with running.work.closing(running.break_off):
                running.look(sources)
                while running.waiting and running.holders:
                    running.carry(running.holders[0], running.waiting[:AT_ONCE])
                running.give_up()
        finally:
            doings.after = {leg.engine: f"{leg.state} {leg.words}".strip() for leg in running.relay.legs}
    running.tell(now=True)
    return running.relay


@dataclass(slots=True)
class _Holder:
    """An engine that has the image."""

    held: Held
    image: Image


@dataclass(slots=True)
class _Running:
    """A relay that goes on."""

    console: Console
    jobs: Jobs
    asked: Asked
    targets: Sequence[Engine]
    show: Callable[[Relay], None]
    work: Work
    patience: float
    relay: Relay = field(init=False)
    holders: list[_Holder] = field(default_factory=list)
    _held: dict[str, Held] = field(default_factory=dict)
    _closers: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _closing: threading.Lock = field(default_factory=threading.Lock)
    """Apart from the other: whoever is told how it stands may wait for a cancel."""
    _told_at: float = 0.0
    _all_of_it: set[str] = field(default_factory=set)
    """Targets that refused the image without layers that they seemed to have."""
    _lost: str = ""
    """Why no source gives the image."""

    def __post_init__(self) -> None:
        legs = {engine.id: Leg(engine.id, engine.name) for engine in self.targets}
        self.relay = Relay(self.asked.fingerprint, tuple(legs.values()))

    @property
    def waiting(self) -> list[Leg]:
        """The targets that still want the image."""
        return [leg for leg in self.relay.legs if leg.state not in OVER]

    # --- looking --------------------------------------------------------------------------------------------------

    def look(self, sources: Sequence[Engine]) -> None:
        """Who has it, who lacks it, who can't be asked. All are asked side by side, each once."""
        engines = {engine.id: engine for engine in (*sources, *self.targets)}
        looks = {key: partial(holding, self.console, engine, self.asked) for key, engine in engines.items()}
        found = self.jobs.side_by_side(looks, len(looks))
        wanted = {engine.id for engine in self.targets}
        first: list[_Holder] = []
        last: list[_Holder] = []
        for engine in (*sources, *self.targets):
            held = found.pop(engine.id, None)
            if isinstance(held, ConsoleError):
                self._failed_look(engine, held, wanted)
            elif isinstance(held, Exception):
                raise held
            elif held is not None:
                self._held[engine.id] = held
                if held.image is not None:
                    (last if engine.id in wanted else first).append(_Holder(held, held.image))
                    if engine.id in wanted:
                        self._is_there(held, held.image)
                elif engine.id not in wanted:
                    self._lost = f"{engine.name} doesn't have the image."
        self.holders = first + last
        if self.holders:
            self._change(size=self.holders[0].image.size or 0)

    def _failed_look(self, engine: Engine, error: ConsoleError, wanted: set[str]) -> None:
        if engine.id in wanted:
            self._fail(engine.id, error)
        else:
            self._lost = error.title

    def _is_there(self, held: Held, image: Image) -> None:
        # Its own names are left as they are; without any, nobody would know what it is.
        words = "" if image.tags else arrival.named(held, image, self.asked.name)
        arrival.record(self.console, held, image, "")
        self._leg(held.engine.id, state=LegState.THERE, image_id=image.id, words=words)

    def give_up(self) -> None:
        """Nobody is left who could give the image to those that still want it."""
        why = self._lost or "No engine is known that has the image."
        hint = "Name an engine that has it as the source, or pull it from a registry."
        for leg in self.waiting:
            self._leg(leg.engine_id, state=LegState.FAILED, words=why, hint=hint, kind=FailureKind.IMAGE_NOT_FOUND)

    # --- carrying -------------------------------------------------------------------------------------------------

    def carry(self, holder: _Holder, legs: Sequence[Leg]) -> None:
        """Read the image once from one engine, and send it to several. Where the source dies, they go on waiting."""
        self._change(source=holder.held.engine.name, size=holder.image.size or 0)
        fitting = [leg for leg in legs if self._fits(leg, holder.image)]
        if not fitting:
            return
        tee: Tee[str] = Tee([leg.engine_id for leg in fitting], ROOM, self.patience, self.console.monotonic)
        with ExitStack() as opened:
            saving = opened.enter_context(holder.held.session.save(holder.image.id))
            loadings = {
                leg.engine_id: opened.enter_context(self._held[leg.engine_id].session.load()) for leg in fitting
            }
            with self._closing:
                self._closers = [tee.break_off, saving.close, *(loading.close for loading in loadings.values())]
            if self.work.stopped:
                self.break_off()
            works: dict[str, Callable[[], None]] = {
                key: partial(self._send, key, holder.image, loading, tee) for key, loading in loadings.items()
            }
            works[_READING] = partial(self._read, holder, saving, tee, loadings)
            outcomes = self.jobs.side_by_side(works, len(works))
            with self._closing:
                self._closers = []
        self.work.check()
        for outcome in outcomes.values():
            if isinstance(outcome, Exception):
                raise outcome

    def break_off(self) -> None:
        """End everything that is open. From another thread."""
        with self._closing:
            closers = list(self._closers)
        for close in closers:
            close()

    def _fits(self, leg: Leg, image: Image) -> bool:
        platform = self._held[leg.engine_id].platform
        if not platform or not image.platform or platform == image.platform:
            return True
        title = f"{leg.engine} is {platform}, and the image is for {image.platform}."
        self._fail(leg.engine_id, EngineError(FailureKind.PLATFORM, title, "Take the image for its platform."))
        return False

    def _read(self, holder: _Holder, saving: Saving, tee: Tee[str], loadings: dict[str, Loading]) -> None:
        try:
            for piece in saving:
                if self.work.stopped or not tee.put(piece, lambda key: loadings[key].close()):
                    tee.break_off()
                    return
            tee.end()
        except EngineError as error:
            with self._lock:
                self._lost = error.title
                self.holders = [one for one in self.holders if one.held.engine.id != holder.held.engine.id]
        finally:
            if not tee.ended:
                tee.break_off()

    def _send(self, key: str, image: Image, loading: Loading, tee: Tee[str]) -> None:
        thinner: Thinner | None = None
        try:
            self._leg(key, state=LegState.CARRYING)
            thinner = self._thinner(key, image)
            for piece in tee.take(key):
                needed = thinner.feed(piece)
                if needed:
                    loading.send(needed)
                    self._leg(key, more=len(needed))
            if not tee.whole(key):
                if tee.was_told_off(key):
                    raise _too_slow(self._held[key].engine.name, self.patience)
                # The source broke off, or it was cancelled: it wants the image as before.
                self._leg(key, state=LegState.WAITING, octets=0, words="")
                return
            self._take_in(key, loading)
        except ConsoleError as error:
            told_off = _too_slow(self._held[key].engine.name, self.patience) if tee.was_told_off(key) else None
            if self.work.stopped:
                return
            if thinner is not None and thinner.left_out and _refuses(error) and not told_off:
                # What it had a moment ago is gone: it gets all of it.
                self._all_of_it.add(key)
                self._leg(key, state=LegState.WAITING, octets=0, words="")
                return
            self._fail(key, told_off or error)
        finally:
            tee.leave(key)

    def _thinner(self, key: str, image: Image) -> Thinner:
        """Leaves out the layers that the target has of other images, where it takes an image in without them."""
        facts = self._held[key].session.facts()
        if key in self._all_of_it or facts.kind is not EngineKind.DOCKER or facts.store != CLASSIC:
            return Thinner((), 0)
        return Thinner(image.layers, shared(image.layers, layers_there(self._held[key], self.asked.name)))

    def _take_in(self, key: str, loading: Loading) -> None:
        self._leg(key, state=LegState.TAKING_IN)
        held = self._held[key]

        def unpacking(progress: PullProgress) -> None:
            share = f" {progress.done / progress.total:.0%}" if progress.total else ""
            self._leg(key, words=f"unpacking{share}")

        loaded = loading.finish(unpacking)
        image = arrival.proved(held, loaded.images, self.asked.fingerprint)
        brought_by = self.asked.brought_by if image.id not in held.ids else ""
        arrival.record(self.console, held, image, brought_by)
        words = arrival.named(held, image, self.asked.name)
        self._leg(key, state=LegState.BROUGHT, image_id=image.id, words=words)

    # --- telling --------------------------------------------------------------------------------------------------

    def tell(self, *, now: bool = False) -> None:
        """Show how it stands, unless it was shown just now."""
        with self._lock:
            moment = self.console.monotonic()
            if now or moment - self._told_at >= TOLD_EVERY:
                self._told_at = moment
                self.show(self.relay)

    def _fail(self, key: str, error: ConsoleError) -> None:
        kind = error.kind if isinstance(error, EngineError) else None
        hint = f"{error.hint} {AGAIN}".strip()
        self._leg(key, state=LegState.FAILED, words=clean(error.title, 400), hint=hint, kind=kind)

    def _leg(self, key: str, *, more: int = 0, **changes: object) -> None:
        with self._lock:
            leg = self.relay.leg(key)
            changed = replace(leg, **{"octets": leg.octets + more, **changes})  # type: ignore[arg-type] # names of Leg's own fields
            self.relay = replace(self.relay, legs=tuple(changed if one is leg else one for one in self.relay.legs))
            # That it has come a step further is never held back: what follows may take long.
            self.tell(now=changed.state is not leg.state)

    def _change(self, **changes: object) -> None:
        with self._lock:
            self.relay = replace(self.relay, **changes)  # type: ignore[arg-type] # names of Relay's own fields
            self.tell()


def _refuses(error: ConsoleError) -> bool:
    """Whether it is the image that an engine doesn't take."""
    return isinstance(error, EngineError) and error.kind in {FailureKind.REJECTED, FailureKind.NOT_FOUND}


def _too_slow(engine: str, patience: float) -> EngineError:
    title = f"{engine} took nothing for {patience:g} s, and the others didn't wait for it."
    return EngineError(FailureKind.TIMEOUT, title, "Look at the engine.")
