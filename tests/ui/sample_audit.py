"""An audit for pictures and tests of the window: a day of an agency."""

from __future__ import annotations

from datetime import timedelta

from mirror_console.domain.audit import Act, AnchorState, AuditLine, Doing, Noun, Verified
from tests.ui.sample import NOW

_OLD, _NEW = f"fp1:{'601aec88752e8a38' * 4}", f"fp1:{'c7a9ea3315b47711' * 4}"
_WHY = "security fix of the checkout"
_PLAN = "7110-91D1 to live"


def audit_lines() -> list[AuditLine]:
    """Its lines, newest first."""
    gone = ["image registry.example/shop/webshop:26.7.9", "container dunes-live.mc-prev"]
    hold = {"hold.reason": "the customer tests on Friday", "hold.version": "26.7.9", "hold.person": "operator"}
    key = "engine/fra-2/client-key"
    acts = [
        Act(Noun.SECRET, Doing.ENDED, key, key, result="done", begun=47),
        Act(Noun.ENGINE, Doing.CHANGED, "e3", "ber-1", before={"location": "Berlin"}, after={"location": "Potsdam"}),
        Act(Noun.CLEAN_UP, Doing.ENDED, "e2", "fra-2", result="done", begun=40, after={"removed": gone}),
        _head("running", "completed with failures"),
        _target("Harbour Bakery live", "ACC-204", "put back", "verify: 500 on /up"),
        _target("Dunes Bakery live", "ACC-118", "done"),
        _target("Alder Bakery live", "ACC-204", "done"),
        _head("paused", "running"),
        _head("running", "paused", "Paused after the canary, as planned"),
        Act(Noun.ROLLOUT, Doing.ADDED, "r1", _PLAN, why=_WHY, after={"state": "running", "started_by": "operator"}),
        Act(
            Noun.RELEASE,
            Doing.CHANGED,
            "s1",
            "26.8.1",
            why="loses orders at midnight",
            before={"marks": [], "remark": ""},
            after={"marks": ["withdrawn"], "remark": "loses orders at midnight"},
        ),
        Act(Noun.ENVIRONMENT, Doing.CHANGED, "v1", "Cedar Bakery live", "ACC-118", hold["hold.reason"], after=hold),
        Act(Noun.APPLICATION, Doing.ADDED, "m9", "Juniper Bakery", "ACC-118", after={"kind": "mirror"}),
    ]
    who = ("operator", "operator", "night-shift", *("operator",) * 7, "night-shift", "operator", "support")
    return [
        AuditLine(48 - place, NOW - timedelta(minutes=7 * place), who[place], "desk-7", "run", act)
        for place, act in enumerate(acts)
    ]


def _head(before: str, after: str, why: str = "") -> Act:
    said = {"state": after, "paused_because": why} if why else {"state": after}
    return Act(Noun.ROLLOUT, Doing.CHANGED, "r1", _PLAN, why=why, before={"state": before}, after=said)


def _target(title: str, account: str, result: str, words: str = "") -> Act:
    after = {
        "image" if result == "done" else "wanted": "26.8.3",
        "fingerprint": _NEW if result == "done" else _OLD,
        "engine": "fra-2",
        "change": "update",
    }
    after |= {"words": words} if words else {"verified_by": "its health check says healthy", "down_seconds": "0.9"}
    before = {"image": "26.8.2", "fingerprint": _OLD}
    return Act(Noun.TARGET, Doing.ENDED, "r1", title, account, _WHY, before, after, result)


VERIFIED = Verified(48, None, None, AnchorState.HOLDS, 46)
VERIFIED_BROKEN = Verified(48, 31, None, AnchorState.BROKEN, 52)
