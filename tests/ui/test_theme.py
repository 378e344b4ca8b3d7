"""The look: everything can be read, every state has its own shape and word, and the theme can be changed."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor, QImage, QPainter, QPalette
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

import mirror_console.ui
from mirror_console.domain.status import SEVERITY, Status
from mirror_console.settings import Density, Theme
from mirror_console.ui.glyphs import Shape, Sign, forget_pixmaps, glyph, glyph_icon, path, svg
from mirror_console.ui.icons import Icons, names
from mirror_console.ui.theme import ThemeService, heading, lead, monospace, palette, semibold, small, tabular
from mirror_console.ui.tokens import DARK, LIGHT, SMALLEST_FONT, Colours, contrast

THEMES = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
PROBLEMS = [one for one in Status if one not in {Status.ALIGNED, Status.NOT_CHECKED, Status.NOT_APPLICABLE}]


def test_contrast_of_black_and_white_is_what_the_standard_says() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@THEMES
@pytest.mark.parametrize("token", ["text", "muted"])
def test_text_can_be_read_on_every_surface(colours: Colours, token: str) -> None:
    for surface in colours.surfaces:
        assert contrast(getattr(colours, token), surface) >= 4.5, surface


@THEMES
def test_text_on_the_accent_and_words_of_an_error_can_be_read(colours: Colours) -> None:
    assert contrast(colours.accent_text, colours.accent) >= 4.5
    assert contrast(colours.danger, colours.window) >= 4.5


@THEMES
@pytest.mark.parametrize("status", list(Status))
def test_glyphs_stand_out_from_tint_base_and_ticked_row(colours: Colours, status: Status) -> None:
    painted = colours.status[status]
    for ground in filter(None, (painted.tint, colours.base, colours.ticked, colours.hover)):
        assert contrast(painted.glyph, ground) >= 3, ground


@THEMES
@pytest.mark.parametrize("token", ["border", "focus"])
def test_borders_and_the_ring_of_the_focus_stand_out(colours: Colours, token: str) -> None:
    for ground in (colours.base, colours.window, colours.raised):
        assert contrast(getattr(colours, token), ground) >= 3, ground
    assert contrast(colours.focus, colours.ticked) >= 3


@THEMES
@pytest.mark.parametrize("status", PROBLEMS)
def test_in_the_bar_every_problem_differs_from_aligned_by_its_lightness(colours: Colours, status: Status) -> None:
    assert contrast(colours.status[status].map, colours.status[Status.ALIGNED].map) >= 3


def test_every_state_has_a_word_a_rank_and_colours() -> None:
    assert len({str(status) for status in Status}) == len(Status)
    assert set(SEVERITY) == set(LIGHT.status) == set(DARK.status) == set(Status)


SHAPES: list[Shape] = [*Status, *Sign]


def _painted(status: Shape, side: int) -> set[tuple[int, int]]:
    image = QImage(side, side, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.drawPixmap(0, 0, glyph(status, side, 1.0, "#000000"))
    painter.end()
    return {(x, y) for x in range(side) for y in range(side) if QColor(image.pixel(x, y)).lightness() < 128}


@pytest.mark.parametrize("side", [12, 16])
def test_shapes_differ_without_colour(qapp: QApplication, side: int) -> None:
    shapes = {status: _painted(status, side) for status in SHAPES}
    for one, other in itertools.combinations(SHAPES, 2):
        both, either = shapes[one] & shapes[other], shapes[one] | shapes[other]
        assert 1 - len(both) / len(either) >= 0.40, f"{one} looks like {other}"


@pytest.mark.parametrize("status", SHAPES)
def test_a_glyph_stays_in_its_box_and_is_sharp_at_every_resolution(qapp: QApplication, status: Shape) -> None:
    bounds = path(status).boundingRect()
    assert bounds.left() >= 0
    assert bounds.top() >= 0
    assert bounds.right() <= 16
    assert bounds.bottom() <= 16
    for dpr in (1.0, 1.25, 1.5, 2.0):
        assert glyph(status, 16, dpr, "#112233").width() == round(16 * dpr)
    assert not glyph_icon(status, "#112233", 14, gap=4).isNull()
    forget_pixmaps()
    assert glyph(status, 16, 1.0, "#112233").width() == 16


@pytest.mark.parametrize("status", list(Status))
def test_a_glyph_as_svg_shows_the_same_shape(qapp: QApplication, status: Status) -> None:
    renderer = QSvgRenderer(svg(status, "#000000").encode())
    assert renderer.isValid()
    image = QImage(64, 64, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    drawn = {(x, y) for x in range(64) for y in range(64) if QColor(image.pixel(x, y)).lightness() < 128}
    wanted = _painted(status, 64)
    assert len(drawn & wanted) / len(drawn | wanted) > 0.9


def test_the_theme_changes_palette_and_tells(qapp: QApplication) -> None:
    service = ThemeService(qapp, Theme.LIGHT, Density.COMFORTABLE)
    told: list[bool] = []
    service.changed.connect(lambda: told.append(service.colours.dark))
    service.choose(Theme.DARK)
    assert qapp.palette().color(QPalette.ColorRole.Base) == QColor(DARK.base)
    service.choose(Theme.LIGHT)
    assert qapp.palette().color(QPalette.ColorRole.Base) == QColor(LIGHT.base)
    assert told == [True, False]
    service.choose_density(Density.TALL)
    assert service.density is Density.TALL
    assert told == [True, False, False]
    service.choose_density(Density.TALL)
    assert len(told) == 3
    qapp.setStyleSheet("")


def test_no_font_is_smaller_than_nine_points(qapp: QApplication) -> None:
    font = qapp.font()
    for made in (small(font), heading(font), heading(font, large=True), lead(font), semibold(font), monospace(font)):
        assert made.pointSizeF() >= SMALLEST_FONT
    assert tabular(font).pointSizeF() == font.pointSizeF()


@THEMES
def test_disabled_words_can_still_be_read(qapp: QApplication, colours: Colours) -> None:
    made = palette(colours)
    words = made.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText).name()
    assert contrast(words, colours.raised) >= 4.5


def test_every_icon_is_drawn_in_the_colour_of_the_theme(qapp: QApplication) -> None:
    service = ThemeService(qapp, Theme.DARK, Density.COMFORTABLE)
    icons = Icons(service)
    for name in names():
        image = icons.pixmap(name, 24, 1.0).toImage()
        inked = [image.pixelColor(x, y) for x in range(24) for y in range(24) if image.pixelColor(x, y).alpha() > 200]
        assert inked, name
        assert all(colour.lightness() > 200 for colour in inked), name
    with pytest.raises(KeyError):
        icons.icon("no-such-icon")
    qapp.setStyleSheet("")


def test_an_icon_is_painted_once_for_all_windows_and_anew_for_other_colours(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = ThemeService(qapp, Theme.LIGHT, Density.COMFORTABLE)
    worn = QAction()
    Icons(service).wear(worn, "server")
    light = worn.icon().cacheKey()
    painted: list[object] = []
    monkeypatch.setattr("mirror_console.ui.icons.QSvgRenderer", painted.append)
    other = QAction()
    icons = Icons(service)
    icons.wear(other, "server")
    assert other.icon().cacheKey() == light
    assert icons.pixmap("server", 16, 1.0).cacheKey() == icons.pixmap("server", 16, 1.0).cacheKey()
    assert painted == []
    monkeypatch.undo()
    service.choose(Theme.DARK)
    assert other.icon().cacheKey() == icons.icon("server").cacheKey() != light
    ink = icons.pixmap("server", 16, 2.0)
    assert ink.devicePixelRatio() == 2.0
    assert (ink.width(), icons.pixmap("server", 16, 1.25).width()) == (32, 20)
    service.choose(Theme.LIGHT)
    assert other.icon().cacheKey() == light
    qapp.setStyleSheet("")


def test_no_icon_is_kept_that_nothing_shows() -> None:
    package = Path(mirror_console.ui.__file__).parent
    written = "".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    assert [name for name in names() if f'"{name}"' not in written] == []
