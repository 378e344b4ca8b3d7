"""Overriding: which answers to checks a person may go on in spite of, decided for each check in one table.

One may be overridden where going on is a matter of judgement, and the worst that follows is a target that fails and
runs what it ran. None may where something would be destroyed, where two would work on one environment, or where it
can't work anyhow. What a person has said in the catalog, such as a mark, is taken back where it was said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mirror_console.domain.check import Answer, Check, Checked, CheckResult, Override


@dataclass(frozen=True, slots=True)
class Rule:
    """Which answers to a check may be overridden, none where that is empty; and why so, as a sentence."""

    answers: frozenset[Answer]
    why: str
    consent: str = ""
    """What may be overridden besides, where an answer says of itself that it is a person's to judge: as a sentence."""

    @property
    def ever(self) -> bool:
        """Whether anything that the check answers may be overridden."""
        return bool(self.answers or self.consent)


_UNKNOWN = frozenset({Answer.UNKNOWN})
_BOTH = frozenset({Answer.BLOCKED, Answer.UNKNOWN})


def _never(why: str, consent: str = "") -> Rule:
    return Rule(frozenset(), why, consent)


RULES: Mapping[Check, Rule] = {
    Check.PLAN_CURRENT: _never("What is there isn't what the plan was made for: plan again."),
    Check.SOMETHING_TO_DO: _never("There is nothing that could be done."),
    Check.MAY_WRITE: _never("A console that was started read-only was meant to be."),
    Check.OTHER_ROLLOUT: _never("Two rollouts on one environment would undo each other's work."),
    Check.REACHABLE: _never("Nothing can be done on an engine that doesn't answer."),
    Check.API: _never("The engine can't do what is needed."),
    Check.ENGINE_KIND: _never("What a swap relies on isn't known to hold there."),
    Check.PULLABLE: Rule(_UNKNOWN, "The image is fetched before anything is changed; where it can't be, nothing is."),
    Check.PLATFORM: Rule(_UNKNOWN, "What was fetched is looked at again before anything is changed."),
    Check.DISK: Rule(_BOTH, "The image is fetched before anything is changed; where the disk is full, nothing is."),
    Check.RELEASE_ORDER: _never(
        "A release that is skipped may have been needed for the data: where its mark is wrong, take the mark back."
    ),
    Check.SETTINGS: _never("A container without its settings and secrets can't serve."),
    Check.NAMES: _never("What has the name isn't ours, or is what another rollout left: it could be lost."),
    Check.PORTS: _never(
        "Two can't have one port: the new container wouldn't start, and meanwhile nothing would serve.",
        "That one which is stopped comes back to a port may be known, and seen to before its engine restarts.",
    ),
    Check.SHAPE: _never(
        "What the console can't make again would be lost, and so would what is lent to another container.",
        "A container that another tool made may be taken from it: whoever does so keeps that tool from making another.",
    ),
    Check.WAY_BACK: Rule(_BOTH, "It may matter more to go on than to be able to go back."),
    Check.LOCK: _never("Somebody else works on it: wait, or take the lock over."),
    Check.HEALTHY_NOW: Rule(_BOTH, "A release may be just what makes it well."),
    Check.DRIFT: Rule(_BOTH, "What was changed by hand may be meant to go."),
    Check.HOLD: Rule(_BOTH, "Whoever holds it back may have agreed to this one change."),
    Check.WINDOW: Rule(_BOTH, "Some changes can't wait until the window opens."),
    Check.RELEASE_COMMAND: Rule(
        _UNKNOWN,
        "Whoever knows the release knows whether its data needs anything. What is to become of a run that failed is "
        "said with release-commands say.",
    ),
    Check.BACKUP: Rule(_BOTH, "The data may have been backed up by hand."),
    Check.FREEZE: Rule(_BOTH, "Some changes can't wait until the freeze ends."),
    Check.ROUTE: _never("What one is asked for would be answered by the other: give each an alias of its own."),
    Check.SAME_ENGINE: _never("All would be done to another engine than the one that is meant: accept that one first."),
    Check.CREDENTIALS: _never("An engine takes no certificate that has ended."),
    Check.PERMISSION: _never("What is refused in the middle of a swap could leave nothing that serves."),
    Check.CLOCK: Rule(_BOTH, "Whoever knows which of the clocks is right knows whether the window is open."),
    Check.ENGINE_HEALTH: _never("It only asks for a look."),
    Check.CAPACITY: _never(
        "The engine makes no container with more cores than its host has.",
        "Limits are the most that may be used: whoever knows how much is used knows whether two fit side by side.",
    ),
    Check.VALUES: Rule(_BOTH, "What looks like a placeholder may be meant; a container that can't use it goes back."),
    Check.ISOLATION: _never(
        "Data of another application could be changed or lost; what is shared on purpose the source's form names.",
        "Two on a host's own network may be told by their variables to listen at other ports than the catalog says.",
    ),
    Check.VOLUMES: _never("It would come up with empty data, and go on as if nothing were missing."),
    Check.NETWORKS: _never("Which of the networks is meant can't be told, so the container can't be made."),
    Check.SERVICES: Rule(
        _BOTH, "What can't do without it isn't well, and is put back; it may come back by then, or not be needed."
    ),
    Check.HEALTH_CHECK: Rule(_BOTH, "Whoever looks at it may see by other means that it is well."),
    Check.STOPPING: _never("It only asks for a look."),
    Check.SERVICE: _never("A Swarm has one update of a service at a time, and what is half way is no way back."),
    Check.SERVICE_SETTINGS: _never("It only asks for a look."),
    Check.SOURCE_PROOF: Rule(_BOTH, "Where the source isn't well, that may have causes that its mirrors haven't."),
    Check.TEST_PROOF: _never("It only asks for a look."),
    Check.CONSOLE_HEALTH: _never("What can't be written into the journal may not be done."),
    Check.STAYS_AWAKE: _never("It only asks for a look."),
    Check.PLAN_SANITY: _never("It only asks for a look."),
}
"""Every check has its line."""


