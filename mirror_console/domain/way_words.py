"""A way in words: its waves, caps, rests and its stop rule, as the window and the command line both tell them."""

from __future__ import annotations

from collections.abc import Sequence

from mirror_console.domain.counting import counted
from mirror_console.domain.plan import Plan
from mirror_console.domain.way import ONE_TARGET, OnTrip, Way, at_in_all, stops_at, wave_counts


def in_numbers(way: Way, targets: int) -> str:
    """What the waves come to: ``1 + 19 + 97 in 3 waves``."""
    return _in_numbers(wave_counts(way.waves, targets))


def plan_way_words(plan: Plan) -> str:
    """The way of a plan in one sentence, with the numbers of the waves that it really has."""
    return f"{_in_numbers(_counts(plan))} · {how_words(plan)}"


def how_words(plan: Plan) -> str:
    """The same without its waves, for where they are told already."""
    way, counts = plan.way, _counts(plan)
    parts = [pause_words(way, len(counts)), f"{way.at_once} at once, {way.at_once_per_engine} per engine"]
    if way.prefetch:
        parts.append(f"images first, {way.pulls_per_registry} pulls from a registry")
    parts.append(f"bake {span_text(way.bake)}" if way.bake else "no bake")
    if way.health_limit:
        parts.append(f"waits {span_text(way.health_limit)} for health")
    parts += [stop_words(way, counts), f"who fails: {way.on_failure}"]
    if way.on_trip is not OnTrip.PAUSE:
        parts.append(f"if the rule stops it: {way.on_trip}")
    if way.resumes:
        parts.append("goes on by itself when a window opens")
    return " · ".join(part for part in parts if part)


def pause_words(way: Way, waves: int) -> str:
    """After which of its waves a way pauses; empty where it never does.

    A pause that was asked for after the last wave, or one that there isn't, is told: it would silently be none.
    """
    return "; ".join(part for part in (_pauses(way, waves), _no_pauses(way, waves)) if part)


def _pauses(way: Way, waves: int) -> str:
    after = [wave for wave in range(waves) if way.pauses_after(wave, waves)]
    if not after:
        return ""
    if len(after) == waves - 1 and len(after) > 1:
        return "pause after every wave"
    if after == [0]:
        return "pause after the first"
    return f"pause after wave {', '.join(str(wave + 1) for wave in after)}"


def _no_pauses(way: Way, waves: int) -> str:
    never = [wave for wave in way.pause_after if wave >= waves]
    if not never or not waves or way.pause_after_every:
        return ""
    are = "is" if waves == 1 else "are"
    return f"no pause after wave {', '.join(map(str, never))}: there {are} {counted(waves, 'wave')}"


def stop_words(way: Way, counts: Sequence[int]) -> str:
    """The arithmetic of the stop rule for waves of these sizes: ``canary stops at 1 of 1; then stops at 3 of 50; stops
    at 5 of 51 in all``."""
    if not counts:
        return "no target"
    allowed = [way.allowed_failures(wave, len(counts), size) for wave, size in enumerate(counts)]
    in_all = at_in_all(way.allowed_in_all(sum(counts)), sum(counts))
    if sum(counts) == 1 and allowed[0] and not in_all and way.in_a_row != 1:
        return ONE_TARGET
    first, in_a_row = stops_at(allowed[0], counts[0]), way.in_a_row if way.in_a_row <= sum(counts) else 0
    # Where another part of the rule may stop it, it isn't said that nothing does.
    parts = [first.removeprefix("never stops: ") if in_all or in_a_row else first]
    if len(counts) > 1:
        later = list(dict.fromkeys(zip(allowed[1:], counts[1:], strict=True)))
        stops = ", ".join(f"{most + 1} of {size}" for most, size in later if most < size)
        parts = [f"canary {parts[0]}"]
        if stops:
            parts.append(f"then stops at {stops}")
        parts += [f"in a wave of {size:,} all may fail" for most, size in later if most >= size]
    if in_all:
        parts.append(f"stops {in_all}")
    if in_a_row:
        parts.append(f"stops at {in_a_row:,} in a row")
    return "; ".join(parts)


def ruled_words(way: Way) -> str:
    """What a person agrees to with a way whose stop rule does more than pause; empty where it only does that."""
    match way.on_trip:
        case OnTrip.PAUSE:
            return ""
        case OnTrip.ROLL_BACK_WAVE:
            done = "the rollout pauses, and what its last wave changed"
        case OnTrip.ROLL_BACK_ALL:
            done = "the rollout ends, and everything that it changed"
    return f"If the stop rule stops it, {done} is rolled back without another question. {_CHECKED}"


_CHECKED = "The rollback has checks of its own: what they block stays as it is, and is told."


def span_text(seconds: float) -> str:
    """Seconds as they are typed."""
    if seconds and seconds % 3600 == 0:
        return f"{seconds / 3600:g} h"
    if seconds and seconds % 60 == 0:
        return f"{seconds / 60:g} min"
    return f"{seconds:g} s"


def _counts(plan: Plan) -> tuple[int, ...]:
    return tuple(len(wave) for wave in plan.waves)


def _in_numbers(counts: Sequence[int]) -> str:
    if not counts:
        return "no target"
    if len(counts) == 1:
        return f"{counted(counts[0], 'target')} in one wave"
    return f"{' + '.join(f'{value:,}' for value in counts)} in {len(counts)} waves"
