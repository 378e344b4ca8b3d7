"""The form for the way of a rollout: a preset, its figures, and what they come to for the targets that are chosen."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from mirror_console.domain.plan import Way, wave_counts
from mirror_console.errors import InvalidInput, Problem
from mirror_console.settings import WAYS, WayPreset
from mirror_console.ui.rollout.ways import WayTexts, in_numbers, read_way, stop_words, way_texts
from mirror_console.ui.tokens import SPACE_2
from mirror_console.ui.widgets.form import Field, Form, choice, line_edit, tick
from mirror_console.ui.widgets.text import Look, label
from mirror_console.ui.words import tr

OWN = "own"


class WayForm(QWidget):
    """Fields for a way. `changed` is sent on every change."""

    changed = Signal()

    def __init__(self, preset: WayPreset) -> None:
        super().__init__()
        self._targets = 0
        self._filling = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_2)
        items = [(str(preset), tr(preset.capitalize())) for preset in WayPreset]
        self.preset = choice([*items, (OWN, tr("As typed below"))], str(preset))
        self.waves, self.at_once, self.per_engine = line_edit(), line_edit(), line_edit()
        self.bake, self.max_failed = line_edit(), line_edit()
        self.per_registry, self.pulls = line_edit(), line_edit()
        self.prefetch = tick(tr("Fetch images before the first wave"))
        self.pause = tick(tr("Pause after the canary"))
        # Before the form hears of it: the figures follow the preset, not the other way round.
        self.preset.currentIndexChanged.connect(self._take_preset)
        self.form = Form(self._judge)
        self.form.add(Field("preset", tr("Way"), self.preset), wide=True)
        self.form.add(
            Field("waves", tr("Waves"), self.waves, hint=tr("Counts, shares and rest, such as 1, 5%, 25%, rest.")),
            wide=True,
        )
        self.form.add(Field("at_once", tr("At once"), self.at_once))
        self.form.add(Field("at_once_per_engine", tr("Per engine"), self.per_engine))
        self.form.add(Field("bake", tr("Bake"), self.bake, hint=tr("How long it must stay well.")))
        self.form.add(Field("max_failed", tr("May fail in a wave"), self.max_failed, hint=tr("Canary: none.")))
        self.form.add(Field("pulls_per_registry", tr("Registry pulls"), self.per_registry))
        self.form.add(Field("pulls_per_engine", tr("Engine pulls"), self.pulls))
        self.form.add(Field("prefetch", tr("Fetch first"), self.prefetch), wide=True)
        self.form.add(Field("pause_after_canary", tr("Pause after the canary"), self.pause), wide=True)
        self.form.end()
        self.numbers = label("", Look.STRONG, wrap=True)
        self.rule = label("", Look.MUTED, wrap=True)
        # What it comes to stands first: the figures below are many, and seldom touched.
        column.addWidget(self.numbers)
        column.addWidget(self.rule)
        column.addWidget(self.form)
        column.addStretch(1)
        self.form.changed.connect(self._changed)
        self._take_preset()

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
        self.pause.setChecked(texts.pause_after_canary)
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
            self.pause.isChecked(),
            self.per_registry.text(),
            self.pulls.text(),
            self.prefetch.isChecked(),
        )

    def _judge(self) -> tuple[Problem, ...]:
        try:
            self.way()
        except InvalidInput as error:
            return error.problems
        return ()

    def _take_preset(self) -> None:
        chosen = self.preset.currentData()
        if chosen != OWN:
            self.choose(WAYS[WayPreset(chosen)])

    def _changed(self) -> None:
        if self._filling:
            return
        self._match_preset()
        self._tell()
        self.changed.emit()

    def _match_preset(self) -> None:
        """Whoever changes a figure of a preset has a way of their own."""
        texts = self._texts()
        same = next((str(name) for name, way in WAYS.items() if way_texts(way) == texts), OWN)
        self.preset.blockSignals(True)
        self.preset.setCurrentIndex(self.preset.findData(same))
        self.preset.blockSignals(False)

    def _tell(self) -> None:
        try:
            way = self.way()
        except InvalidInput:
            self.numbers.setText(tr("This can't be read yet."))
            self.rule.setText("")
            return
        self.numbers.setText(
            in_numbers(way, self._targets).capitalize() if not self._targets else in_numbers(way, self._targets)
        )
        self.rule.setText(
            (stop_words(way, len(wave_counts(way.waves, self._targets))) + tr("; unreachable counts")).capitalize()
            + "."
        )
