"""Report: what it tells of a rollout that went wrong in several ways, and that text of others stays text."""

from __future__ import annotations

import csv
import html.parser
import io
import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from mirror_console.domain.audit import Author
from mirror_console.domain.plain import plain
from mirror_console.domain.rollout import Rollout, RolloutState, TargetState
from mirror_console.domain.way import REST, WaveSize
from mirror_console.operations.plan import plan
from mirror_console.operations.ports.catalog import Catalog as Ported
from mirror_console.operations.preflight import preflight
from mirror_console.operations.report import (
    COLUMNS,
    Format,
    report_csv,
    report_html,
    report_json,
    report_text,
    summary_text,
)
from mirror_console.operations.report_content import report_content
from mirror_console.operations.retrying import retry
from mirror_console.operations.rollout import Conductor
from mirror_console.operations.starting import resume, start
from mirror_console.operations.written import csv_text, seconds
from mirror_console.store import Catalog
from tests.operations.fleet import QUICK, Fleet, now, small_fleet

pytestmark = pytest.mark.slow

HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\x1b]0;title\x07\u202egnp"


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with small_fleet(prepared=Fleet.fall_behind) as made:
        yield made


def carried_out(fleet: Fleet) -> Rollout:
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), f"security {HOSTILE}")
    return Conductor(fleet.console, fleet.jobs, rollout).run()


def changed(fleet: Fleet, rollout: Rollout, place: int, state: TargetState, words: str) -> None:
    """Have the catalog say that a target ended otherwise."""
    with fleet.console.catalog.write() as books:
        books.rollouts.save_target(rollout.id, replace(rollout.targets[place], state=state, words=words))


class Shifted:
    """The same catalog with a clock that is ahead."""

    def __init__(self, catalog: Ported) -> None:
        assert isinstance(catalog, Catalog)
        self._path = catalog.path

    @contextmanager
    def later(self, seconds: float) -> Iterator[Catalog]:
        author = Author(lambda: now() + timedelta(seconds=seconds), "operator", "desk")
        with closing(Catalog.open(self._path, author=author)) as catalog:
            yield catalog


class _Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in {"meta", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_html_is_whole_and_fetches_nothing(fleet: Fleet) -> None:
    text = report_html(fleet.console, carried_out(fleet).id)
    tags = _Tags()
    tags.feed(text)
    assert not tags.open
    assert not tags.seen & {"img", "script", "link", "iframe", "object", "a", "form"}
    assert not tags.attributes & {"src", "href", "onerror", "onload", "action"}
    assert not any(word in text for word in ("http:", "https:", "url(", "@import", "\x1b", "\u202e"))
    assert "&lt;img" in text


def test_what_went_well_is_told_in_short(fleet: Fleet) -> None:
    rollout = carried_out(fleet)
    text = report_html(fleet.console, rollout.id)
    assert "<h1>4 of 4 updated</h1>" in text
    assert "Nothing needs a person." in text
    assert rollout.plan.fingerprint in text
    assert "26.8.2 → 26.8.3" in text
    assert "its health check says healthy" in text
    assert "rename old away" in text


def test_what_needs_a_person_comes_first(fleet: Fleet) -> None:
    rollout = carried_out(fleet)
    changed(fleet, rollout, 1, TargetState.PUT_BACK, f"verify: 500 on /up {HOSTILE}")
    changed(fleet, rollout, 2, TargetState.STRANDED, "the disk is full")
    changed(fleet, rollout, 3, TargetState.NOT_STARTED, "the rollout was stopped before")
    with fleet.console.catalog.write() as books:
        books.rollouts.save_head(replace(rollout, state=RolloutState.STOPPED))

