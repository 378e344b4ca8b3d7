"""What rollbacks did since to the targets of rollouts: read from the rollbacks' own targets, and never kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import sqlalchemy as sa

from mirror_console.domain.rollout import COUNTS_AS_FAILED, SUCCEEDED
from mirror_console.domain.taken_back import Key, Rollback, TakenBack
from mirror_console.store.columns import json_text
from mirror_console.store.shape import among
from mirror_console.store.tables import plan, rollout, target

_ROLLBACKS = (
    sa.select(rollout.c.rolls_back.label("of"), rollout.c.id, plan.c.fingerprint)
    .join(plan, plan.c.id == rollout.c.plan_id)
    .where(among(rollout.c.rolls_back))
    .order_by(rollout.c.started_at, sa.text("rollout.rowid"))
)
_ENDED = sa.select(
    target.c.rollout_id, target.c.environment_id, target.c.process, target.c.state, target.c.words, target.c.ended_at
).where(among(target.c.rollout_id), target.c.state.in_([*SUCCEEDED, *COUNTS_AS_FAILED]))


def rollbacks_of(connection: sa.Connection, rollout_ids: Iterable[str]) -> list[Rollback]:
    """The rollbacks of these rollouts, and the rollbacks of those, in the order in which they were begun."""
    known: dict[str, tuple[str, str]] = {}
    asked = sorted(rollout_ids)
    while asked:
        found = connection.execute(_ROLLBACKS, {"ids": json_text(asked)}).all()
        new = {one.id: (one.of, one.fingerprint) for one in found if one.id not in known}
        known |= new
        asked = sorted(new)
    if not known:
        return []
    targets: defaultdict[str, dict[Key, TakenBack]] = defaultdict(dict)
    for one in connection.execute(_ENDED, {"ids": json_text(sorted(known))}):
        well = one.state in SUCCEEDED
        told = "" if well else f"{one.state}{f', {one.words}' if one.words else ''}"
        key = (one.environment_id, one.process)
        targets[one.rollout_id][key] = TakenBack(one.rollout_id, known[one.rollout_id][1], well, one.ended_at, told)
    return [Rollback(one, of, targets[one]) for one, (of, _) in known.items()]
