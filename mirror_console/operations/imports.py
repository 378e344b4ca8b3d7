"""Imports: a YAML file of engines, registries, sources and mirrors, taken whole or refused with every problem.

What a file names is made, or changed where the catalog has it already (engines by name, registries by host, sources
and mirrors by slug, their environments by name). What it leaves out stays as it is. No engine is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.access_input import replaced
from mirror_console.operations.applied import keep_baseline
from mirror_console.operations.console import Console
from mirror_console.operations.export import export_catalog
from mirror_console.operations.import_batch import Batch, Known
from mirror_console.operations.import_file import ImportFile, dropped
from mirror_console.operations.keeping import forget, kept
from mirror_console.operations.yaml_text import line_of, lines, read_yaml

__all__ = ["Imported", "LineProblem", "export_catalog", "import_catalog"]


@dataclass(frozen=True, slots=True)
class LineProblem(Problem):
    """A problem and the line of the file that it is in; 0 where it is in no single one."""

    line: int = 0

    def __str__(self) -> str:
        text = Problem.__str__(self)
        return f"line {self.line}: {text}" if self.line else text


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought: how many of each noun, how many of all were new or changed, and what is left to do."""

    counts: Mapping[str, int]
    new: int
    changed: int
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """One sentence that says what came in."""
        parts = [f"{count} {_noun(noun, count)}" for noun, count in self.counts.items() if count]
        if not parts:
            return "The file was read; there is nothing in it to import."
        return f"Imported {_enumerated(parts)}: {self.new} new, {self.changed} changed."


def import_catalog(console: Console, text: str, folder: Path | None = None) -> Imported:
    """Take a file into the catalog. Files that it names lie in `folder` or below; without one it may name none.

    Raises InvalidInput with a LineProblem for everything that is wrong, and then changes nothing; VaultError where the
    keyring refuses a secret; NotAllowed.
    """
    console.demand_write()
    root = read_yaml(text)
    with console.catalog.read() as books:
        known = Known.of(books)
    batch = ImportFile(known, folder, console.person, console.clock()).read(root)
    if batch.problems:
        where = lines(root)
        problems = {LineProblem(one.field, one.words, line_of(one.field, where)) for one in batch.problems}
        ordered = sorted(problems, key=lambda problem: (problem.line, problem.field, problem.words))
        hint = "Correct the file and import it again. Nothing was changed."
        raise InvalidInput(f"The file has {len(ordered)} mistake{'' if len(ordered) == 1 else 's'}.", ordered, hint)
    imported = _imported(known, batch)
    with kept(console, batch.secrets):
        _save(console, batch)
    for engine_id in batch.engines:
        console.engines.forget(engine_id)
    forget(console, dropped(known.environments, batch.environments))
    forget(console, replaced(known.accesses, batch.accesses))
    return imported


def _save(console: Console, batch: Batch) -> None:
    with console.catalog.write() as books:
        for account in batch.accounts.values():
            books.accounts.save(account)
        for engine in batch.engines.values():
            books.engines.save(engine)
        for access in batch.accesses:
            books.accesses.save(access)
        for registry in batch.registries.values():
            books.registries.save(registry)
        for application in batch.applications.values():
            books.applications.save(application)
        before = {one.id: one for one in books.environments.some(batch.environments)}
        for environment in batch.environments.values():
            books.environments.save(environment)
            if environment.id in before:
                keep_baseline(books, console.clock(), before[environment.id], environment)
        for window in batch.schedule.windows:
            books.schedule.save_window(window)
        for freeze in batch.schedule.freezes:
            books.schedule.save_freeze(freeze)


def _imported(known: Known, batch: Batch) -> Imported:
    before: dict[str, object] = {
        **{one.id: one for one in known.engines},
        **{one.id: one for one in known.registries},
        **{one.id: one for one in known.applications},
        **{one.id: one for one in known.environments},
        **{one.id: one for one in known.schedule.all},
    }
    after: dict[str, object] = {
        **batch.engines,
        **batch.registries,
        **batch.applications,
        **batch.environments,
        **{one.id: one for one in batch.schedule.all},
    }
    counts = {
        "engine": len(batch.engines),
        "registry": len(batch.registries),
        "source": sum(not one.is_mirror for one in batch.applications.values()),
        "mirror": sum(one.is_mirror for one in batch.applications.values()),
        "environment": len(batch.environments),
        "window": len(batch.schedule.windows),
        "freeze": len(batch.schedule.freezes),
    }
    new = sum(identity not in before for identity in after)
    changed = sum(identity in before and before[identity] != one for identity, one in after.items())
    return Imported(counts, new, changed, tuple(batch.notes))


def _noun(noun: str, count: int) -> str:
    if count == 1:
        return noun
    return "registries" if noun == "registry" else f"{noun}s"


def _enumerated(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
