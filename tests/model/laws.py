"""The laws of one target: what is told of it against what its engine has, and what holds whoever meddled.

What nobody touched is held to everything. Of what somebody touched it is asked that the program lost nothing of it,
left nothing of its own behind, and told nothing as done that isn't.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mirror_console.domain.rollout import Rollout, Target, TargetState
from mirror_console.domain.swap import Swap
from mirror_console.simulator.container import Container, Phase
from tests.model.meddler import LABEL, How, Meddler

AS_BEFORE = frozenset(
    {TargetState.FAILED, TargetState.NOT_STARTED, TargetState.SKIPPED, TargetState.QUEUED, TargetState.ALREADY}
)
"""Nothing was changed."""
NOT_OURS_ANY_MORE = frozenset({TargetState.SUPERSEDED, TargetState.STRANDED})
"""Only where somebody meddled, and told so: then what is there isn't the program's to bring to an end."""
KEEPS_LOCK = frozenset({TargetState.UNDECIDED})
POLICY = "unless-stopped"


@dataclass(frozen=True, slots=True)
class Found:
    """How an environment was when a rollout came to it."""

    hows: Mapping[str, How]
    """How each of its containers was, by its id."""
    granted: int
    """Bytes that what serves may take."""
    runs: tuple[str, ...] = ()
    """The version that what has its name is made of, and its variables; nothing where there is none."""

    @property
    def names(self) -> dict[str, str]:
        """The ids by the names that they had."""
        return {str(one[0]): container_id for container_id, one in self.hows.items()}

    @property
    def ran(self) -> bool:
        """Whether any of it ran."""
        return any(one[1] is Phase.RUNNING for one in self.hows.values())


def found_now(meddler: Meddler) -> Found:
    """How an environment is now."""
    named = meddler.ours().get(meddler.name)
    runs = (version_of(named), *sorted(named.config.get("Env") or ())) if named is not None else ()
    return Found(meddler.hows(), granted_now(meddler), runs)


def granted_now(meddler: Meddler) -> int:
    """Bytes that what has its name may take; 0 for as many as there are, and where there is nothing."""
    named = meddler.ours().get(meddler.name)
    return int(named.host.get("Memory") or 0) if named is not None else 0


def version_of(one: Container) -> str:
    """The version of the release that a container was made of."""
    return str(one.image.config["Labels"]["org.opencontainers.image.version"])


def _state(target: Target) -> TargetState:
    """Where a target stands; one that a person left out once it had failed was put back before."""
    left_out_late = target.state is TargetState.SKIPPED and target.started_at is not None
    return TargetState.PUT_BACK if left_out_late else target.state


# --- at every boundary ----------------------------------------------------------------------------------------------


def demand_old_kept(meddler: Meddler, before_id: str) -> None:
    """What served when a rollout began is on its engine, under whatever name, but where somebody took it away."""
    if before_id and before_id not in meddler.gone:
        assert before_id in meddler.hows(), "what served before was removed"


def demand_one_runs(meddler: Meddler, *, beside: bool) -> None:
    """No two of its containers run, but where the new one starts beside the old one."""
    running = [one.name for one in meddler.ours().values() if one.is_running]
    assert len(running) <= (2 if beside else 1), f"{len(running)} run: {running}"


# --- once it is over ------------------------------------------------------------------------------------------------


def demand_told(rollout: Rollout, target: Target, meddler: Meddler, found: Found, ill: Collection[str]) -> None:
    """What is told of a target that is over, or waits, is what its engine has, and nothing is left lying."""
    # What is changed in place is of the release that it was before.
    is_ill = target.planned.after_title in ill and target.planned.swap is not Swap.IN_PLACE
    assert not (target.state is TargetState.DONE and is_ill), "what never gets well was told as done"
    if target.planned.before_container_id in found.hows:
        demand_old_kept(meddler, target.planned.before_container_id)
    _demand_nothing_left(rollout, target, meddler)
    if meddler.meddled:
        _demand_of_rest(rollout, target, meddler, found)
    else:
        _demand_all(target, meddler, found)


def _made(rollout: Rollout, target: Target, meddler: Meddler) -> list[Container]:
    """What a rollout made for a target, that is there still."""
    if target.planned.swap is Swap.IN_PLACE:
        return [one for one in meddler.ours().values() if one.id == target.planned.before_container_id]
    ours = [one for one in meddler.ours().values() if one.config["Labels"].get(LABEL + "rollout") == rollout.id]
    return [one for one in ours if one.config["Labels"].get(LABEL + "role") == "app"]


def _demand_nothing_left(rollout: Rollout, target: Target, meddler: Meddler) -> None:
    """No lock of this rollout is left, and no container of its making where it isn't told to have made one."""
    if target.state in NOT_OURS_ANY_MORE:
        assert meddler.meddled, f"{target.state}, and nobody meddled: {target.words}"
        return
    if target.state not in KEEPS_LOCK:
        locks = [name for name in meddler.ours() if name.startswith("mc-lock")]
        assert not locks, f"{target.state}, and its lock is left: {target.words}"
    if target.state in AS_BEFORE | {TargetState.PUT_BACK} and target.planned.swap is not Swap.IN_PLACE:
        left = [one.name for one in _made(rollout, target, meddler)]
        assert not left, f"{target.state}, and {left} is left: {target.words}"