    text = report_html(fleet.console, rollout.id)
    assert "1 of 4 updated, 1 put back, 1 stranded, 1 not started" in text
    attention = text[text.index("What needs a person") : text.index("About this rollout")]
    assert attention.index("Mirror 03") < attention.index("Mirror 02") < attention.index("Mirror 04")
    assert "Neither the new nor the old container serves well." in attention
    assert "Mirror 01" not in attention
    table = text[text.index("All targets") :]
    assert table.index("Mirror 03") < table.index("Mirror 02") < table.index("Mirror 01")
    assert "img src" in text
    assert "<img" not in text


def test_json_tells_the_same_with_keys_that_stay(fleet: Fleet) -> None:
    rollout = carried_out(fleet)
    told = json.loads(report_json(fleet.console, rollout.id))
    assert told["headline"] == "4 of 4 updated"
    assert told["fingerprint"] == rollout.plan.fingerprint
    assert told["exceptions"] == []
    target = told["targets"][0]
    assert (target["mirror"], target["before"], target["after"], target["state"]) == (
        "Mirror 01",
        "26.8.2",
        "26.8.3",
        "done",
    )
    steps = [step["step"] for step in target["steps"]]
    assert steps.index("stop old") < steps.index("start new") < steps.index("rename old away")
    assert all(step["result"] == "ok" for step in target["steps"])
    assert target["down_seconds"] is not None


def test_the_summary_fits_a_ticket(fleet: Fleet) -> None:
    rollout = carried_out(fleet)
    changed(fleet, rollout, 0, TargetState.FAILED, "pull: *no* space `left` on [device](x)")
    text = summary_text(fleet.console, rollout.id)
    assert text.startswith("**3 of 4 updated, 1 failed**")
    assert r"\*no\* space \`left\` on \[device\](x)" in text
    assert "\x1b" not in text
    assert len(text.splitlines()) < 15


def test_a_rollout_that_still_runs_can_be_reported(fleet: Fleet) -> None:
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], QUICK)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "a release")
    text = report_html(fleet.console, rollout.id)
    assert "Not begun, or not over" in text
    assert "Nothing needs a person" not in text
    assert "not ended" in summary_text(fleet.console, rollout.id)


def test_there_is_no_report_of_what_never_was(fleet: Fleet) -> None:
    with pytest.raises(KeyError):
        report_html(fleet.console, "nothing")


