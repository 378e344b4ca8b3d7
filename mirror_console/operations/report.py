"""Report: what a rollout did, for people who were not there: as HTML, CSV, JSON for programs, Markdown for a ticket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import assert_never

from mirror_console.domain.counting import counted
from mirror_console.domain.rollout import ROLLED_BACK, SUCCEEDED, TargetState
from mirror_console.operations.console import Console
from mirror_console.operations.report_content import ReportedOverride, ReportedTarget, RolloutReport, report_content
from mirror_console.operations.written import Cell, csv_text, json_document, marked, moment, seconds, templates

LISTED = 20
"""How many targets a summary names; it says how many more there are."""


KINDS = 5
"""How many pairs of before and after a summary names."""


class Format(StrEnum):
    """What a report is written as; also how its file's name ends."""

    HTML = "html"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "md"


_SIGNS: dict[str, str] = {
    TargetState.DONE: "✓",
    TargetState.ALREADY: "=",
    TargetState.FAILED: "✕",
    TargetState.PUT_BACK: "↩",
    TargetState.LEFT: "✕",
    TargetState.UNDECIDED: "?",
    TargetState.STRANDED: "✕",
    TargetState.UNKNOWN: "?",
    TargetState.SUPERSEDED: "!",
    TargetState.SKIPPED: "–",
    TargetState.NOT_STARTED: "–",
    ROLLED_BACK: "↩",
}


def report_text(console: Console, rollout_id: str, form: Format) -> str:
    """The report of a rollout, ended or not, in one of its forms. Raises KeyError."""
    match form:
        case Format.HTML:
            return report_html(console, rollout_id)
        case Format.CSV:
            return report_csv(console, rollout_id)
        case Format.JSON:
            return report_json(console, rollout_id)
        case Format.MARKDOWN:
            return summary_text(console, rollout_id)
        case _:
            assert_never(form)


def report_html(console: Console, rollout_id: str) -> str:
    """One HTML file without anything from elsewhere: no script, no picture, no address. Raises KeyError."""
    content = report_content(console, rollout_id)
    found = templates()
    found.filters.update(sign=_sign, total=_total)
    return found.get_template("report.html.j2").render(report=content)


def report_json(console: Console, rollout_id: str) -> str:
    """Everything that the HTML tells, as JSON whose keys stay. Raises KeyError."""
    return json_document(report_content(console, rollout_id))


COLUMNS: tuple[str, ...] = (
    "outcome",
    "mirror",
    "environment",
    "account",
    "engine",
    "container",
    "wave",
    "change",
    "before",
    "after",
)
COLUMNS += ("before_fingerprint", "after_fingerprint", "started_at", "ended_at", "seconds", "waited_seconds")
COLUMNS += ("down_seconds", "attempts", "verified_by", "reason", "advice", "overridden", "since", "lay_seconds")
COLUMNS += ("down_since",)


def report_csv(console: Console, rollout_id: str) -> str:
    """A line for each target, exceptions first, then those that were left out of the plan, then what the stop rule did.

    Raises KeyError.
    """
    report = report_content(console, rollout_id)
    rows: list[tuple[Cell, ...]] = [
        (
            one.state,
            one.mirror,
            one.environment,
            one.account,
            one.engine,
            one.container,
            one.wave,
            one.change,
            one.before,
            one.after,
            one.before_fingerprint,
            one.after_fingerprint,
            one.started_at,
            one.ended_at,
            one.seconds,
            one.waited_seconds,
            one.down_seconds,
            one.attempt,
            one.verified_by,
            one.words,
            one.advice,
            one.overridden,
            one.since,
            one.lay_seconds,
            one.down_since,
        )
        for one in report.targets
    ]
    unused = (None,) * (len(COLUMNS) - 9)
    for left_out in report.left_out:
        words = f"{left_out.reason}: {left_out.words}"
        rows.append(("left out", left_out.application, report.environment, *unused, words, "", "", "", None, None))
    rows += [
        ("stop rule", "", report.environment, *unused, trip.words, "", "", "", None, None) for trip in report.trips
    ]
    return csv_text(COLUMNS, rows)


