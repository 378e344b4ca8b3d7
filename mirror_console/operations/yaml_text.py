"""YAML text: read as a tree that knows its lines, with limits on size, depth and repetition, and no tags.

A plain scalar stays the text that it is written as: whether it is a number or a yes is for whoever asks for one to say.
So ``restart: no`` and ``ports: [18080:8080]`` mean what a person thinks that they mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from mirror_console.errors import InvalidInput, Problem

LONGEST = 8 * 1024 * 1024
"""Characters. Two thousand mirrors with two environments each take a quarter of it."""
DEEPEST = 20
MOST_NODES = 1_000_000
"""With what anchors repeat counted each time."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Node:
    """A piece of the text and the line that it begins in: a scalar, a list or a mapping."""

    line: int
    value: str | list[Node] | dict[str, Node]
    plain: bool = False
    """Whether it is a scalar without quotation marks."""
    size: int = 1

    @property
    def is_nothing(self) -> bool:
        """Whether nothing stands there, or null."""
        return self.plain and self.value in {"", "~", "null", "Null", "NULL"}


def read_yaml(text: str) -> Node:
    """The one document in a text. Raises InvalidInput with the line where it can't be read."""
    if len(text) > LONGEST:
        raise _unreadable(f"the file is longer than {LONGEST // 1024**2} million characters")
    try:
        return _Tree().built(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = ": ".join(part for part in (error.context, error.problem) if part)
        raise _unreadable(words or "it is no YAML", mark.line + 1 if mark else 0) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 0
        raise _unreadable("there is a character that no text file has", line) from error
    except yaml.YAMLError as error:
        raise _unreadable("it is no YAML") from error


def _unreadable(words: str, line: int = 0) -> InvalidInput:
    field_name = f"line {line}" if line else ""
    return InvalidInput("The file can't be read as YAML.", [Problem(field_name, words)])


@dataclass(slots=True)
class _Open:
    """A list or a mapping whose end hasn't come yet."""

    node: Node
    anchor: str | None
    key: str | None = None
    merged: list[Node] = field(default_factory=list)


class _Tree:
    """Builds the tree from the parser's events, without recursion: a text can't be too deep to be refused."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._root: Node | None = None

    def built(self, events: Iterator[yaml.Event]) -> Node:
        documents = 0
        for event in events:
            line = event.start_mark.line + 1 if event.start_mark else 0
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        raise _unreadable("there is a second document; one file holds one", line)
                case yaml.ScalarEvent():
                    _demand_no_tag(event.tag, line)
                    plain = event.style in {None, ""}
                    self._add(Node(line, event.value, plain), event.anchor)
                case yaml.AliasEvent():
                    if event.anchor not in self._anchors:
                        raise _unreadable(f"*{event.anchor} names no anchor that has ended before it", line)
                    known = self._anchors[event.anchor]
                    self._add(Node(line, known.value, known.plain, known.size), None)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    _demand_no_tag(event.tag, line)
                    if len(self._open) >= DEEPEST:
                        raise _unreadable(f"it is nested deeper than {DEEPEST} levels", line)
                    empty: list[Node] | dict[str, Node] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
                    self._open.append(_Open(Node(line, empty), event.anchor))
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    ended = self._open.pop()
                    _merge(ended)
                    _demand_small(ended.node)
                    self._add(ended.node, ended.anchor)
        return self._root or Node(1, "", plain=True)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        parent.node.size += node.size
        _demand_small(parent.node)
        if isinstance(parent.node.value, list):
            parent.node.value.append(node)
        elif parent.key is None:
            if not isinstance(node.value, str):
                raise _unreadable("a list or a mapping can't be a key", node.line)
            if node.value in _entries(parent.node):
                raise _unreadable(f"the key '{node.value}' comes twice", node.line)
            parent.key = node.value
        elif parent.key == "<<":
            parent.key = None
            parent.merged += node.value if isinstance(node.value, list) else [node]
        else:
            _entries(parent.node)[parent.key] = node
            parent.key = None


def _merge(ended: _Open) -> None:
    """Take over what ``<<`` names: what stands there by itself goes before, and what is named first before the rest."""
    for other in ended.merged:
        if not isinstance(other.value, dict):
            raise _unreadable("<< takes mappings only", other.line)
        ended.node.size += other.size
        for key, node in other.value.items():
            _entries(ended.node).setdefault(key, node)


def _demand_small(node: Node) -> None:
    if node.size > MOST_NODES:
        raise _unreadable(f"with what its anchors repeat it has more than {MOST_NODES} parts", node.line)


def _entries(node: Node) -> dict[str, Node]:
    if not isinstance(node.value, dict):
        raise TypeError("not a mapping")
    return node.value


def _demand_no_tag(tag: str | None, line: int) -> None:
    if tag is not None and tag != "!":
        raise _unreadable(f"the tag {tag} means nothing here: leave tags out", line)


def lines(root: Node) -> dict[str, int]:
    """The line of everything, by its path: ``mirrors[3].environments[0].name``."""
    found: dict[str, int] = {}
    todo = [("", root)]
    while todo:
        path, node = todo.pop()
        found[path] = node.line
        if isinstance(node.value, list):
            todo += [(f"{path}[{place}]", below) for place, below in enumerate(node.value)]
        elif isinstance(node.value, dict):
            todo += [(f"{path}.{key}" if path else key, below) for key, below in node.value.items()]
    return found


def line_of(path: str, known: dict[str, int]) -> int:
    """The line of a path, or of the nearest above it that is written."""
    while path and path not in known:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return known.get(path, 0)
