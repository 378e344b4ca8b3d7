"""The form for the way of a rollout: a preset, its figures, and what they come to for the targets that are chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from mirror_console.domain.way import OnFailure, OnTrip, Way, wave_counts
from mirror_console.domain.way_words import in_numbers, pause_words, ruled_words, stop_words
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.way_typed import CANARY, EVERY, NEVER
from mirror_console.settings import WayPreset, way_named, way_names
from mirror_console.ui.rollout.kept_ways import KeptWays
from mirror_console.ui.rollout.ways import WayTexts, read_way, way_texts
from mirror_console.ui.tokens import SPACE_2
from mirror_console.ui.widgets.form import Field, Form, choice, line_edit, tick
from mirror_console.ui.widgets.text import Look, label
from mirror_console.ui.words import tr

OWN = ""
"""The value of a way that has no name."""
THESE = "these"


class WayForm(QWidget):
    """Fields for a way. `changed` is sent on every change.

    `ways` are those that the person has kept; `keep` is called with all of them once that changes.
    """

    changed = Signal()

    def __init__(self, preset: WayPreset, ways: Mapping[str, Way], keep: Callable[[Mapping[str, Way]], object]) -> None:
        super().__init__()
        self._targets = 0
        self._filling = False
        self._ways = dict(ways)
        self._keep = keep
        self.preset = choice(_items(self._ways), str(preset))
        self.kept = KeptWays(self._keep_as, self._forget)
        self.waves, self.at_once, self.per_engine = line_edit(), line_edit(), line_edit()
        self.canary = line_edit(placeholder=tr("first"))
        self.bake, self.health_limit = line_edit(), line_edit(placeholder=tr("as each says"))
        self.max_failed, self.in_a_row = line_edit(), line_edit(placeholder=tr("no such rule"))
        self.in_all, self.proof_days = line_edit(placeholder=tr("no such rule")), line_edit()
        self.per_registry, self.pulls = line_edit(), line_edit()
        self.prefetch = tick(tr("Fetch images before the first wave"))
        self.resumes = tick(tr("Go on by itself when a window opens"))
        self.pauses = choice(
            [
                (NEVER, tr("Never")),
                (CANARY, tr("The canary")),
                (EVERY, tr("Every wave")),
                (THESE, tr("These…")),
            ]
        )
        self.on_failure = choice(
            [
                (str(OnFailure.PUT_BACK), tr("Put back")),
                (str(OnFailure.LEAVE), tr("Leave the new container")),
                (str(OnFailure.ASK), tr("Ask")),
            ]
        )
        self.on_trip = choice(
            [
                (str(OnTrip.PAUSE), tr("Pause")),
                (str(OnTrip.ROLL_BACK_WAVE), tr("Roll back the wave")),
                (str(OnTrip.ROLL_BACK_ALL), tr("Roll back the rollout")),
            ]
        )
        self.pause_waves = line_edit(placeholder="1, 3")
        # Before the form hears of it: the figures follow the preset, not the other way round.
        self.preset.currentIndexChanged.connect(self._take_preset)
        self.form = Form(self._judge)
        self.form.add(Field("preset", tr("Way"), self.preset), wide=True)
        self.form.add(
            Field("waves", tr("Waves"), self.waves, hint=tr("Counts, shares and rest, such as 1, 5%, 25%, rest.")),
            wide=True,
        )
        words = tr("Mirrors by slug, or tag:early. Empty: the first that run well.")
        self.form.add(Field("canary", tr("Who goes first"), self.canary, hint=words), wide=True)
        self.form.add(Field("at_once", tr("At once"), self.at_once))
        self.form.add(Field("at_once_per_engine", tr("Per engine"), self.per_engine))
        self.form.add(Field("bake", tr("Bake"), self.bake, hint=tr("How long it must stay well.")))
        self.form.add(Field("health_limit", tr("Wait for health"), self.health_limit))
        words = tr("Of a wave: 2 or 5%.")
        self.form.add(Field("max_failed", tr("May fail"), self.max_failed, hint=words))
        words = tr("Of all: 8 or 2%.")
        self.form.add(Field("in_all", tr("May fail in all"), self.in_all, hint=words))
        self.form.add(Field("in_a_row", tr("Stop at a row of"), self.in_a_row))
        self.form.add(Field("proof_days", tr("A test counts for"), self.proof_days, hint=tr("Days since it ran.")))
        self.form.add(Field("on_trip", tr("If the stop rule stops it"), self.on_trip), wide=True)
        self.form.add(Field("on_failure", tr("A target that fails"), self.on_failure), wide=True)
        self.form.add(Field("pulls_per_registry", tr("Registry pulls"), self.per_registry))
        self.form.add(Field("pulls_per_engine", tr("Engine pulls"), self.pulls))
        self.form.add(Field("prefetch", tr("Fetch first"), self.prefetch), wide=True)
        self.form.add(Field("pause", tr("Pause after"), self.pauses))
        self._named = self.form.add(Field("pauses", tr("Waves"), self.pause_waves))
        self.form.add(Field("resumes", tr("Outside a window"), self.resumes), wide=True)
        self.form.end()
        self.numbers = label("", Look.STRONG, wrap=True)
        self.rule = label("", Look.MUTED, wrap=True)
        self.pausing = label("", Look.MUTED, wrap=True)
        self._lay_out()
        self.form.changed.connect(self._changed)
        self._take_preset()

    def _lay_out(self) -> None:
        """What it comes to stands first: the figures below are many, and seldom touched."""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_2)
        for one in (self.numbers, self.rule, self.pausing, self.form, self.kept):
            column.addWidget(one)
        column.addStretch(1)

    def way(self) -> Way:
        """The way that is typed. Raises InvalidInput."""
        return read_way(self._texts())

    def show_targets(self, count: int) -> None:
        """Say what the way comes to for so many targets."""
        self._targets = count
        self._tell()

    def accept(self) -> bool:
        """Whether a way is typed; else the cursor goes to what is wrong."""
        return self.form.accept()

    def choose(self, way: Way) -> None:
        """Show a way."""
        self._filling = True
        texts = way_texts(way)
        self.waves.setText(texts.waves)
        self.at_once.setText(texts.at_once)
        self.per_engine.setText(texts.at_once_per_engine)
        self.bake.setText(texts.bake)
        self.max_failed.setText(texts.max_failed)
        self.per_registry.setText(texts.pulls_per_registry)
        self.pulls.setText(texts.pulls_per_engine)
        self.prefetch.setChecked(texts.prefetch)
        self.canary.setText(texts.canary)
        self.in_all.setText(texts.in_all)
        self.in_a_row.setText(texts.in_a_row)
        self.proof_days.setText(texts.proof_days)
        self.health_limit.setText(texts.health_limit)
        self.on_failure.setCurrentIndex(self.on_failure.findData(texts.on_failure))
        self.on_trip.setCurrentIndex(self.on_trip.findData(texts.on_trip))
        self.resumes.setChecked(texts.resumes)
        word = texts.pauses if texts.pauses in {NEVER, CANARY, EVERY} else THESE
        self.pauses.setCurrentIndex(self.pauses.findData(word))
        self.pause_waves.setText(texts.pauses if word == THESE else "")
        self._filling = False
        self._tell()
        self.changed.emit()

    def _texts(self) -> WayTexts:
        return WayTexts(
            self.waves.text(),
            self.at_once.text(),
            self.per_engine.text(),
            self.bake.text(),
            self.max_failed.text(),
            self.pause_waves.text() if self.pauses.currentData() == THESE else str(self.pauses.currentData()),
            self.per_registry.text(),
            self.pulls.text(),
            self.prefetch.isChecked(),
            self.canary.text().strip(),
            self.in_a_row.text().strip(),
            self.health_limit.text().strip(),
            str(self.on_failure.currentData()),
            self.resumes.isChecked(),
            self.in_all.text().strip(),
            str(self.on_trip.currentData()),
            self.proof_days.text().strip(),
        )

    def _judge(self) -> tuple[Problem, ...]:
        try:
            self.way()
        except InvalidInput as error:
            return error.problems
        return ()

    def _take_preset(self) -> None:
        chosen = str(self.preset.currentData())
        if chosen != OWN:
            self.choose(way_named(chosen, self._ways))
        self.kept.offer(chosen, own=chosen in self._ways)

    def _changed(self) -> None:
        if self._filling:
            return
        self._match_preset()
        self._tell()
        self.changed.emit()

    def _match_preset(self) -> None:
        """Whoever changes a figure of a preset has a way of their own."""
        texts = self._texts()
        names = way_names(self._ways)
        same = next((name for name in names if way_texts(way_named(name, self._ways)) == texts), OWN)
        self.preset.blockSignals(True)
        self.preset.setCurrentIndex(self.preset.findData(same))
        self.preset.blockSignals(False)
        self.kept.offer(same, own=same in self._ways)

    # --- ways of one's own --------------------------------------------------------------------------------------

    def _keep_as(self, name: str) -> bool:
        """Keep what is typed under a name; false where that isn't a way."""
        if not self.accept():
            return False
        self._ways[name] = self.way()
        self._change_ways(name)
        return True

    def _forget(self, name: str) -> None:
        del self._ways[name]
        self._change_ways(OWN)

    def _change_ways(self, chosen: str) -> None:
        self._keep(dict(self._ways))
        self.preset.blockSignals(True)
        self.preset.clear()
        for value, words in _items(self._ways):
            self.preset.addItem(words, value)
        self.preset.setCurrentIndex(self.preset.findData(chosen))
        self.preset.blockSignals(False)
        self.kept.offer(chosen, own=chosen in self._ways)

    # --- what it comes to ---------------------------------------------------------------------------------------

    def _tell(self) -> None:
        self._named.setVisible(self.pauses.currentData() == THESE)
        try:
            way = self.way()
        except InvalidInput:
            self.numbers.setText(tr("This can't be read yet."))
            self.rule.setText("")
            self.pausing.setText("")
            return
        counts = wave_counts(way.waves, self._targets)
        numbers = in_numbers(way, self._targets)
        self.numbers.setText(numbers if self._targets else numbers.capitalize())
        rule = tr("{}; unreachable counts").format(stop_words(way, counts)) if counts else ""
        self.rule.setText(" ".join(filter(None, (_sentence(rule), tr(ruled_words(way)) if counts else ""))))
        self.pausing.setText(_sentence(pause_words(way, len(counts)) or tr("no pause")) if counts else "")


def _items(ways: Mapping[str, Way]) -> list[tuple[str, str]]:
    presets = set(map(str, WayPreset))
    named = [(name, tr(name.capitalize()) if name in presets else name) for name in way_names(ways)]
    return [*named, (OWN, tr("As typed below"))]


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}." if words else ""
