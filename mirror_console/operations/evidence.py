"""Evidence: what was changed on one account's mirrors, for whoever pays for them; nothing of anybody else's.

It is taken from the audit: what changed when, by whom, from which image to which, and how that was verified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from mirror_console import __version__
from mirror_console.domain.audit import AuditFilter, AuditLine, Doing, Noun, doing_words, trips_added
from mirror_console.domain.image import short
from mirror_console.domain.rollout import CHANGED, SUCCEEDED
from mirror_console.domain.schedule import Freeze, Scope, Window, scope_words
from mirror_console.domain.schedule_acts import NOUNS as SCHEDULED
from mirror_console.domain.schedule_acts import before_and_after, names_of
from mirror_console.domain.taken_back import Key, TakenBack
from mirror_console.domain.trip import Trip, came_words
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.act_words import how_words, schedule_words
from mirror_console.operations.audit import demand_span, verify
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books
from mirror_console.operations.report import Format
from mirror_console.operations.written import csv_text, json_document, marked, moment, templates


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One change. `before` and `after` are images by their names, with their fingerprints; empty where none changed."""

    at: datetime
    who: str
    machine: str
    mirror: str
    what: str
    outcome: str
    before: str
    before_fingerprint: str
    after: str
    after_fingerprint: str
    planned: str
    """The image that was wanted, where it didn't come to it."""
    verified_by: str
    why: str
    words: str
    rollout: str
    line: int
    """Its number in the audit."""
    since: str = ""
    """What a rollback did since to what a rollout changed here; empty where none did."""
    rolled_back: bool = False

    @property
    def as_planned(self) -> bool:
        """Whether it came to what was wanted."""
        return not self.outcome or self.outcome in {*SUCCEEDED, "done"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was changed on the mirrors of an account between two times, oldest first."""

    account: str
    sound: bool
    verified: str
    """Whether the audit that this comes from is as it was written, in words."""
    since: datetime | None
    until: datetime | None
    mirrors: tuple[str, ...]
    """Those that it has now."""
    exceptions: tuple[EvidenceLine, ...]
    changes: tuple[EvidenceLine, ...]
    schedule: tuple[str, ...]
    """The windows and freezes that hold for its mirrors now; those that held before are among the changes."""
    recorded_since: datetime | None
    """When the audit begins: nothing is known of before."""
    lines: int
    head: str
    """Number and hash of the audit's last line: whoever keeps them can tell later whether it was changed since."""
    made_at: datetime
    console_version: str
    simulated: bool

    @property
    def rolled_back(self) -> int:
        """How many of the changes were rolled back since."""
        return sum(line.rolled_back for line in self.changes)


def evidence(console: Console, account: str, since: datetime | None = None, until: datetime | None = None) -> Evidence:
    """Gather what was changed on an account's mirrors. Raises InvalidInput where there is no such account.

    Nor may the times be turned round: what was done between them would be told to be nothing.
    """
    which = AuditFilter(since=since, until=until)
    demand_span(which)
    checked = verify(console)
    with console.catalog.read() as books:
        own = {one.id: one.name for one in books.applications.all() if one.account == account}
        whole = books.audit.lines(which)
        found = [line for line in whole if _concerns(line, account, own)]
        stopped = _stopped(books, whole, own)
        back = books.rollouts.taken_back({line.act.of for line in found if line.act.noun is Noun.TARGET})
        schedule = books.schedule.all()
        known = {one.name for one in books.accounts.all()}
        first = min((line.at for line in books.audit.lines()), default=None)
        head = books.audit.head()
    if account not in known and not own and not any(line.act.account == account for line in found):
        there = ", ".join(sorted(known)) or "none yet"
        problem = Problem("account", f"there is no '{account}' (there are: {there})")
        raise InvalidInput("There is no evidence.", [problem])
    told = [*_with_since(found, back, account, own), *stopped]
    lines = tuple(sorted(told, key=lambda line: line.line))
    return Evidence(
        account=account,
        since=since,
        until=until,
        mirrors=tuple(own.values()),
        exceptions=tuple(line for line in lines if not line.as_planned),
        changes=lines,
        schedule=tuple(_schedule_words(one, own) for one in schedule.all if _holds(one.scope, account, own)),
        recorded_since=first,
        sound=checked.sound,
        verified=checked.sentence,
        lines=checked.lines,
        head=head.hash,
        made_at=console.clock(),
        console_version=__version__,
        simulated=console.simulated,
    )


def _with_since(
    found: Sequence[AuditLine], back: Mapping[str, Mapping[Key, TakenBack]], account: str, own: Mapping[str, str]
) -> list[EvidenceLine]:
    """The lines, newest first, as evidence; the last of each target of a rollout with what a rollback did since."""
    lines, seen = [], set()
    for line in found:
        act = line.act
        told = _schedule_line(line, account, own) if act.noun in SCHEDULED else _line(line)
        target = (act.of, str(act.after.get("environment_id", "")))
        if act.noun is Noun.TARGET and target not in seen:
            seen.add(target)
            for (environment_id, _), one in back.get(act.of, {}).items():
                later = one.at is None or one.at >= line.at
                if environment_id == target[1] and later and act.result in CHANGED:
                    told = replace(told, since=one.words, rolled_back=one.well)
        lines.append(told)
    return lines


def _stopped(books: Books, whole: Sequence[AuditLine], own: Mapping[str, str]) -> list[EvidenceLine]:
    """Where a stop rule stopped a rollout that had targets of these mirrors; of each time, what came of it last.

    How many targets failed isn't told: they may be those of others.
    """
    found: dict[tuple[str, int], EvidenceLine] = {}
    mirrors: dict[str, list[str]] = {}
    for line in whole:
        act = line.act
        added = trips_added(act) if act.noun is Noun.ROLLOUT else {}
        if not added:
            continue
        if act.of not in mirrors:
            targets = books.rollouts.get(act.of).targets
            mirrors[act.of] = [
                f"{one.planned.application} {one.planned.environment}"
                for one in targets
                if one.planned.application_id in own
            ]
        for place, trip in added.items():
            if mirrors[act.of]:
                found.setdefault((act.of, place), _trip_line(line, trip, mirrors[act.of]))
    return list(found.values())


def _trip_line(line: AuditLine, trip: Trip, mirrors: Sequence[str]) -> EvidenceLine:
    more = f" and {len(mirrors) - NAMED} more" if len(mirrors) > NAMED else ""
    return EvidenceLine(
        at=line.at,
        who=line.person,
        machine=line.machine,
        mirror=f"{', '.join(mirrors[:NAMED])}{more}",
        what="stop rule",
        outcome=trip.came.value,
        before="",
        before_fingerprint="",
        after="",
        after_fingerprint="",
        planned="",
        verified_by="",
        why="",
        words=f"The stop rule stopped the rollout. {came_words(replace(trip, told=''))}",
        rollout=line.act.of,
        line=line.sequence,
    )


NAMED = 3
"""How many mirrors are named that a stop rule stopped."""
_TOLD = {Noun.APPLICATION, Noun.ENVIRONMENT, Noun.OVERRIDE, Noun.TARGET, Noun.RECORD}
"""What is one account's alone. Its credentials are the agency's business."""


def _concerns(line: AuditLine, account: str, own: Mapping[str, str]) -> bool:
    """Whether a line is about an account: about its mirrors, or about when they may be changed."""
    act = line.act
    if act.noun not in SCHEDULED:
        return act.account == account and act.noun in _TOLD
    whole = [one for one in before_and_after(act) if one is not None]
    if whole:
        return any(_holds(one.scope, account, own) for one in whole)
    of = {str(side.get("application_id") or "") for side in (act.before, act.after)} - {""}
    return act.account == account or (not act.account and of <= own.keys())


def _holds(scope: Scope, account: str, own: Mapping[str, str]) -> bool:
    """Whether something holds for mirrors of an account."""
    return scope.account in {"", account} and (not scope.application_id or scope.application_id in own)


def _schedule_line(line: AuditLine, account: str, own: Mapping[str, str]) -> EvidenceLine:
    """What became of a window or a freeze. Where it came from others, or went to them, only what held here is told."""
    told, act = replace(_line(line), words="; ".join(how_words(line.act))), line.act
    whole = [one for one in before_and_after(act) if one is not None]
    here = [one for one in whole if _holds(one.scope, account, own)]
    if len(here) == len(whole):
        return told
    names = names_of(act)
    went = here[0] is whole[0]
    words = schedule_words(here[0], names) + ("; since then it doesn't hold here" if went else "")
    return replace(told, mirror=scope_words(here[0].scope, names), words=words, why="" if went else told.why)


def _schedule_words(one: Window | Freeze, own: Mapping[str, str]) -> str:
    where = scope_words(one.scope, dict(own))
    if isinstance(one, Window):
        return f"window of {where}: {one}"
    return f"freeze of {where}: {moment(one.begins_at)} – {moment(one.ends_at)}, {one.reason}"


def evidence_text(
    console: Console, account: str, form: Format, since: datetime | None = None, until: datetime | None = None
) -> str:
    """The evidence in one of its forms. Raises InvalidInput."""
    return written(evidence(console, account, since, until), form)


def written(content: Evidence, form: Format) -> str:
    """What was gathered, in one of its forms. What comes from a broken audit says so before anything else."""
    match form:
        case Format.HTML:
            return templates().get_template("evidence.html.j2").render(evidence=content)
        case Format.CSV:
            rows = [[getattr(line, column) for column in COLUMNS] for line in content.changes]
            return csv_text(COLUMNS, rows if content.sound else [_broken_row(content), *rows])
        case Format.JSON:
            return json_document(content)
        case Format.MARKDOWN:
            return _markdown(content)
        case _:
            assert_never(form)


COLUMNS: tuple[str, ...] = ("at", "who", "machine", "mirror", "what", "outcome", "before", "before_fingerprint")
COLUMNS += ("after", "after_fingerprint", "planned", "verified_by", "why", "words", "rollout", "line", "since")


def _broken_row(content: Evidence) -> list[str | datetime]:
    """That the audit is broken, as a row: a table has no other place for it."""
    told: dict[str, str | datetime] = {"at": content.made_at, "what": "audit", "outcome": "broken"}
    told["words"] = content.verified
    return [told.get(column, "") for column in COLUMNS]


def _line(line: AuditLine) -> EvidenceLine:
    act = line.act
    is_target = act.noun is Noun.TARGET
    return EvidenceLine(
        at=line.at,
        who=line.person,
        machine=line.machine,
        mirror=act.title,
        what=str(act.after.get("change", "rollout")) if is_target else doing_words(act),
        outcome=act.result,
        before=str(act.before.get("image", "")) if is_target else "",
        before_fingerprint=str(act.before.get("fingerprint", "")) if is_target else "",
        after=str(act.after.get("image", "")) if is_target else "",
        after_fingerprint=str(act.after.get("fingerprint", "")) if is_target else "",
        planned=str(act.after.get("wanted", "")) if is_target else "",
        # Of one that was put back it would tell how the container that didn't stay was seen to be well.
        verified_by=str(act.after.get("verified_by", "")) if is_target and act.result in SUCCEEDED else "",
        why=act.why,
        words=str(act.after.get("words", "")) if is_target else _differences(line),
        rollout=act.of if is_target else "",
        line=line.sequence,
    )


def _differences(line: AuditLine) -> str:
    """What of settings is different; of a whole one that came or went, that it did is enough."""
    if line.act.noun is Noun.OVERRIDE:
        return f"{line.act.after.get('answer', '')}: {line.act.after.get('words', '')}"
    return "; ".join(how_words(line.act)) if line.act.doing is Doing.CHANGED else ""


def _markdown(content: Evidence) -> str:
    wrong = f", {len(content.exceptions)} not as planned" if content.exceptions else ""
    wrong += f", {content.rolled_back} rolled back since" if content.rolled_back else ""
    lines = [] if content.sound else [f"**{marked(content.verified)}**", ""]
    lines += [f"**Changes on the mirrors of {marked(content.account)}: {len(content.changes)}{wrong}**", ""]
    if content.exceptions:
        lines += ["Not as planned:", "", *(_item(line) for line in content.exceptions), "", "All changes:", ""]
    lines += [_item(line) for line in content.changes] or ["- none"]
    if content.schedule:
        lines += ["", "When they may be changed:", "", *(f"- {marked(words)}" for words in content.schedule)]
    lines += ["", marked(content.verified)] if content.sound else []
    return "\n".join(lines) + "\n"


def _item(line: EvidenceLine) -> str:
    images = f" {marked(line.before or 'nothing')} → {marked(line.after)}" if line.after else ""
    images = images or (f" to {marked(line.planned)}" if line.planned else "")
    prints = " → ".join(short(one) if one else "—" for one in (line.before_fingerprint, line.after_fingerprint))
    outcome = f" **{marked(line.outcome)}**" if line.outcome else ""
    verified = f", verified: {marked(line.verified_by)}" if line.verified_by else ""
    words = f": {marked(line.words)}" if line.words else ""
    why = f" – {marked(line.why)}" if line.why else ""
    since = f"; {marked(line.since)}" if line.since else ""
    told = f"{images}{f' ({prints})' if line.after_fingerprint else ''}{outcome}{words}{verified}{since}"
    return f"- {moment(line.at)}, {marked(line.who)}: {marked(line.mirror)} {marked(line.what)}{told}{why}"