def summary_text(console: Console, rollout_id: str) -> str:
    """A few lines of Markdown for a ticket or a chat. Raises KeyError."""
    report = report_content(console, rollout_id)
    lines = [f"**{marked(report.headline)}**", ""]
    if report.state_words:
        lines += [marked(report.state_words), ""]
    if report.exceptions:
        lines += ["Not as planned:", ""]
        lines += [_line(target) for target in report.exceptions[:LISTED]]
        if len(report.exceptions) > LISTED:
            lines.append(f"- and {len(report.exceptions) - LISTED} more")
        lines.append("")
    lines += [
        f"Rollout {report.fingerprint} to {marked(report.environment)}, {report.state}",
        "",
        *([f"- It is the {marked(report.kind)}"] if report.kind else []),
        f"- Release: {marked(', '.join(report.releases)) or 'settings only'}",
    ]
    changed = _changed(report)
    if changed:
        lines.append(f"- Before → after: {changed}")
    lines += [
        f"- Started by {marked(report.started_by)} at {moment(report.started_at)}, {_ended(report)}",
        f"- Why: {marked(report.why) or 'not said'}",
    ]
    lines += [
        f"- Rolled back since by rollout {marked(one.name)}: {counted(one.targets, 'target')}"
        for one in report.rolled_back
    ]
    lines += [_overridden(one) for one in report.overrides]
    lines += [f"- {marked(one.words)} ({marked(one.who)}, {moment(one.at)})" for one in report.decisions]
    lines += [f"- {marked(one.words)} ({moment(one.at)})" for one in report.trips]
    lines += [f"- When: {marked(one.name)} ({counted(one.targets, 'target')})" for one in report.windows]
    if report.fetched:
        lines.append(f"- {marked(report.fetched)}")
    if report.commands_words:
        lines.append(f"- Run before: {marked(report.commands_words)}")
    if report.down_words:
        lines.append(f"- Down time for each target: {report.down_words}")
    return "\n".join(lines) + "\n"


def _changed(report: RolloutReport) -> str:
    """What became of images: ``26.8.2 → 26.8.3 (380)``, the most frequent first."""
    done = Counter((one.before, one.after) for one in report.targets if one.outcome in SUCCEEDED)
    told = [
        f"{marked(before or 'nothing')} → {marked(after)} ({count})"
        for (before, after), count in done.most_common(KINDS)
    ]
    return ", ".join([*told, *([f"and {len(done) - KINDS} others"] if len(done) > KINDS else [])])


def _ended(report: RolloutReport) -> str:
    if not report.ended_at:
        return "not ended"
    waited = f", waited {seconds(report.waited_seconds)} for a decision" if report.waited_seconds else ""
    lay = f", lay cut off for {seconds(report.lay_seconds)}" if report.lay_seconds else ""
    return f"took {seconds(report.seconds)}{waited}{lay}"


def _line(target: ReportedTarget) -> str:
    told = ". ".join(part for part in (target.since, target.words) if part)
    words = f": {marked(told)}" if told else ""
    return f"- {marked(target.mirror)} ({marked(target.engine)}) **{target.state}**{words}"


def _overridden(one: ReportedOverride) -> str:
    more = f" and {len(one.mirrors) - LISTED} more" if len(one.mirrors) > LISTED else ""
    where = f" of {marked(', '.join(one.mirrors[:LISTED]))}{more}" if one.mirrors else ""
    told = f"“{one.check}”{where}, {one.answer}: {marked(one.words)}"
    return f"- Overridden by {marked(one.who)}, {moment(one.at)}: {told} Why: {marked(one.reason)}"


def _sign(state: str) -> str:
    return _SIGNS.get(state, "…")


def _total(targets: Sequence[ReportedTarget]) -> str:
    return counted(len(targets), "target")
