"""Marks: what a person says of a release, kept for every environment of its source that has had the same image."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from mirror_console.domain.application import Application
from mirror_console.domain.release import Mark, Release, best_known, same_image
from mirror_console.errors import InvalidInput, Problem
from mirror_console.operations.console import Console
from mirror_console.operations.ports.catalog import Books

LONGEST_REMARK = 500
SHORTEST_DIGEST = 6
"""So many digits of a digest tell an image."""


def mark_release(
    console: Console, source_id: str, release_id: str, marks: Collection[Mark], remark: str = ""
) -> list[Release]:
    """Give a release these marks in place of those it has, and a remark; all releases of the source that are the same
    image get them. Without a mark and a remark nothing is said of it any more.

    Raises InvalidInput where there is no such release or the remark is too long, NotAllowed.
    """
    console.demand_write()
    remark = " ".join(remark.split())
    problems = []
    if len(remark) > LONGEST_REMARK:
        problems.append(Problem("remark", f"{LONGEST_REMARK} characters at most"))
    if remark and not marks:
        problems.append(Problem("mark", "a remark says why it is marked: choose a mark"))
    with console.catalog.write() as books:
        releases = _of_source(books, source_id)
        chosen = next((one for one in releases if one.id == release_id), None)
        if chosen is None:
            problems.append(Problem("release", "it isn't in the catalog any more"))
        if problems or chosen is None:
            raise InvalidInput("The release was not marked.", problems)
        ordered = tuple(mark for mark in Mark if mark in marks)
        marked = [replace(one, marks=ordered, remark=remark) for one in same_image(releases, chosen)]
        for one in marked:
            books.releases.save(one)
    return marked


def source_releases(console: Console, source_id: str) -> list[Release]:
    """All releases of a source, newest first."""
    with console.catalog.read() as books:
        found = _of_source(books, source_id)
    return sorted(found, key=lambda one: one.first_seen, reverse=True)


def find_source(console: Console, text: str) -> Application:
    """The source of that slug or name. Raises InvalidInput."""
    with console.catalog.read() as books:
        sources = books.applications.sources()
    wanted = text.strip().casefold()
    found = next((one for one in sources if wanted in {one.slug.casefold(), one.name.casefold()}), None)
    if found is None:
        there = ", ".join(one.slug for one in sources) or "none yet"
        problem = Problem("source", f"there is no source '{text}' (there are: {there})")
        raise InvalidInput("This source isn't in the catalog.", [problem], "Choose another.")
    return found


def find_release(releases: Sequence[Release], text: str) -> Release:
    """The release that a person means: by its version, or by its digest or fingerprint, or how one of them begins.

    Raises InvalidInput where none fits, or several images do.
    """
    word = text.strip()
    fitting = [one for one in releases if one.version == word] or [one for one in releases if _begins(one, word)]
    if not fitting:
        versions = list(dict.fromkeys(one.title for one in releases))
        there = ", ".join(versions[:10]) + (f" and {len(versions) - 10} more" if len(versions) > 10 else "")
        problem = Problem("release", f"there is no release '{text}' (there are: {there or 'none yet'})")
        raise InvalidInput("This release isn't in the catalog.", [problem], "Choose another.")
    chosen = best_known(fitting)
    same = same_image(fitting, chosen)
    others = [one for one in fitting if one not in same]
    if others:
        names = ", ".join(one.digest or one.fingerprint for one in [chosen, *others])
        problem = Problem("release", f"several images are called '{text}': {names}")
        raise InvalidInput("It isn't clear which release is meant.", [problem], "Give the digest.")
    return chosen


def _begins(release: Release, word: str) -> bool:
    digits = word.casefold().rpartition(":")[2]
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_DIGEST},64}}", digits):
        return False
    known = (release.digest, *release.fingerprints)
    return any(one.rpartition(":")[2].startswith(digits) for one in known if one)


def _of_source(books: Books, source_id: str) -> list[Release]:
    return books.releases.of([environment.id for environment in books.environments.of(source_id)])