def may_be_overridden(result: CheckResult) -> bool:
    """Whether a person may go on in spite of an answer."""
    return result.blocks and (result.by_consent or result.answer in RULES[result.check].answers)


def why_overridable(result: CheckResult) -> str:
    """Why an answer may be overridden, or may not: the rule of its check, or what it says of answers such as this."""
    rule = RULES[result.check]
    return rule.consent if result.by_consent else rule.why


def rule_words(check: Check, given: Collection[Answer] = tuple(Answer)) -> str:
    """The rule of a check in words, for its page in the help and for whoever is refused.

    `given` are the answers that it ever gives.
    """
    rule = RULES[check]
    blocking = {answer for answer in given if CheckResult(check, answer, "").blocks}
    if not blocking:
        return "It blocks nothing, so there is nothing to override."
    which = " or ".join(answer for answer in Answer if answer in rule.answers & blocking)
    if not which:
        more = f" One answer may be, with a reason: {rule.consent}" if rule.consent else ""
        return f"It can't be overridden. {rule.why}{more}"
    return f"It may be overridden with a reason where the answer is {which}. {rule.why}"


def overridable(checked: Checked) -> tuple[CheckResult, ...]:
    """The answers that block something and may be overridden."""
    return tuple(result for result in checked.blocking if may_be_overridden(result))


def overrides_of(results: Iterable[CheckResult], reason: str, person: str, at: datetime) -> tuple[Override, ...]:
    """A person's word over answers."""
    return tuple(
        Override(
            result.check,
            result.answer,
            result.environment_id,
            result.words,
            result.key[-1],
            reason,
            person,
            at,
        )
        for result in results
    )


MOST_NAMES = 3
"""Mirrors that are named where it is told in one sentence."""


@dataclass(frozen=True, slots=True)
class OverriddenTogether:
    """The same word over the same answer of one or more targets, as reports and lists tell it."""

    check: Check
    answer: Answer
    words: str
    reason: str
    person: str
    at: datetime
    environment_ids: tuple[str, ...]
    """In the order of the targets; empty where the answer concerns the whole rollout."""


def together_words(one: OverriddenTogether, names: Mapping[str, str]) -> str:
    """In words, with the mirrors by the names of their environments: ``Overridden: no hold against it of Dunes…``."""
    mirrors = [names.get(environment_id, environment_id) for environment_id in one.environment_ids]
    first = ", ".join(mirrors[:MOST_NAMES])
    more = f" and {len(mirrors) - MOST_NAMES} more" if len(mirrors) > MOST_NAMES else ""
    where = f" of {first}{more}" if mirrors else ""
    return f"Overridden: “{one.check}”{where} ({one.answer}: {one.words.rstrip('.')}). Why: {one.reason}"


def together(overrides: Iterable[Override]) -> tuple[OverriddenTogether, ...]:
    """What was overridden, alike words over alike answers in one."""
    found: dict[tuple[Check, Answer, str, str, str, datetime], list[str]] = {}
    for one in overrides:
        key = (one.check, one.answer, one.words, one.reason, one.person, one.at)
        found.setdefault(key, []).extend([one.environment_id] if one.environment_id else [])
    return tuple(OverriddenTogether(*key, tuple(ids)) for key, ids in found.items())
