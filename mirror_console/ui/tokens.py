"""The colours and measures that everything on the screen is painted with, and the rule that they are readable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mirror_console.domain.status import Status
from mirror_console.settings import Density

# Measures, in device-independent pixels. Everything stands on a grid of four.
SPACE_1 = 4
SPACE_2 = 8
SPACE_3 = 12
SPACE_4 = 16
SPACE_6 = 24
RADIUS = 4
GLYPH = 16
EDGE_BAR = 3
RAIL_WIDTH = 184
RAIL_COLLAPSED = 48
TOOL_HEIGHT = 32
TARGET = 24
"""The smallest side of anything that can be clicked. Source: WCAG 2.2, success criterion 2.5.8."""
SMALLEST_FONT = 9.0
"""In points."""


ROW_HEIGHTS: Mapping[Density, int] = {Density.COMPACT: 24, Density.COMFORTABLE: 28, Density.TALL: 40}


@dataclass(frozen=True, slots=True)
class StatusColours:
    """How a state is painted. `tint` empty means that the cell has none; `map` is for bars."""

    glyph: str
    tint: str
    map: str
    hatched: bool = False


@dataclass(frozen=True, slots=True)
class Colours:
    """One theme. `text` and `muted` are readable on every surface, on tints and on ticked rows."""

    dark: bool
    base: str
    alternate: str
    window: str
    rail: str
    raised: str
    hairline: str
    text: str
    muted: str
    border: str
    ticked: str
    hover: str
    focus: str
    accent: str
    accent_text: str
    accent_tint: str
    danger: str
    status: Mapping[Status, StatusColours]

    @property
    def surfaces(self) -> tuple[str, ...]:
        """Every colour that text may stand on."""
        tints = [colours.tint for colours in self.status.values() if colours.tint]
        plain = [self.base, self.alternate, self.window, self.rail, self.raised, self.ticked, self.hover]
        return (*plain, self.accent_tint, *tints)


LIGHT = Colours(
    dark=False,
    base="#FFFFFF",
    alternate="#F6F7F9",
    window="#F6F7F9",
    rail="#ECEFF3",
    raised="#FFFFFF",
    hairline="#DDE1E7",
    text="#1B1F24",
    muted="#57606A",
    border="#7A838D",
    ticked="#CFE3FF",
    hover="#EEF2F8",
    focus="#0B57D0",
    accent="#0B57D0",
    accent_text="#FFFFFF",
    accent_tint="#DCE8FB",
    danger="#B3170B",
    status={
        Status.ALIGNED: StatusColours("#23805E", "", "#CFE6DC"),
        Status.BEHIND: StatusColours("#A86B00", "#FFF3D1", "#A86B00"),
        Status.AHEAD: StatusColours("#1F63C6", "#E6F0FD", "#2F74D6"),
        Status.DRIFTED: StatusColours("#7B35A8", "#F3E9FB", "#8A45B5"),
        Status.MISSING: StatusColours("#A3125F", "#FCE6F0", "#B01C6B"),
        Status.UNHEALTHY: StatusColours("#B3170B", "#FDE6E3", "#B3170B"),
        Status.UNREACHABLE: StatusColours("#3E4A56", "#E6EAEE", "#4A5662"),
        Status.NO_ACCESS: StatusColours("#5B6570", "#EEF0F2", "#5F6A75"),
        Status.ROLLING_OUT: StatusColours("#00748A", "#DCF2F6", "#007F95"),
        Status.NOT_CHECKED: StatusColours("#66707A", "#F1F2F4", "#B9C0C8", hatched=True),
        Status.NO_RELEASE: StatusColours("#5D5F86", "#EFEFF7", "#6C6E99"),
        Status.NOT_APPLICABLE: StatusColours("#66707A", "", "#FFFFFF"),
    },
)

DARK = Colours(
    dark=True,
    base="#15181C",
    alternate="#1A1E23",
    window="#1A1E23",
    rail="#121518",
    raised="#22272D",
    hairline="#2D333A",
    text="#E6EAEF",
    muted="#A3ADB8",
    border="#77818C",
    ticked="#173A66",
    hover="#20262D",
    focus="#8AB8FF",
    accent="#8AB8FF",
    accent_text="#0D1A2E",
    accent_tint="#1C2F4A",
    danger="#FF7A6B",
    status={
        Status.ALIGNED: StatusColours("#5CC79B", "", "#2A4A3F"),
        Status.BEHIND: StatusColours("#F2B632", "#32270C", "#E8AD2B"),
        Status.AHEAD: StatusColours("#7FB2FF", "#152742", "#6FA5F5"),
        Status.DRIFTED: StatusColours("#CF97F5", "#2C1C3A", "#C488EC"),
        Status.MISSING: StatusColours("#FF86BE", "#3A1628", "#F577B0"),
        Status.UNHEALTHY: StatusColours("#FF7A6B", "#3F1815", "#FF6B5B"),
        Status.UNREACHABLE: StatusColours("#B4C0CB", "#272D34", "#A3AFBB"),
        Status.NO_ACCESS: StatusColours("#A3ADB8", "#23282E", "#929DA8"),
        Status.ROLLING_OUT: StatusColours("#4FCBE0", "#0E2B31", "#45BFD4"),
        Status.NOT_CHECKED: StatusColours("#97A1AC", "#1F2328", "#59626C", hatched=True),
        Status.NO_RELEASE: StatusColours("#A9ABDB", "#22233A", "#A0A2D4"),
        Status.NOT_APPLICABLE: StatusColours("#97A1AC", "", "#15181C"),
    },
)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two ``#RRGGBB`` colours, 1 to 21. Source: WCAG 2.2, relative luminance."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of a ``#RRGGBB`` colour, 0 to 1."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
