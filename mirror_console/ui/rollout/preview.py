"""The second step of the assistant: what exactly the plan would do, the summary first, the details one click away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtWidgets import QFrame, QGridLayout, QTabWidget, QVBoxLayout, QWidget

from mirror_console.domain.companions import companions_words
from mirror_console.domain.durations import Learned, plan_words
from mirror_console.domain.plan import Change, LeftOut, Plan, PlannedTarget
from mirror_console.domain.release_command import Preparation, preparation_words
from mirror_console.domain.settings_plan import settings_words, unlike_words
from mirror_console.domain.sizes import size_text
from mirror_console.domain.swap_words import swap_words, swaps_words
from mirror_console.domain.way import stops_at
from mirror_console.domain.way_words import how_words, in_numbers, ruled_words
from mirror_console.ui.context import UiContext
from mirror_console.ui.rollout.tables import PlainTable
from mirror_console.ui.rollout.words import (
    CHANGE_GLYPHS,
    CHANGE_SIGNS,
    change_counts,
    plan_title,
    reason_counts,
    step_words,
    titled,
    version_steps,
    way_back_glyph,
    way_back_words,
)
from mirror_console.ui.tokens import SPACE_1, SPACE_3, SPACE_4
from mirror_console.ui.widgets.scrolled import Paper, scrolled
from mirror_console.ui.widgets.table import Column, TableView
from mirror_console.ui.widgets.text import Look, label
from mirror_console.ui.words import count, moment, number, tr

_NOTES = {
    Change.UPDATE: "",
    Change.DOWNGRADE: "an older release than the one that runs",
    Change.REPLACE: "what was changed by hand is lost: see the list",
    Change.SETTINGS: "the image stays, the settings of the catalog are applied",
    Change.CREATE: "nothing runs there now",
    Change.TAKE_OVER: "what another console left in the middle is brought to an end",
    Change.BACK: "each to its own image and settings of before",
}


@dataclass(frozen=True, slots=True)
class _Group:
    id: str
    name: str
    targets: tuple[PlannedTarget, ...]
    words: str


@dataclass(frozen=True, slots=True)
class _Setting:
    words: str
    mirrors: tuple[str, ...]


class PlanPreview(QWidget):
    """A plan, read-only."""

    def __init__(self, context: UiContext) -> None:
        super().__init__()
        self._context = context
        paper = Paper()
        column = QVBoxLayout(paper)
        column.setContentsMargins(SPACE_4, SPACE_1, SPACE_4, SPACE_1)
        column.setSpacing(SPACE_3)
        self.made = label("", Look.MUTED, wrap=True, select=True)
        self.sentence = label("", Look.HEADING, wrap=True, select=True)
        self.lasts = label("", wrap=True)
        self.way = label("", wrap=True)
        self._changes = QFrame()
        self._changes.setProperty("class", "card")
        self._grid = QGridLayout(self._changes)
        self._grid.setContentsMargins(SPACE_3, SPACE_3, SPACE_3, SPACE_3)
        self._grid.setHorizontalSpacing(SPACE_3)
        self._grid.setVerticalSpacing(SPACE_1)
        self._grid.setColumnStretch(3, 1)
        self.before = label("", wrap=True, select=True)
        self.promise = label("", Look.MUTED, wrap=True)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self._groups = [
            self._group_tab(tr("By change")),
            self._group_tab(tr("By wave")),
            self._group_tab(tr("By engine")),
        ]
        self._targets = PlainTable[PlannedTarget](_target_columns(), lambda target: target.environment_id)
        self._left_out = PlainTable[LeftOut](_left_columns(), lambda left: left.environment_id)
        self.tabs.addTab(TableView(self._targets, context.theme, tr("All targets")), tr("All targets"))
        self.tabs.addTab(TableView(self._left_out, context.theme, tr("Left out")), tr("Left out"))
        self._settings = PlainTable[_Setting](_setting_columns(), lambda setting: setting.words)
        self.settings_tab = self.tabs.addTab(TableView(self._settings, context.theme, tr("Settings")), "")
        column.addWidget(self.made)
        column.addWidget(self.sentence)
        column.addWidget(self.lasts)
        column.addWidget(self.way)
        column.addWidget(self._changes)
        column.addWidget(self.before)
        column.addWidget(self.promise)
        column.addWidget(self.tabs, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scrolled(paper, self.tabs))

    def show_plan(self, plan: Plan, now: datetime) -> None:
        """Show a plan."""
        self.age(plan, now)
        words = tr("{} of {} will change, on {} · {}")
        asked = len(plan.targets) + len(plan.left_out)
        self.sentence.setText(
            words.format(
                number(len(plan.targets)),
                count(asked, "target", "targets"),
                count(len(plan.engine_ids), "engine", "engines"),
                in_numbers(plan.way, len(plan.targets)),
            )
        )
        self.lasts.setText("")
        self.way.setText(_way(plan))
        self._fill_changes(plan)
        self.before.setText(preparation_words(_prepared(plan)))
        self.before.setVisible(bool(_prepared(plan)))
        self.promise.setText(_promise(plan))
        by_change, by_wave, by_engine = self._groups
        by_change.show(_by_change(plan))
        by_wave.show(_by_wave(plan))
        by_engine.show(_by_engine(plan))
        self._targets.show(plan.targets)
        self._left_out.show(plan.left_out)
        self.tabs.setTabText(3, tr("All targets ({})").format(number(len(plan.targets))))
        self.tabs.setTabText(4, tr("Left out ({})").format(number(len(plan.left_out))))
        self._settings.show([_Setting(words, tuple(mirrors)) for words, mirrors in settings_words(plan.targets)])
        self.tabs.setTabText(self.settings_tab, tr("Settings ({})").format(number(self._settings.rowCount())))
        self.tabs.setTabVisible(self.settings_tab, bool(self._settings.rowCount()))

    def show_learned(self, plan: Plan, learned: Learned) -> None:
        """Say how long it will take, by what earlier rollouts took."""
        words = plan_words(plan, learned)
        self.lasts.setText(f"{words[0].upper()}{words[1:]}." if words else "")

    def age(self, plan: Plan, now: datetime) -> None:
        """Say how long the plan is good for."""
        words = tr("Plan {} · made {} · valid until {} or until something changes")
        old = tr("Plan {} · made {} · too old to start since {}: plan again")
        told = old if now > plan.valid_until else words
        words = told.format(plan.fingerprint, moment(plan.made_at, now), moment(plan.valid_until, now))
        self.made.setText(f"{titled(plan.kind)} · {words}" if plan.kind else words)

    def _group_tab(self, title: str) -> PlainTable[_Group]:
        columns: tuple[Column[_Group], ...] = (
            Column("name", title.removeprefix(tr("By ")).capitalize(), lambda group: group.name, 230, strong=True),
            Column("count", tr("Targets"), lambda group: number(len(group.targets)), 80, right=True),
            Column("words", tr("What it means"), lambda group: group.words, 300, stretch=True),
        )
        table = PlainTable(columns, lambda group: group.id)
        self.tabs.addTab(TableView(table, self._context.theme, title), title)
        return table

    def _fill_changes(self, plan: Plan) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        line = 0
        for change, times in change_counts(plan):
            targets = [target for target in plan.targets if target.change is change]
            skipped = max(target.skips for target in targets)
            notes = [
                tr(_NOTES[change]),
                tr("skips up to {}").format(count(skipped, "release", "releases")) if skipped else "",
            ]
            steps = ", ".join(f"{words} ({number(many)})" for words, many, _ in version_steps(targets)[:3])
            note = "; ".join(part for part in notes if part)
            self._line(line, CHANGE_SIGNS[change], times, tr(change), f"{steps}{f' · {note}' if note else ''}")
            line += 1
        if plan.left_out:
            self._line(line, "✕", len(plan.left_out), tr("left out"), reason_counts(plan.left_out))

    def _line(self, line: int, sign: str, times: int, what: str, words: str) -> None:
        for place, part in enumerate(
            (
                label(sign, Look.STRONG),
                label(number(times), Look.STRONG),
                label(what),
                label(words, Look.MUTED, wrap=True),
            )
        ):
            self._grid.addWidget(part, line, place)


def _way(plan: Plan) -> str:
    told = " · ".join(part for part in (plan.canary_words, how_words(plan)) if part)
    return "\n".join(part for part in (told, tr(ruled_words(plan.way))) if part)


def _promise(plan: Plan) -> str:
    prepared = _prepared(plan)
    words = [tr("Not touched: volumes, databases, DNS and other containers on these engines.")]
    if prepared:
        others = tr("volumes and databases only by what is run before")
        words = [tr("Not touched: DNS and other containers on these engines; {}.").format(others)]
    if plan.rollback_of is not None:
        words.append(tr("The next rollout takes them forward again, unless they are held."))
    told = (*unlike_words(plan), swaps_words(plan.targets), *companions_words(plan.targets))
    words += [tr(sentence) for sentence in told if sentence]
    return " ".join(words)


def _prepared(plan: Plan) -> list[Preparation]:
    return [target.preparation for target in plan.targets if target.preparation is not None]


def _by_change(plan: Plan) -> list[_Group]:
    groups = []
    for change, _ in change_counts(plan):
        targets = tuple(target for target in plan.targets if target.change is change)
        for words, _many, skips in version_steps(targets):
            these = tuple(target for target in targets if step_words(target) == words)
            note = tr(_NOTES[change]) or _names(these)
            if skips:
                note = tr("skips {} · {}").format(count(skips, "release", "releases"), note)
            name = f"{CHANGE_SIGNS[change]} {tr(change)}  {words}"
            groups.append(_Group(f"{change}:{words}", name, these, note))
    return groups


def _by_wave(plan: Plan) -> list[_Group]:
    groups = []
    waves = plan.waves
    for place, targets in enumerate(waves):
        name = tr("{} canary") if place == 0 and len(waves) > 1 else "{}"
        words = stops_at(plan.way.allowed_failures(place, len(waves), len(targets)), len(targets))
        if plan.way.pauses_after(place, len(waves)):
            words += tr(", then it pauses")
        groups.append(_Group(str(place), name.format(place + 1), targets, f"{words} · {_names(targets)}"))
    return groups


def _by_engine(plan: Plan) -> list[_Group]:
    groups = []
    for engine_id in plan.engine_ids:
        targets = tuple(target for target in plan.targets if target.engine_id == engine_id)
        sizes = {target.after_fingerprint or target.reference: target.image_bytes for target in targets}
        known = [size for size in sizes.values() if size is not None]
        need = (
            tr("nothing is fetched")
            if known and not any(sizes.values())
            else tr("needs up to {} of disk").format(size_text(sum(known)))
            if known
            else tr("size of the image not known")
        )
        words = tr("{} at once · {}").format(number(plan.way.at_once_per_engine), need)
        groups.append(_Group(engine_id, targets[0].engine, targets, words))
    return groups


def _names(targets: Sequence[PlannedTarget]) -> str:
    names = [target.application for target in targets]
    more = len(names) - 4
    return ", ".join(names[:4]) + (tr(" and {} more").format(number(more)) if more > 0 else "")


def _target_columns() -> tuple[Column[PlannedTarget], ...]:
    def size(target: PlannedTarget) -> int:
        return target.image_bytes or 0

    return (
        Column(
            "wave", tr("Wave"), lambda target: number(target.wave + 1), 56, order=lambda target: target.wave, right=True
        ),
        Column("mirror", tr("Mirror"), lambda target: target.application, 170, strong=True, stretch=True),
        Column(
            "change",
            tr("Change"),
            lambda target: tr(target.change),
            130,
            status=lambda target: CHANGE_GLYPHS[target.change],
            tip=lambda target: "\n".join(map(str, target.changes)),
        ),
        Column("before", tr("From"), lambda target: target.before_title or "—", 90),
        Column("after", tr("To"), lambda target: target.after_title, 90),
        Column("way_back", tr("Way back"), way_back_words, 116, status=way_back_glyph),
        Column("engine", tr("Engine"), lambda target: target.engine, 90, muted=True),
        Column("swap", tr("Swap"), lambda target: tr(target.swap), 104, muted=True, tip=swap_words),
        Column("size", tr("Image"), lambda target: size_text(target.image_bytes) or "—", 80, order=size, right=True),
    )


def _setting_columns() -> tuple[Column[_Setting], ...]:
    def names(setting: _Setting) -> str:
        return ", ".join(setting.mirrors)

    return (
        Column("setting", tr("Setting"), lambda setting: setting.words, 360, strong=True, stretch=True),
        Column("count", tr("Targets"), lambda setting: number(len(setting.mirrors)), 80, right=True),
        Column("mirrors", tr("Mirrors"), names, 260, tip=names),
    )


def _left_columns() -> tuple[Column[LeftOut], ...]:
    return (
        Column("mirror", tr("Mirror"), lambda left: left.application, 190, strong=True),
        Column("reason", tr("Reason"), lambda left: tr(left.reason), 190),
        Column("words", tr("Why"), lambda left: left.words, 300, stretch=True),
    )


def preview_title(plan: Plan) -> str:
    """What the head of the page says of a plan."""
    title = plan_title(plan)
    return titled(title) if plan.rollback_of is not None else tr("Roll out {}").format(title)
