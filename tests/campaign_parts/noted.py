"""Noted: what a catalog has of rollouts and of their journal, to whoever checks the program.

It reads with the standard library's SQLite, and shares no code with the program.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.campaign_parts.violation import Violation


def rows(catalog: Path, question: str) -> list[tuple[Any, ...]]:
    """What a catalog has, as it is asked."""
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as connection:
        return list(connection.execute(question))


def newest_state(catalog: Path) -> tuple[str, str] | None:
    """The states of the newest rollout and its first target, as the catalog has them; None without any rollout."""
    question = (
        "SELECT rollout.state, target.state FROM rollout JOIN target ON target.rollout_id = rollout.id"
        " ORDER BY rollout.started_at DESC, target.place LIMIT 1"
    )
    found = rows(catalog, question)
    return (str(found[0][0]), str(found[0][1])) if found else None


def newest_words(catalog: Path) -> str:
    """What is noted of the newest target, in words."""
    question = "SELECT words FROM target JOIN rollout ON rollout.id = rollout_id ORDER BY rollout.started_at DESC"
    found = rows(catalog, question)
    return str(found[0][0]) if found else ""


def steps_begun(catalog: Path) -> set[str]:
    """The steps that are written down as begun."""
    entries = [json.loads(text) for (text,) in rows(catalog, "SELECT entry FROM journal")]
    return {str(entry["step"]) for entry in entries if entry["phase"] == "intent"}


def agrees(catalog: Path, told: str | None) -> list[Violation]:
    """Whether its newest rollout is over, and its target has the end that was told."""
    state = newest_state(catalog)
    if state is None:
        return []
    if state[0] in {"running", "interrupted"}:
        return [Violation("the catalog agrees with the engine", f"the rollout still is {state[0]}")]
    if told is not None and state[1] != told:
        return [Violation("the catalog agrees with the engine", f"told '{told}', noted '{state[1]}'")]
    return []


def chain(catalog: Path) -> list[Violation]:
    """Each line of the journal carries the hash over the one before and itself; the first follows the catalog's id."""
    return _chained(catalog, "journal", "SELECT sequence, entry, hash FROM journal ORDER BY sequence")


def audited(catalog: Path) -> list[Violation]:
    """The same of the audit; and it tells of each rollout, and by whom it was begun."""
    question = "SELECT sequence, line, hash FROM audit ORDER BY sequence"
    lines = [json.loads(text) for _, text, _ in rows(catalog, question)]
    by = {line["act"]["of"]: line["person"] for line in lines}
    untold = [identity for (identity,) in rows(catalog, "SELECT id FROM rollout") if not by.get(identity)]
    law = "the audit tells of each rollout"
    return _chained(catalog, "audit", question) + [Violation(law, f"not of {identity}") for identity in untold]


def _chained(catalog: Path, name: str, question: str) -> list[Violation]:
    link = str(rows(catalog, "SELECT value FROM meta WHERE key = 'id'")[0][0])
    for sequence, text, said in rows(catalog, question):
        link = hashlib.sha256((link + str(text)).encode()).hexdigest()
        if link != said:
            return [Violation(f"the {name}'s chain holds", f"broken at line {sequence}")]
    return []
