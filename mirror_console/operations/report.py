"""Report: what a rollout did, for people who were not there: an HTML file, JSON for programs, Markdown for a ticket."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import jinja2
import msgspec

from mirror_console.domain.counting import counted
from mirror_console.domain.moment import MONTHS
from mirror_console.domain.plain import plain
from mirror_console.domain.rollout import TargetState
from mirror_console.operations.console import Console
from mirror_console.operations.report_content import ReportedTarget, RolloutReport, report_content
from mirror_console.paths import resources

LISTED = 20
"""How many targets a summary names; it says how many more there are."""

_SIGNS = {
    TargetState.DONE: "✓",
    TargetState.ALREADY: "=",
    TargetState.FAILED: "✕",
    TargetState.PUT_BACK: "↩",
    TargetState.STRANDED: "✕",
    TargetState.UNKNOWN: "?",
    TargetState.SUPERSEDED: "!",
    TargetState.SKIPPED: "–",
    TargetState.NOT_STARTED: "–",
}


def report_html(console: Console, rollout_id: str) -> str:
    """One HTML file without anything from elsewhere: no script, no picture, no address. Raises KeyError."""
    content = report_content(console, rollout_id)
    return _templates().get_template("report.html.j2").render(report=content)


def report_json(console: Console, rollout_id: str) -> str:
    """Everything that the HTML tells, as JSON whose keys stay. Raises KeyError."""
    content = report_content(console, rollout_id)
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def summary_text(console: Console, rollout_id: str) -> str:
    """A few lines of Markdown for a ticket or a chat. Raises KeyError."""
    report = report_content(console, rollout_id)
    lines = [
        f"**{_marked(report.headline)}**",
        "",
        f"Rollout {report.fingerprint} to {_marked(report.environment)}, {report.state}",
        "",
        f"- Release: {_marked(', '.join(report.releases)) or 'settings only'}",
        f"- Started by {_marked(report.started_by)} at {moment(report.started_at)}, {_ended(report)}",
        f"- Why: {_marked(report.why) or 'not said'}",
    ]
    if report.fetched:
        lines.append(f"- {_marked(report.fetched)}")
    if report.longest_down is not None:
        down = f"median {seconds(report.median_down)}, longest {seconds(report.longest_down)}"
        lines.append(f"- Down time for each target: {down}")
    if report.state_words:
        lines.append(f"- {_marked(report.state_words)}")
    if report.exceptions:
        lines += ["", "Not as planned:", ""]
        lines += [_line(target) for target in report.exceptions[:LISTED]]
        if len(report.exceptions) > LISTED:
            lines.append(f"- and {len(report.exceptions) - LISTED} more")
    return "\n".join(lines) + "\n"


def moment(at: datetime | None) -> str:
    """A time in the zone of this computer: ``30 Aug 2026 14:21:07``."""
    if at is None:
        return "—"
    here = at.astimezone()
    return f"{here.day} {MONTHS[here.month - 1]} {here.year} {here:%H:%M:%S}"


def zone(at: datetime) -> str:
    """The zone that times are told in: ``UTC+02:00``."""
    here = at.astimezone()
    return f"UTC{here.isoformat()[-6:]}" if here.utcoffset() else "UTC"


def seconds(span: float | None) -> str:
    """A span: ``0.4 s``, ``58 s``, ``4 min 12 s``, ``2 h 5 min``."""
    if span is None:
        return "—"
    if span < 10:
        return f"{span:.1f} s"
    whole = round(span)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _ended(report: RolloutReport) -> str:
    return f"took {seconds(report.seconds)}" if report.ended_at else "not ended"


def _line(target: ReportedTarget) -> str:
    words = f": {_marked(target.words)}" if target.words else ""
    return f"- {_marked(target.mirror)} ({_marked(target.engine)}) **{target.state}**{words}"


def _marked(text: str) -> str:
    """Text of others, so that it stays text in Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|~!" else sign for sign in plain(text))


def _sign(state: TargetState) -> str:
    return _SIGNS.get(state, "…")


def _joined(words: Iterable[str]) -> str:
    return ", ".join(words)


def _total(targets: Sequence[ReportedTarget]) -> str:
    return counted(len(targets), "target")


def _templates() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources() / "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Everything that is written out passes here: text of engines is on every second line.
        finalize=lambda value: plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value,
    )
    found.filters.update(
        moment=moment, zone=zone, seconds=seconds, sign=_sign, joined=_joined, counted=counted, total=_total
    )
    return found
