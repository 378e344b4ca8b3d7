"""The log of a campaign: a line for each point that was played, so that one that was broken off can be gone on with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from tests.campaign_parts.checker import Violation
from tests.campaign_parts.fault import Outcome
from tests.campaign_parts.play import Point

_Key = tuple[str, int, int, str]


@dataclass(slots=True)
class Log:
    """What was played already, by this file or since; without a file it remembers nothing."""

    file: Path | None = None
    _played: dict[_Key, tuple[Outcome, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        if self.file is None or not self.file.exists():
            return
        for line in self.file.read_text("utf-8").splitlines():
            told = json.loads(line)
            violations = tuple(Violation(law, words) for law, words in told["violations"])
            key = (told["fault"], told["seed"], told["number"], told["mutant"])
            self._played[key] = Outcome(violations, told["place"], told["told"]), told["seconds"]

    def known(self, point: Point) -> tuple[Outcome, float] | None:
        """What came of a point that was played before, and its seconds; None where it wasn't."""
        return self._played.get(_key(point))

    def keep(self, point: Point, outcome: Outcome, seconds: float) -> None:
        """Write down what came of a point."""
        if self.file is None:
            return
        line = {
            "fault": point.fault,
            "seed": point.seed,
            "number": point.number,
            "mutant": point.mutant,
            "told": outcome.told,
            "place": outcome.place,
            "violations": [[violation.law, violation.words] for violation in outcome.violations],
            "seconds": round(seconds, 2),
        }
        with self._lock, self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _key(point: Point) -> _Key:
    return point.fault, point.seed, point.number, point.mutant
