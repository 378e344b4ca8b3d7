"""The actions of the alignment page, each with its key and the reason why it can't be done now."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from mirror_console.domain.status import Activity
from mirror_console.ui.actions import Declared, MenuName
from mirror_console.ui.words import tr

if TYPE_CHECKING:
    from mirror_console.ui.grid.page import AlignmentPage


_LIKE_THIS = (
    ("state", "Only this state", "Not this state"),
    ("version", "Only this version", "Not this version"),
    ("engine", "Only this engine", "Not this engine"),
    ("source", "Only this source", "Not this source"),
)
"""What a filter can ask for or leave out that stands in a cell, with the words of both."""
ONLY = tuple(f"grid.only_this_{what}" for what, _, _ in _LIKE_THIS)
LEAVE_OUT = tuple(f"grid.not_this_{what}" for what, _, _ in _LIKE_THIS)


def declared(page: AlignmentPage) -> tuple[Declared, ...]:
    """Everything that can be done on the page."""
    at = page.at_cursor

    def no_cell() -> str:
        return "" if at.cell() is not None else tr("no environment is chosen")

    def nothing_runs() -> str:
        cell = at.cell()
        return no_cell() or ("" if cell is not None and cell.running_title else tr("nothing runs there"))

    def no_writing() -> str:
        return tr("read-only") if page.context.console.read_only else ""

    def no_rollout() -> str:
        cell = at.cell()
        if cell is not None and cell.activity is Activity.LOCKED:
            return no_writing() or cell.step
        busy = cell is not None and cell.activity is not Activity.IDLE
        return no_writing() or no_cell() or (tr("a rollout works here") if busy else "")

    def no_rollout_of_ticked() -> str:
        if no_writing():
            return no_writing()
        if not page.model.ticked.ids:
            return tr("no mirror is ticked")
        return "" if page.selection.chosen_environment() else tr("choose an environment first")

    edit, view, go, rollout = MenuName.EDIT, MenuName.VIEW, MenuName.GO, MenuName.ROLLOUT
    here = page.id
    model = page.model
    return (
        Declared("grid.copy_answer", "Copy answer", edit, at.copy_answer, "copy", "Ctrl+Shift+C", "", no_cell, here),
        Declared("grid.copy_version", "Copy version", edit, at.copy_version, "", "", "", nothing_runs, here),
        Declared(
            "grid.tick_shown",
            "Tick all that are shown",
            edit,
            model.tick_shown,
            "square-check-big",
            "Ctrl+A",
            page=here,
            begins_group=True,
        ),
        Declared("grid.clear_ticks", "Clear all ticks", edit, model.clear_ticks, "", "Ctrl+Shift+A", page=here),
        Declared("grid.search", "Filter", edit, page.filter.focus, "search", "Ctrl+F", page=here, begins_group=True),
        *_filters(page),
        Declared(
            "grid.where_it_runs",
            "Where does this build run?…",
            edit,
            at.where_it_runs,
            "search",
            refusal=nothing_runs,
            page=here,
        ),
        Declared(
            "grid.attention_only",
            "Needs attention",
            view,
            lambda: page.filter_by("is:attention"),
            "circle-alert",
            "Alt+2",
            page=here,
        ),
        Declared("grid.everything", "Everything", view, lambda: page.filter_by(""), "", "Alt+1", page=here),
        Declared(
            "grid.live_behind", "Live is behind", view, lambda: page.filter_by("live:behind"), "", "Alt+3", page=here
        ),
        Declared("grid.held", "Held", view, lambda: page.filter_by("is:held"), "pin", page=here),
        Declared(
            "grid.holds_ending", "Holds that end within a week", view, lambda: page.filter_by("hold:<7d"), "", page=here
        ),
        Declared("grid.details", "Details", view, page.open_detail, "eye", "", "Enter", page=here, begins_group=True),
        Declared(
            "grid.toggle_details",
            "Show or hide details",
            view,
            page.toggle_detail,
            "panel-right-open",
            "Ctrl+I",
            page=here,
        ),
        Declared(
            "grid.way_back",
            "Show or hide the way back",
            view,
            page.ways.turn,
            shortcut="Ctrl+Shift+B",
            page=here,
        ),
        Declared("grid.back_out", "Clear filter, then leave details", view, page.back_out, "", "", "Esc", page=here),
        Declared(
            "grid.next_attention",
            "Next that needs attention",
            go,
            lambda: page.next_attention(1),
            "circle-alert",
            "",
            "N",
            page=here,
            begins_group=True,
        ),
        Declared(
            "grid.previous_attention",
            "Previous that needs attention",
            go,
            lambda: page.next_attention(-1),
            "",
            "",
            "Shift+N",
            page=here,
        ),
        Declared("grid.show_engine", "Show its engine", go, at.show_engine, "server", "", "", no_cell, here),
        Declared(
            "grid.edit_mirror",
            "Edit mirror…",
            edit,
            at.edit_mirror,
            "pencil",
            "F2",
            "",
            lambda: no_writing() or no_cell(),
            here,
            begins_group=True,
        ),
        Declared(
            "grid.check_this", "Check its engine now", rollout, at.check_this, "refresh-cw", "", "R", no_cell, here
        ),
        Declared(
            "grid.roll_out_this",
            "Roll out this environment…",
            rollout,
            at.roll_out_this,
            "rocket",
            "",
            "",
            no_rollout,
            here,
            begins_group=True,
        ),
        Declared(
            "grid.roll_out_ticked",
            "Roll out to ticked mirrors…",
            rollout,
            page.roll_out_ticked,
            "rocket",
            "",
            "",
            no_rollout_of_ticked,
            here,
        ),
        *_about_drift(page),
        Declared(
            "grid.take_over",
            "Take its lock over…",
            rollout,
            page.detail.lock_actions.take_over,
            refusal=page.detail.lock_actions.refusal,
            page=here,
            begins_group=True,
        ),
    )


def _about_drift(page: AlignmentPage) -> Iterator[Declared]:
    """What is done about what was changed by hand in the cell that the cursor is in."""
    acts, here = page.drift, page.id
    yield Declared(
        "grid.accept_drift",
        "Accept what was changed by hand",
        MenuName.ROLLOUT,
        acts.accept,
        refusal=acts.refusal,
        page=here,
        begins_group=True,
    )
    yield Declared(
        "grid.adopt_drift",
        "Adopt what was changed by hand into the template…",
        MenuName.ROLLOUT,
        acts.adopt,
        refusal=acts.refusal,
        page=here,
    )
    yield Declared(
        "grid.correct_drift",
        "Correct what was changed by hand…",
        MenuName.ROLLOUT,
        acts.correct,
        refusal=acts.correct_refusal,
        page=here,
    )


def _filters(page: AlignmentPage) -> Iterator[Declared]:
    """Filter from the cell that the cursor is in: only what is like it, or what isn't."""
    at = page.at_cursor

    def missing(what: str) -> str:
        if what in at.asks():
            return ""
        return tr("nothing runs there") if at.cell() is not None else tr("no environment is chosen")

    for ids, act, place in ((ONLY, at.only, 1), (LEAVE_OUT, at.leave_out, 2)):
        for action_id, named in zip(ids, _LIKE_THIS, strict=True):
            yield Declared(
                action_id,
                named[place],
                MenuName.EDIT,
                partial(act, named[0]),
                "filter" if action_id == ONLY[0] else "",
                refusal=partial(missing, named[0]),
                page=page.id,
                begins_group=action_id == LEAVE_OUT[0],
                submenu="Filter by this cell",
            )