def _demand_of_rest(rollout: Rollout, target: Target, meddler: Meddler, found: Found) -> None:
    """Where somebody meddled: what nobody touched is as it is told, and what is told as done was made."""
    untouched = {one: was for one, was in found.hows.items() if one not in meddler.touched | meddler.gone}
    now = meddler.hows()
    if _state(target) in AS_BEFORE:
        assert {one: now.get(one) for one in untouched} == untouched, f"it was changed: {target.words}"
    if _state(target) is TargetState.PUT_BACK:
        for one, was in untouched.items():
            assert one in now, f"it is put back, and {was[0]} is gone: {target.words}"
            assert now[one][1] == was[1], f"it is put back, and {was[0]} doesn't run: {target.words}"
            assert now[one][3] == was[3], f"it is put back, and {was[0]} has another policy: {target.words}"
    if target.state is TargetState.DONE:
        made = _made(rollout, target, meddler)
        assert made or meddler.gone, "it is told as done, and nothing was made"
        for new in made:
            assert version_of(new) == target.planned.after_title, "it is told as done, and another release was made"
            assert new.is_running or new.id in meddler.touched, "it is told as done, and doesn't run"


def _demand_all(target: Target, meddler: Meddler, found: Found) -> None:
    ours = meddler.ours()
    named, words = ours.get(meddler.name), f"{target.state}: {target.words}"
    if target.state in KEEPS_LOCK:
        return
    prev = f"{meddler.name}.mc-prev"
    assert set(ours) <= {meddler.name, prev, *found.names}, f"{sorted(ours)} are there. {words}"
    match _state(target):
        case TargetState.DONE:
            assert named is not None, words
            assert named.is_running, words
            assert version_of(named) == target.planned.after_title, words
            assert granted_now(meddler) == target.planned.settings.limits.memory, words
            assert named.policy == POLICY, words
        case TargetState.LEFT:
            assert named is not None, words
            assert version_of(named) == target.planned.after_title, words
        case TargetState.PUT_BACK:
            now = {one.name: one.id for one in ours.values()}
            # Cut off once it was committed, the way back of the rollout before may be gone.
            assert now == found.names or now == {name: one for name, one in found.names.items() if name != prev}, words
            if named is not None:
                assert named.is_running or not found.ran, words
                assert named.policy == found.hows[named.id][3], words
                assert granted_now(meddler) == found.granted, words
        case state if state in AS_BEFORE:
            was, hows = found.hows, meddler.hows()
            changed = {one: (was.get(one), hows.get(one)) for one in {*was, *hows} if was.get(one) != hows.get(one)}
            assert not changed, f"it was changed. {words}: {changed}"
        case other:
            raise AssertionError(f"{other}: {target.words}")
