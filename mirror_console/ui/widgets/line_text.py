"""Fields with one NAME=value a line: what stands in them, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtWidgets import QPlainTextEdit

from mirror_console.errors import InvalidInput, Problem

Parse = Callable[[str], Mapping[str, str]]


def lines_or(parse: Parse, field: QPlainTextEdit, otherwise: Mapping[str, str]) -> dict[str, str]:
    """What stands in a field; what was given where it can't be read."""
    try:
        return dict(parse(field.toPlainText()))
    except InvalidInput:
        return dict(otherwise)


def line_problems(parse: Parse, field: QPlainTextEdit) -> list[Problem]:
    """What is wrong with the lines of a field, as the operation names it."""
    try:
        parse(field.toPlainText())
    except InvalidInput as error:
        return list(error.problems)
    return []
