"""Release checks: whether the planned release may come next on a target, by what a person said of releases by now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.application import Application
from mirror_console.domain.check import Answer, Check, CheckResult
from mirror_console.domain.environment import Environment
from mirror_console.domain.expectation import Expected, expect
from mirror_console.domain.plan import Change, PlannedTarget
from mirror_console.domain.release import Mark, Release, passage
from mirror_console.operations.console import Console
from mirror_console.operations.target_checks import said


@dataclass(frozen=True, slots=True)
class _Source:
    """A source as far as it says what its mirrors should run."""

    environments: Sequence[Environment]
    releases: Sequence[Release]


def check_releases(console: Console, targets: Sequence[PlannedTarget]) -> list[CheckResult]:
    """One answer for each target. No engine is asked."""
    now = console.clock()
    with console.catalog.read() as books:
        mirrors = {one: books.applications.get(one) for one in {target.application_id for target in targets}}
        sources = {}
        for source_id in {mirror.source_id for mirror in mirrors.values()}:
            environments = books.environments.of(source_id)
            sources[source_id] = _Source(environments, books.releases.of([one.id for one in environments]))
        placed = {one.id: one for one in books.environments.some([target.environment_id for target in targets])}
    return [_checked(target, mirrors[target.application_id], sources, placed, now) for target in targets]


def _checked(
    target: PlannedTarget,
    mirror: Application,
    sources: Mapping[str, _Source],
    placed: Mapping[str, Environment],
    now: datetime,
) -> CheckResult:
    def result(answer: Answer, words: str, remedy: str = "") -> CheckResult:
        return said(target, Check.RELEASE_ORDER, answer, words, remedy)

    if target.change is Change.SETTINGS:
        return result(Answer.PASS, "The image stays as it is.")
    source = sources[mirror.source_id]
    wanted = target.after_fingerprint or target.digest
    release = next((one for one in source.releases if one.is_image(wanted)), None)
    if release is None:
        return result(Answer.PASS, "Nothing was said of this image: it isn't among the source's releases.")
    if release.withdrawn:
        remedy = "Hold another release, or have the source go back; then plan again."
        return result(Answer.BLOCKED, f"{release.title} was withdrawn{_because(release)}.", remedy)
    own = [one for one in source.releases if one.environment_id == release.environment_id]
    way = passage(own, target.before_fingerprint, release.identity)
    if way.stops:
        first = way.stops[0]
        words = f"{first.title} comes first: it is marked '{Mark.STOP_HERE}'{_because(first)}."
        remedy = f"Hold it at {first.title}, roll that out, then end the hold."
        return result(Answer.BLOCKED, words, remedy)
    warnings = []
    # Who rolls back wants just that, and knows that something newer is expected.
    rolls_back = target.change is Change.BACK
    if way.back and not rolls_back:
        warnings.append(f"It goes back from {target.before_title} to {target.after_title}.")
    warnings += [_migration(one, back=way.back) for one in way.migrations]
    environment = placed.get(target.environment_id)
    expected = expect(mirror, environment, source.environments, source.releases, now) if environment else None
    newer = expected.release if isinstance(expected, Expected) and not rolls_back else None
    if newer is not None and not newer.is_image(wanted):
        words = f"By now {newer.title} is expected here. What was planned is what runs: {target.after_title}."
        warnings.append(words)
    if warnings:
        remedy = "Back up the data first where it changes." if way.migrations else "Look whether that is what you want."
        return result(Answer.WARNING, " ".join(warnings), remedy)
    return result(Answer.PASS, f"{release.title} may come next.")


def _migration(release: Release, *, back: bool) -> str:
    words = f"{release.title} has a migration{_because(release)}"
    return f"{words}, which going back doesn't undo." if back else f"{words}."


def _because(release: Release) -> str:
    return f" ({release.remark.rstrip('.')})" if release.remark else ""
