"""Measures two ways of doing the same in turn, and says whether their ratio is what it should be."""

from __future__ import annotations

import gc
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum


def measure(benchmark: Benchmark, rounds: int | None = None) -> Measured:
    """Set a benchmark up and measure both sides in each round, the one that begins changing from round to round.

    What others do on the machine then meets both alike, so that the ratio holds where the figures don't. The first
    round of each side warms up and isn't counted.
    """
    ours: list[float] = []
    alternative: list[float] = []
    with benchmark.setup() as sides:
        order = [(sides.ours, ours), (sides.alternative, alternative)]
        for measure_side, _figures in order:
            measure_side()
        for _round in range(rounds or benchmark.rounds):
            for measure_side, figures in order:
                gc.collect()
                figures.append(measure_side())
            order.reverse()
        sides.afterwards()
        further = {name: tuple(figures) for name, figures in sides.further.items()}
        return Measured(benchmark, tuple(ours), tuple(alternative), tuple(sides.notes), further)


class NotMeasured(Exception):
    """What was to be measured didn't come about: the message says why."""


class Bound(StrEnum):
    """Which side of a goal is good."""

    AT_MOST = "≤"
    AT_LEAST = "≥"


@dataclass(frozen=True, slots=True)
class Goal:
    """What the median of the ratios ours / alternative owes, or a figure of its own."""

    bound: Bound
    ratio: float

    def holds(self, ratio: float) -> bool:
        """Whether a ratio is good enough."""
        return ratio <= self.ratio if self.bound is Bound.AT_MOST else ratio >= self.ratio

    def __str__(self) -> str:
        return f"{self.bound} {self.ratio:g}"


@dataclass(frozen=True, slots=True)
class Further:
    """A figure of ours alone beside the ratio, such as memory, and what its largest owes."""

    name: str
    unit: str
    goal: Goal


def _nothing() -> None:
    """Nothing is left to be measured."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Both ways, ready to be measured: each does the work once and returns its figure.

    `notes` are sentences that say more, `further` the figures beside the ratio, by name; both may still be added to
    while it is measured. `afterwards` is called once after the rounds, for figures that need no alternative.
    """

    ours: Callable[[], float]
    alternative: Callable[[], float]
    notes: list[str] = field(default_factory=list)
    further: dict[str, list[float]] = field(default_factory=dict)
    afterwards: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark: what is measured in which unit, how often, and what the ratio owes.

    `setup` makes the two sides and takes away afterwards what it made for them.
    """

    name: str
    unit: str
    ours: str
    alternative: str
    goal: Goal
    rounds: int
    setup: Callable[[], AbstractContextManager[Sides]]
    further: tuple[Further, ...] = ()
    """Bounds beside the ratio. Each has to be met too, and one that wasn't measured isn't met."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one benchmark, a pair for each round."""

    benchmark: Benchmark
    ours: tuple[float, ...]
    alternative: tuple[float, ...]
    notes: tuple[str, ...] = ()
    further: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ours by the alternative, round by round."""
        return tuple(mine / other for mine, other in zip(self.ours, self.alternative, strict=True))

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    @property
    def holds(self) -> bool:
        """Whether the goal is reached, and every further bound is kept."""
        return self.ratio_holds and all(self.keeps(bound) for bound in self.benchmark.further)

    @property
    def ratio_holds(self) -> bool:
        """Whether the goal of the ratio is reached."""
        return self.benchmark.goal.holds(self.ratio)

    def keeps(self, bound: Further) -> bool:
        """Whether all figures of a further bound keep it."""
        figures = self.further.get(bound.name, ())
        return bool(figures) and all(bound.goal.holds(figure) for figure in figures)

    def as_json(self) -> str:
        """One line for programs."""
        content = {
            "name": self.benchmark.name,
            "unit": self.benchmark.unit,
            "ours": _figures(self.ours),
            "alternative": _figures(self.alternative),
            "ratio": _figures(self.ratios),
            "goal": {"bound": self.benchmark.goal.bound, "ratio": self.benchmark.goal.ratio},
            "further": [
                {
                    "name": bound.name,
                    "unit": bound.unit,
                    "figures": _figures(self.further[bound.name]) if self.further.get(bound.name) else None,
                    "goal": {"bound": bound.goal.bound, "figure": bound.goal.ratio},
                    "holds": self.keeps(bound),
                }
                for bound in self.benchmark.further
            ],
            "holds": self.holds,
            "rounds": len(self.ratios),
            "notes": self.notes,
        }
        return json.dumps(content, ensure_ascii=False)


def _figures(several: Sequence[float]) -> dict[str, float]:
    found = {"median": statistics.median(several), "min": min(several), "max": max(several)}
    return {name: round(figure, 4) for name, figure in found.items()}


HEADS = ("name", "ours", "alternative", "ratio", "min", "max", "goal", "holds")


def table(measured: Sequence[Measured]) -> str:
    """The figures for people: a line for each benchmark, then what was compared and what else is to be said."""
    rows: list[tuple[str, ...]] = [HEADS]
    for one in measured:
        rows += [_row(one), *(_further_row(one, bound) for bound in one.benchmark.further)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for one in measured:
        benchmark = one.benchmark
        lines += ["", f"{benchmark.name}: {benchmark.ours}; the alternative: {benchmark.alternative}."]
        lines += [f"  {note}" for note in one.notes]
    return "\n".join(lines)


def _row(one: Measured) -> tuple[str, ...]:
    unit = one.benchmark.unit
    ratios = _figures(one.ratios)
    return (
        one.benchmark.name,
        f"{statistics.median(one.ours):.4g} {unit}",
        f"{statistics.median(one.alternative):.4g} {unit}",
        *(f"{ratios[which]:.2f}" for which in ("median", "min", "max")),
        str(one.benchmark.goal),
        "yes" if one.ratio_holds else "NO",
    )


def _further_row(one: Measured, bound: Further) -> tuple[str, ...]:
    """A bound of ours alone: it has no alternative and no ratio."""
    figures = one.further.get(bound.name, ())
    found = f"{max(figures):.4g} {bound.unit}" if figures else "not measured"
    holds = "yes" if one.keeps(bound) else "NO"
    return (f"  {bound.name}", found, "", "", "", "", f"{bound.goal} {bound.unit}", holds)