@pytest.mark.parametrize(
    ("span", "words"),
    [(None, "—"), (0.04, "0.0 s"), (9.94, "9.9 s"), (58.4, "58 s"), (252, "4 min 12 s"), (7500, "2 h 5 min")],
)
def test_spans_are_told_in_words(span: float | None, words: str) -> None:
    assert seconds(span) == words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mred\x1b[0m b", "ared b"),
        ("a\x1b]8;;http://x\x07link\x1b]8;;\x07", "alink"),
        ("a\r\nb\tc\u2028d", "a b c d"),
        ("\x9b2Jx\x07", "x"),
        ("pay\u202eload\u200b", "pay\ufffdload\ufffd"),
        ("\x00\x7f", ""),
    ],
)
def test_text_of_others_becomes_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_the_table_has_a_line_for_each_target_exceptions_first_and_no_formula(fleet: Fleet) -> None:
    rollout = carried_out(fleet)
    changed(fleet, rollout, 2, TargetState.PUT_BACK, '=HYPERLINK("http://x","a")\r\n"quoted", and more')
    text = report_csv(fleet.console, rollout.id)
    assert text.count("\r\n") == len(text.splitlines()) == 5
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert (rows[0]["mirror"], rows[0]["outcome"], rows[0]["account"]) == ("Mirror 03", "put back", "ACC-1")
    assert rows[0]["reason"] == '\'=HYPERLINK("http://x","a") "quoted", and more'
    assert {row["outcome"] for row in rows[1:]} == {"done"}
    assert all(row["before"] == "26.8.2" and row["after"] == "26.8.3" for row in rows)
    assert all(row["before_fingerprint"] != row["after_fingerprint"] != "" for row in rows[1:])
    assert all(float(row["seconds"]) > float(row["down_seconds"]) for row in rows)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\x1b[0m=1", "\u200b=1"])
def test_no_cell_begins_as_a_formula(text: str) -> None:
    (_, row) = csv_text(["words"], [[text]]).splitlines()
    assert row[0] not in "=+-@\t\r"
    assert csv_text(["words"], [[-1.5, 3, None]]) == "words\r\n-1.500,3,\r\n"


def test_the_time_a_person_took_is_not_the_targets(fleet: Fleet) -> None:
    """Paused after its canary for ten minutes, and cut off for a night in the middle of a target."""
    rollout = carried_out(fleet)
    clock = Shifted(fleet.console.catalog)
    with clock.later(600) as catalog, catalog.write() as books:
        books.rollouts.save_head(replace(rollout, state=RolloutState.PAUSED, ended_at=None, paused_because="canary"))
    with clock.later(1200) as catalog, catalog.write() as books:
        books.rollouts.save_head(replace(rollout, state=RolloutState.RUNNING, ended_at=None))
    ended = rollout.started_at + timedelta(seconds=1210)
    with clock.later(1210) as catalog, catalog.write() as books:
        books.rollouts.save_head(replace(rollout, ended_at=ended))
        books.rollouts.save_target(rollout.id, replace(rollout.targets[0], ended_at=ended))
    told = report_content(fleet.console, rollout.id)
    assert told.waited_seconds == pytest.approx(600, abs=30)
    assert told.seconds == pytest.approx(610, abs=30)
    target = next(one for one in told.targets if one.mirror == "Mirror 01")
    assert target.waited_seconds == pytest.approx(600, abs=30)
    assert target.seconds == pytest.approx(610, abs=30)
    assert [one.words for one in told.decisions] == ["Paused: canary", "Gone on"]
    assert {one.who for one in told.decisions} == {"operator"}
    html_text = report_html(fleet.console, rollout.id)
    assert "Pauses and decisions" in html_text
    assert re.search(r"\b10 min \d+ s for a person", html_text), "and what a busy machine takes on top"
    assert "waited 10 min" in summary_text(fleet.console, rollout.id)


def decided(fleet: Fleet, rollout: Rollout) -> list[str]:
    return [
        one.words
        for one in report_content(fleet.console, rollout.id).decisions
        if one.words.startswith(("Tried again", "Gone on"))
    ]


def test_what_was_tried_again_is_told_apart_from_what_went_on(fleet: Fleet) -> None:
    way = replace(QUICK, waves=(WaveSize(count=2), REST), pause_after_canary=True)
    made = plan(fleet.console, "live", [mirror.id for mirror in fleet.mirrors], way)
    rollout = start(fleet.console, made, preflight(fleet.console, fleet.jobs, made), "x")
    berlin = fleet.simulated.engines["berlin"]
    berlin.make_unreachable()
    paused = Conductor(fleet.console, fleet.jobs, rollout).run()
    assert paused.state is RolloutState.PAUSED
    berlin.make_reachable()
    again = retry(fleet.console, fleet.jobs, rollout.id)
    # It is told before what is tried again has ended.
    assert decided(fleet, rollout) == ["Tried again"]
    assert Conductor(fleet.console, fleet.jobs, again).run().state is RolloutState.PAUSED
    ended = Conductor(fleet.console, fleet.jobs, resume(fleet.console, rollout.id)).run()
    assert ended.paused_because.startswith("Paused after the canary, as planned")
    berlin.make_unreachable()
    ended = Conductor(fleet.console, fleet.jobs, resume(fleet.console, rollout.id)).run()
    assert ended.state is RolloutState.PAUSED or ended.ended_at is not None
    told = decided(fleet, rollout)
    assert told == ["Tried again", "Gone on", "Gone on"], told
    berlin.make_reachable()
    done = Conductor(fleet.console, fleet.jobs, retry(fleet.console, fleet.jobs, rollout.id)).run()
    assert done.state is RolloutState.COMPLETED
    assert decided(fleet, rollout) == [*told, "Tried again"]
    assert report_html(fleet.console, rollout.id).count("<td>Tried again</td>") == 2


def test_the_time_that_it_lay_cut_off_is_told_apart_from_that_in_which_a_person_was_asked(fleet: Fleet) -> None:
    """Paused for ten minutes, and then the console was gone for a night."""
    rollout = carried_out(fleet)
    clock = Shifted(fleet.console.catalog)
    for seconds_later, state in (
        (600, RolloutState.PAUSED),
        (1200, RolloutState.RUNNING),
        (40_000, RolloutState.INTERRUPTED),
        (40_060, RolloutState.RUNNING),
    ):
        with clock.later(seconds_later) as catalog, catalog.write() as books:
            books.rollouts.save_head(replace(rollout, state=state, ended_at=None))
    ended = rollout.started_at + timedelta(seconds=40_070)
    with clock.later(40_070) as catalog, catalog.write() as books:
        books.rollouts.save_head(replace(rollout, ended_at=ended))
        books.rollouts.save_target(rollout.id, replace(rollout.targets[0], ended_at=ended))
    told = report_content(fleet.console, rollout.id)
    for one in (told, next(one for one in told.targets if one.mirror == "Mirror 01")):
        assert one.waited_seconds == pytest.approx(600, abs=30)
        # From the last sign of life until somebody had it go on.
        assert one.lay_seconds == pytest.approx(38_860, abs=30)
        assert one.seconds == pytest.approx(610, abs=30)
    assert "Lay cut off" in report_html(fleet.console, rollout.id)
    assert ", lay cut off for 10 h" in summary_text(fleet.console, rollout.id)


@pytest.mark.parametrize("form", Format)
def test_every_form_says_the_same(fleet: Fleet, form: Format) -> None:
    rollout = carried_out(fleet)
    text = report_text(fleet.console, rollout.id, form)
    assert "Mirror 01" in text or "4 of 4 updated" in text
    assert "26.8.3" in text
    assert "\x1b" not in text
    # A program gets what was said as it was said.
    assert form is Format.JSON or "\u202e" not in text
